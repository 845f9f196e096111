"""The four parts of the way, each one loop: batches in, better weights out; interruptible and resumable."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from vocnlp.training.encoder_net import code_losses, mood_loss
from vocnlp.training.recipe import EncoderRecipe
from vocnlp.training.steps import Position, TrainingError, broken, load_checkpoint, rate_at, save_checkpoint, slower

from .batches import Batch, Setting
from .learner import Learner, hide, say, starred_losses, states_loss, states_of, taught_loss
from .numbers import Comments, Corpus
from .plan import Phase

_USUAL = EncoderRecipe()  # its weights of polarity, mood and evidence
_LOG_EVERY = 50
_COMPILING = 3  # steps that do not count as time: the first ones wait for torch.compile
Report = Callable[[str, float], None]
Step = Callable[[Batch, torch.Generator], Mapping[str, Tensor]]
Epochs = Callable[[int], Iterator[Batch]]


def growing(setting: Setting, learner: Learner, corpus: Corpus, phase: Phase) -> Step:
    """Hidden words, and what the writer's stars and the labels say of the whole."""

    def step(batch: Batch, chance: torch.Generator) -> Mapping[str, Tensor]:
        seen, places, truth = hide(batch.packed, phase.hidden, setting.vocabulary, chance)
        states = states_of(learner, seen, setting.fixed)
        labels = {name: getattr(corpus, name)[batch.chosen] for name in ("stars", "mood", "two_class")}
        stars, mood = starred_losses(learner, states, seen, labels)
        words = learner.guess(states, places, truth, setting.fixed)
        return {"words": phase.words * words, "stars": 0.5 * stars, "mood": 0.5 * mood}

    return step


def passing_on(setting: Setting, learner: Learner, teacher: Learner, corpus: Corpus, phase: Phase) -> Step:
    """What the teacher says of a text, and its states, to one that does not see all words; and the hidden words."""

    def step(batch: Batch, chance: torch.Generator) -> Mapping[str, Tensor]:
        with torch.no_grad():
            shown = states_of(teacher, batch.packed, setting.fixed)
            answers = say(teacher, shown, batch.packed, batch.owner, batch.texts)
        seen, places, truth = hide(batch.packed, phase.hidden, setting.vocabulary, chance)
        states = states_of(learner, seen, setting.fixed)
        said = say(learner, states, seen, batch.owner, batch.texts)
        labels = {name: getattr(corpus, name)[batch.chosen] for name in ("stars", "mood", "two_class")}
        stars, mood = starred_losses(learner, states, seen, labels)
        losses = {
            "words": phase.words * learner.guess(states, places, truth, setting.fixed),
            "taught": phase.taught * taught_loss(said, answers, _weights(phase)),
            "stars": 0.2 * stars,
            "mood": phase.labels * mood,
        }
        if phase.states:
            losses["states"] = phase.states * states_loss(learner, states, shown, batch.packed)
        return losses

    return step


def tuning(
    setting: Setting, learner: Learner, comments: Comments, phase: Phase, teacher: Learner | None = None
) -> Step:
    """Labels, each where it was looked for, evidence, and what a teacher says beside them."""

    def step(batch: Batch, chance: torch.Generator) -> Mapping[str, Tensor]:
        seen, places, truth = hide(batch.packed, phase.hidden, setting.vocabulary, chance)
        states = states_of(learner, seen, setting.plain)
        said = say(learner, learner.tagger.drop(states), seen, batch.owner, batch.texts)
        chosen = batch.chosen
        mention, polarity = code_losses(
            said.logits, comments.mention[chosen], comments.polarity[chosen], exclusive=False
        )
        losses = {
            "mention": phase.labels * phase.mention * mention,
            "polarity": phase.labels * _USUAL.polarity_weight * polarity,
            "mood": phase.labels
            * _USUAL.mood_weight
            * mood_loss(said.mood, comments.mood[chosen], comments.two_class[chosen]),
            "evidence": phase.labels * _USUAL.evidence_weight * _evidence(said.attention, said.total, batch),
            "words": phase.words * learner.guess(states, places, truth, setting.plain),
        }
        if teacher is not None:
            with torch.no_grad():
                shown = states_of(teacher, batch.packed, setting.plain)
                answers = say(teacher, shown, batch.packed, batch.owner, batch.texts)
            losses["taught"] = phase.taught * taught_loss(said, answers, _weights(phase))
        return losses

    return step


def _weights(phase: Phase) -> tuple[float, float, float]:
    """Of mention, polarity and mood in what a teacher says."""
    return phase.mention, _USUAL.polarity_weight, _USUAL.mood_weight


def _evidence(attention: Tensor, total: Tensor, batch: Batch) -> Tensor:
    """How little of a code's attention lies on the clauses that hold its marked words: mean of -log(share)."""
    if batch.marks is None or not batch.marks.shape[1]:
        return total.sum() * 0
    text, code, token = batch.marks
    place = text * total.shape[1] + code
    held = torch.zeros(total.numel(), device=total.device).index_add(0, place, attention[token, code])
    marked = torch.zeros(total.numel(), dtype=torch.bool, device=total.device)
    marked[place] = True
    lost = -torch.log((held / total.flatten().clamp(min=1e-6)).clamp(min=1e-4))
    return (lost * marked).sum() / marked.sum()


class Part:
    """One part of the way in a folder of its own; ``run`` goes on from its last checkpoint."""

    def __init__(self, name: str, work: Path, setting: Setting, learner: Learner, phase: Phase) -> None:
        self.name, self.work, self.setting, self.learner, self.phase = name, work / name, setting, learner, phase
        self.work.mkdir(parents=True, exist_ok=True)
        own = [
            p for n, p in learner.named_parameters() if n.startswith(("tagger.heads", "tagger.mood", "tagger.pooled"))
        ]
        mine = {id(p) for p in own}
        rest = [p for p in learner.parameters() if id(p) not in mine]
        self._full = [phase.rate, phase.rate, phase.heads_rate or phase.rate]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in rest if p.ndim > 1], "weight_decay": 0.01},
                {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
                {"params": own, "weight_decay": 0.01},
            ],
            betas=(0.9, 0.98), eps=1e-6, fused=True,
        )  # fmt: skip
        self.position = Position()
        if state := load_checkpoint(self.work, learner, self.optimiser, device=setting.device):
            self.position = Position(**state)

    def run(self, epoch_of: Epochs, step: Step, report: Report, *, save_every: float) -> None:
        """Until the tokens or the minutes of the plan are spent. TrainingError where a loss or a weight is no number."""
        if self.done >= 1:
            return
        position = self.position
        begun, saved = time.monotonic() - position.seconds, time.monotonic()
        self.learner.train()
        while self.done < 1:
            for number, batch in enumerate(epoch_of(position.epoch)):
                if number < position.batch:
                    continue
                losses = self._step(batch, step)
                position.batch = number + 1
                position.step += 1
                position.tokens += len(batch.packed.ids)
                if position.step % _LOG_EVERY == 0:
                    self._tell(losses, report)
                if position.step <= _COMPILING:
                    begun = time.monotonic() - position.seconds
                position.seconds = time.monotonic() - begun
                if time.monotonic() - saved > save_every:
                    self.save()
                    saved = time.monotonic()
                if self.done >= 1:
                    break
            else:
                position.epoch += 1
                position.batch = 0
        self.save()

    @property
    def done(self) -> float:
        """The share of the way that is gone, by tokens or by time."""
        spent = self.position.seconds / (60 * self.phase.minutes) if self.phase.minutes else 0.0
        return float(max(self.position.tokens / self.phase.tokens, spent))

    def _step(self, batch: Batch, step: Step) -> Mapping[str, Tensor]:
        share = rate_at(self.done, self.phase.warm, self.phase.decay)
        for group, full in zip(self.optimiser.param_groups, self._full, strict=True):
            group["lr"] = full * share
        seed = self.setting.seed_of(self.position.step)
        torch.manual_seed(seed)  # dropout
        losses = step(batch, torch.Generator(self.setting.device).manual_seed(seed))
        total = torch.stack(list(losses.values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.learner.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return losses

    def _tell(self, losses: Mapping[str, Tensor], report: Report) -> None:
        values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
        if not all(map(math.isfinite, values.values())):
            told = f"{self.name}: a loss is no number at step {self.position.step}: {values}"
            raise TrainingError(told, hint=slower(self.work))
        entry = {"step": self.position.step, "tokens": self.position.tokens, "seconds": round(self.position.seconds, 1)}
        entry |= {name: round(value, 4) for name, value in values.items()}
        with (self.work / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")
        report(f"{self.name} " + " ".join(f"{name} {value:.3f}" for name, value in values.items()), self.done)

    def save(self) -> None:
        """TrainingError where a weight is no number: losses are looked at less often than this."""
        if broken(self.learner.state_dict()):
            told = f"{self.name}: weights are no numbers at step {self.position.step}"
            raise TrainingError(told, hint=slower(self.work))
        save_checkpoint(self.work, self.learner, self.optimiser, vars(self.position))
