"""The training loop: batches in, a better encoder out; interruptible, resumable, the same every time."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from vocnlp.errors import InputError
from vocnlp.training.encoder_source import WEIGHTS
from vocnlp.training.steps import (
    Position,
    TrainingError,
    groups,
    half_precision,
    load_checkpoint,
    rate_at,
    save_checkpoint,
    slower,
)

from .network import Losses, Network, candidates, hide
from .plan import Plan
from .tokens import Tokens, batches, padded

HEADS = "heads.safetensors"  # of pretraining, beside an encoder
_LOG = "log.jsonl"
_PROBE_EVERY, _LOG_EVERY = 500, 50


@dataclass(frozen=True)
class Report:
    """What the caller is told after every step."""

    done: int
    wanted: int
    words: float
    stars: float
    mood: float
    probe: float | None


class Training:
    """One pretraining in a work folder; ``steps`` goes on where the last checkpoint was left."""

    def __init__(
        self, plan: Plan, tokens: Tokens, probe: Tokens, work: Path, *, start: Path | None = None, device: str = "cpu"
    ) -> None:
        self.plan, self.tokens, self.probe, self.work, self.device = plan, tokens, probe, work, device
        self.size = int(json.loads((work / "vocabulary.json").read_text())["size"])
        counts = np.bincount(tokens.ids, minlength=self.size).astype(np.float64)
        self.frequency = counts / counts.sum()
        torch.manual_seed(plan.seed)
        self.network = Network(plan, self.size).to(device)
        self.network.table.data.copy_(torch.from_numpy(np.load(work / "vectors.npy", allow_pickle=False)))
        if start is not None:
            _put_back(self.network, start)
        self.optimiser = torch.optim.AdamW(groups(self.network), lr=plan.rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.position = Position()
        self.measured: float | None = None
        if state := load_checkpoint(work, self.network, self.optimiser, device=device):
            self.position = Position(**state["position"])
            self.measured = state["probe"]

    @property
    def spent(self) -> dict[str, Any]:
        """What this training has cost and come to; ``probe`` is the accuracy on held-out two-class reviews."""
        position = self.position
        return {
            "tokens": position.tokens,
            "steps": position.step,
            "hours": round(position.seconds / 3600, 2),
            "device": self.device,
            "probe": None if self.measured is None else round(self.measured, 4),
        }

    def steps(self, *, save_every: float = 300.0) -> Iterator[Report]:
        """Train until the plan's tokens are read; checkpoints every so many seconds, at every probe, and at the end."""
        saved = begun = time.monotonic()
        while self.position.tokens < self.plan.tokens:
            for rows in self._rest_of_epoch():
                losses = self._step(rows)
                now = time.monotonic()
                self.position.seconds += now - begun
                begun = now
                if self.position.step % _PROBE_EVERY == 0:
                    self.measured = self._accuracy()
                if self.position.step % _LOG_EVERY == 0:
                    self._log(losses)
                if now - saved > save_every:
                    self.save()
                    saved = now
                yield self._report(losses)
                if self.position.tokens >= self.plan.tokens:
                    break
            else:
                self.position.epoch += 1
                self.position.batch = 0
        self.measured = self._accuracy()
        self.save()

    def _rest_of_epoch(self) -> Iterator[npt.NDArray[np.int64]]:
        done = self.position.batch
        for number, rows in enumerate(
            batches(self.tokens, self.plan.batch, seed=self.plan.seed, epoch=self.position.epoch)
        ):
            if number >= done:
                self.position.batch = number + 1
                yield rows

    def _step(self, rows: npt.NDArray[np.int64]) -> Losses:
        plan, step = self.plan, self.position.step
        ids = padded(self.tokens, rows)
        chance = np.random.default_rng([plan.seed, step])
        seen, places = hide(ids, plan, self.size, chance)
        among = candidates(ids.ravel()[places], self.frequency, plan.candidates, chance)
        torch.manual_seed(plan.seed * 1_000_003 + step)  # dropout is the same after a resume
        for group in self.optimiser.param_groups:
            group["lr"] = plan.rate * rate_at(self.position.tokens / plan.tokens, plan.warm, plan.decay)
        labels = {
            "stars": self._to(self.tokens.stars[rows].astype(np.int64) - 1),
            "mood": self._to(self.tokens.mood[rows].astype(np.int64)),
            "two_class": self._to(np.asarray(self.tokens.two_class[rows])),
        }
        self.network.train()
        with half_precision(self.device):
            losses = self.network.losses(self._to(seen), self._to(places), among, labels, plan)
        total = float(losses.total.detach())
        if not math.isfinite(total):
            told = f"the loss is {total:g} at step {step}, epoch {self.position.epoch}"
            raise TrainingError(told, hint=slower(self.work))
        losses.total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.position.step += 1
        self.position.tokens += int((ids != 0).sum())
        return losses

    def _to(self, array: npt.NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)

    @torch.inference_mode()
    def _accuracy(self) -> float:
        """Share of the probe's texts (two-class, held out) whose polarity the mood head gets right."""
        self.network.eval()
        order = np.argsort(self.probe.lengths)
        right = 0
        for at in range(0, len(order), 64):
            rows = order[at : at + 64]
            with half_precision(self.device):
                _, pooled = self.network.read(self._to(padded(self.probe, rows)))
                guess = (self.network.mood(pooled)[:, 1] > 0).cpu().numpy()
            right += int((guess == (self.probe.mood[rows] == 2)).sum())
        return right / len(order)

    def _report(self, losses: Losses) -> Report:
        words, stars, mood = (float(part.detach()) for part in (losses.words, losses.stars, losses.mood))
        return Report(self.position.tokens, self.plan.tokens, words, stars, mood, self.measured)

    def _log(self, losses: Losses) -> None:
        entry = {**asdict(self.position), **asdict(self._report(losses))}
        with (self.work / _LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps({name: round(value, 4) if isinstance(value, float) else value
                                  for name, value in entry.items()}) + "\n")  # fmt: skip

    def save(self) -> None:
        """Weights, moments and position, replaced whole."""
        state = {"plan": self.plan.plain(), "position": asdict(self.position), "probe": self.measured}
        save_checkpoint(self.work, self.network, self.optimiser, state)


def table_of(folder: Path) -> npt.NDArray[np.float32]:
    """(tokens, width) word vectors of an encoder's folder or a bundle's."""
    found = _weights(folder)
    _check_there(folder, ["embeddings.word_embeddings.weight"], found)
    table: npt.NDArray[np.float32] = found["embeddings.word_embeddings.weight"].float().numpy()
    return table


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        hint = "give the folder of an encoder that this command wrote, or of a bundle made from one"
        raise InputError(f"its weights cannot be read: {error}", path=folder, hint=hint) from error


def _check_there(folder: Path, names: Iterable[str], found: Container[str]) -> None:
    """InputError for weights that the folder lacks: they would be drawn by chance."""
    if missing := [name for name in names if name not in found]:
        told = f"{WEIGHTS} holds no {', '.join(missing[:3])}"
        raise InputError(told, path=folder, hint="give an encoder that this command wrote, or a bundle made from one")


def _put_back(network: Network, folder: Path) -> None:
    """The weights of an encoder, and of the heads it was pretrained with where they are kept beside it."""
    heads = load_file(folder / HEADS) if (folder / HEADS).is_file() else {}
    own = network.state_dict()
    given = {**{f"encoder.{name}": tensor for name, tensor in _weights(folder).items()}, **heads}
    _check_there(folder, [name for name in own if name.startswith("encoder.")], given)
    for name, tensor in own.items():
        if name in given and given[name].shape != tensor.shape:
            told = f"{name} is of shape {tuple(given[name].shape)}, the recipe's of {tuple(tensor.shape)}"
            raise InputError(told, path=folder, hint="give a recipe of the same layers, width and window")
    network.load_state_dict({**own, **{name: given[name].float() for name in own if name in given}})
