"""Fine-tunes an encoder into a tagger, on all sets at once: each set teaches what was annotated in it (extra ``train``).

A part of the training texts is kept out of the fit; on it the confidence is calibrated and the thresholds are chosen.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vocnlp.records import POLARITIES, POSITIVE
from vocnlp.windows import NOTHING, WORD

from .adversarial import moved
from .encoder_batches import Batch, batch_of, batches, length
from .encoder_net import Read, TaggerNet, code_losses, mood_loss, outcomes, taught_losses
from .reading import Example
from .recipe import EncoderRecipe
from .snapshots import Snapshots
from .steps import TrainingError, groups, half_precision, load_beside, load_checkpoint, rate_at, save_checkpoint, slower

Progress = Callable[[str, float], None]
Look = Callable[[], float]
_TAUGHT = ("mention", "polarity", "mood")
_POSITIVE = POLARITIES.index(POSITIVE)


@dataclass
class _Position:
    """How far a fit is. best: the least surprise at a look, met at ``best_step``; since: looks after that one."""

    step: int = 0
    done: float = 0.0
    seconds: float = 0.0
    best: float = math.inf
    best_step: int = 0
    since: int = 0
    over: bool = False


class EncoderFit:
    """One fine-tuning; ``run`` goes on from the last checkpoint in ``work``, if there is one. ``mask`` hides words."""

    def __init__(
        self,
        network: TaggerNet,
        recipe: EncoderRecipe,
        *,
        exclusive: bool,
        mask: int | None = None,
        work: Path | None = None,
        device: str = "cpu",
    ) -> None:
        self.network, self.recipe, self.exclusive, self.work, self.device = network, recipe, exclusive, work, device
        self.mask = mask
        self.words: nn.Parameter = network.encoder.get_input_embeddings().weight  # type: ignore[assignment]
        self.still: Sequence[nn.Parameter] = ()  # they stay as they are, but may be moved (``adversarial``)
        network.to(device)
        encoder = groups(network.encoder)
        known = {id(p) for group in encoder for p in group["params"]}
        heads = [p for p in network.parameters() if id(p) not in known]
        self._full = [recipe.rate, recipe.rate, recipe.heads_rate]
        self.optimiser = torch.optim.AdamW(
            [*encoder, {"params": heads, "weight_decay": 0.01}], betas=(0.9, 0.98), fused=True
        )
        self.snapshots = Snapshots(network, recipe.average)
        self.position = _Position()
        if work is not None:
            work.mkdir(parents=True, exist_ok=True)
            if state := load_checkpoint(work, network, self.optimiser, device=device):
                self.position = _Position(**state)
                self.snapshots.restore(load_beside(work, device=device))

    def run(
        self, examples: Sequence[Example], *, progress: Progress, look: Look | None = None, save_every: float = 120.0
    ) -> None:
        """Fit to the examples. TrainingError where the loss is no number.

        look: how surprising texts apart are to the network now; it is asked every so often, the fit ends when it has
        not fallen for ``patience`` looks, and the weights at which it was least stay.
        """
        saved = begun = time.monotonic()
        for epoch, step, done, chosen in self._plan(examples):
            told = self._step(chosen, done, step)
            if look is not None:  # without, the last weights stay, and nobody asks for an average
                self.snapshots.step(step)
            self.position.step, self.position.done = step, done
            if look is not None and step % self.recipe.look_every == 0:
                self._look(look)
            now = time.monotonic()
            self.position.seconds += now - begun
            begun = now
            progress(f"learning, epoch {epoch + 1}: {told}", done)
            if self.position.over:
                break
            if now - saved > save_every:
                self._save()
                saved = now
        if not self.position.over:
            if look is not None and self.position.step % self.recipe.look_every:
                self._look(look)
            self.position.over = True
        self._save()
        self.snapshots.settle()

    def _plan(self, examples: Sequence[Example]) -> Iterator[tuple[int, int, float, list[Example]]]:
        """``(epoch, step, share done, texts)`` of every step that is still to do."""
        weight = sum(one.weight * len(one) for one in examples) * self.recipe.epochs
        step, done = 0, 0.0
        for epoch in range(math.ceil(self.recipe.epochs) if not self.position.over else 0):
            chance = np.random.default_rng([self.recipe.seed, epoch])
            for chosen in batches(examples, self.recipe.batch, chance):
                step += 1
                done += sum(map(len, chosen)) / weight
                if done >= 1:
                    return
                if step > self.position.step:
                    yield epoch, step, done, chosen

    def _look(self, look: Look) -> None:
        position = self.position
        with self.snapshots.averaged():
            surprise = look()
            better = surprise < position.best
            if better:
                self.snapshots.take()
        if better:
            position.best, position.best_step, position.since = surprise, position.step, 0
        else:
            position.since += 1
            position.over = position.since >= self.recipe.patience > 0

    def _save(self) -> None:
        if self.work is not None:
            beside = self.snapshots.tensors()
            save_checkpoint(self.work, self.network, self.optimiser, asdict(self.position), beside=beside)

    def _step(self, chosen: list[Example], done: float, step: int) -> str:
        recipe = self.recipe
        torch.manual_seed(recipe.seed * 1_000_003 + step)  # dropout is the same after a resume
        share = rate_at(done, recipe.warm, recipe.decay)
        for group, full in zip(self.optimiser.param_groups, self._full, strict=True):
            group["lr"] = full * share
        self.network.train()
        batch = batch_of(chosen)
        told = self._sloped(batch, step)
        if recipe.adversarial:
            with moved(self.words, recipe.adversarial):
                self._sloped(batch, step)
        for parameter in self.still:
            parameter.grad = None  # so the optimiser passes it by
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return told

    def _sloped(self, batch: Batch, step: int) -> str:
        """Add the gradient of a batch's losses to what there is; what they are. TrainingError where they are no number."""
        losses = self.losses(batch, step)
        total = torch.stack([weight * loss for weight, loss in losses.values()]).sum()
        if not math.isfinite(float(total.detach())):
            raise TrainingError(f"the loss is {float(total.detach()):g} at step {step}", hint=slower(self.work))
        total.backward()  # type: ignore[no-untyped-call]
        return " ".join(f"{name} {float(loss.detach()):.2f}" for name, (_, loss) in losses.items())

    def losses(self, batch: Batch, step: int) -> dict[str, tuple[float, Tensor]]:
        """Each loss of a batch by name, with its weight."""
        recipe = self.recipe
        with half_precision(self.device):
            read = self.network(self._to(self._hidden(batch, step)), self._to(batch.kind))
        weights = (recipe.mention_weight, recipe.polarity_weight, recipe.mood_weight, recipe.evidence_weight)
        parts = zip(weights, self._losses(batch, read), strict=True)
        return dict(zip(("mention", "polarity", "mood", "evidence"), parts, strict=True))

    def _hidden(self, batch: Batch, step: int) -> npt.NDArray[np.int64]:
        """The ids with some words hidden, the same ones after a resume."""
        if self.mask is None or not self.recipe.hidden:
            return batch.ids
        chosen = np.random.default_rng([self.recipe.seed, step]).random(batch.ids.shape) < self.recipe.hidden
        return np.where(chosen & (batch.kind == WORD), self.mask, batch.ids)

    def _losses(self, batch: Batch, read: Read) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        logits, total, mood = merged(batch, read)
        taught = [one.taught for one in batch.examples if one.taught is not None]
        if taught:
            targets = (self._to(np.stack([getattr(one, name) for one in taught])) for name in _TAUGHT)
            return *taught_losses(logits, mood, *targets, exclusive=self.exclusive), total.sum() * 0
        mention = self._to(np.stack([one.mention for one in batch.examples]))
        polarity = self._to(np.stack([one.polarity for one in batch.examples]))
        believed = batch.believed()
        first, second = code_losses(
            logits, mention, polarity, exclusive=self.exclusive, robust=self.recipe.robust,
            believed=None if believed is None else self._to(believed),
        )  # fmt: skip
        moods = self._to(np.array([one.mood for one in batch.examples]))
        two_class = self._to(np.array([one.two_class for one in batch.examples]))
        leaning = [float(one.mood == _POSITIVE) if one.leaning is None else one.leaning for one in batch.examples]
        felt = mood_loss(mood, moods, two_class, self._to(np.array(leaning, np.float32)))
        return first, second, felt, self._evidence(batch, read, total)

    def _evidence(self, batch: Batch, read: Read, total: Tensor) -> Tensor:
        """How little of a code's attention lies on the clauses that hold its marked words: mean of -log(share)."""
        first = np.searchsorted(batch.owner, np.arange(len(batch.examples)))
        rows, columns, marks, texts = [], [], [], []
        for text, one in enumerate(batch.examples):
            for column, held in one.evidence.items():
                for k, window in enumerate(one.windows):
                    rows.append(first[text] + k)
                    columns.append(column)
                    texts.append((text, column))
                    marks.append(np.pad(np.isin(window.clause, held), (0, batch.ids.shape[1] - len(window.ids))))
        if not rows:
            return total.sum() * 0
        pairs = {pair: k for k, pair in enumerate(dict.fromkeys(texts))}
        on = (read.attention[rows, :, columns] * self._to(np.stack(marks))).sum(1)
        place = torch.tensor([pairs[pair] for pair in texts], device=self.device)
        held_by = torch.zeros(len(pairs), device=self.device).index_add(0, place, on)
        whole = total[[text for text, _ in pairs], [column for _, column in pairs]]
        return -torch.log((held_by / whole.clamp(min=1e-6)).clamp(min=1e-4)).mean()

    def _to(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device)


def merged(batch: Batch, read: Read) -> tuple[Tensor, Tensor, Tensor]:
    """``(logits (n, c, 4), total (n, c), mood (n, 2))`` of whole texts, from the windows they were read in."""
    owner = torch.from_numpy(batch.owner).to(read.total.device)
    n = len(batch.examples)
    total = torch.zeros(n, *read.total.shape[1:], device=read.total.device).index_add(0, owner, read.total)
    weighted = torch.zeros(n, *read.weighted.shape[1:], device=read.total.device).index_add(0, owner, read.weighted)
    size = torch.from_numpy((batch.kind != NOTHING).sum(1)).to(read.mood)
    share = size / torch.zeros(n, device=size.device).index_add(0, owner, size)[owner]
    mood = torch.zeros(n, 2, device=size.device).index_add(0, owner, read.mood * share.unsqueeze(1))
    return outcomes(total, weighted), total, mood


@torch.inference_mode()
def scores(
    network: TaggerNet, examples: Sequence[Example], *, batch: int = 4096, device: str = "cpu"
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """``(logits (n, c, 4), mood (n, 2))`` of all examples, in order."""
    network.eval()
    order = sorted(range(len(examples)), key=lambda k: length(examples[k]))
    logits = np.zeros((len(examples), network.codes, 4), np.float32)
    mood = np.zeros((len(examples), 2), np.float32)
    at = 0
    while at < len(order):
        end, room = at, 0
        while end < len(order) and (
            end == at or (room + len(examples[order[end]].windows)) * length(examples[order[end]]) <= batch
        ):
            room += len(examples[order[end]].windows)
            end += 1
        some = batch_of([examples[k] for k in order[at:end]])
        with half_precision(device):
            read = network(torch.from_numpy(some.ids).to(device), torch.from_numpy(some.kind).to(device))
        outcome, _, felt = merged(some, read)
        logits[order[at:end]], mood[order[at:end]] = outcome.cpu().numpy(), felt.cpu().numpy()
        at = end
    return logits, mood
