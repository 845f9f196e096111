"""The training loop: batches in, a better encoder out; interruptible, resumable, the same every time."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from vocnlp.training.steps import (
    TrainingError,
    groups,
    half_precision,
    load_checkpoint,
    rate_at,
    save_checkpoint,
)

from .network import Losses, Network, hide
from .plan import Plan
from .tokens import Tokens, batches, padded

_LOG = "log.jsonl"
_PROBE_EVERY, _LOG_EVERY = 500, 50


@dataclass
class Position:
    """How far a training is: steps and tokens done, the epoch, the batches of it that are done, seconds spent."""

    step: int = 0
    tokens: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0


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

    def __init__(self, plan: Plan, tokens: Tokens, probe: Tokens, work: Path, *, device: str = "cpu") -> None:
        self.plan, self.tokens, self.probe, self.work, self.device = plan, tokens, probe, work, device
        self.size = int(json.loads((work / "vocabulary.json").read_text())["size"])
        torch.manual_seed(plan.seed)
        self.network = Network(plan, self.size).to(device)
        self.network.table.data.copy_(torch.from_numpy(np.load(work / "vectors.npy", allow_pickle=False)))
        self.optimiser = torch.optim.AdamW(groups(self.network), lr=plan.rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.position = Position()
        self.measured: float | None = None
        if state := load_checkpoint(work, self.network, self.optimiser, device=device):
            self.position = Position(**state["position"])
            self.measured = state["probe"]

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
        seen, places = hide(ids, plan, self.size, np.random.default_rng([plan.seed, step]))
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
            losses = self.network.losses(self._to(ids), self._to(places), self._to(seen), labels, plan)
        total = float(losses.total.detach())
        if not math.isfinite(total):
            told = f"the loss is {total:g} at step {step}, epoch {self.position.epoch}"
            raise TrainingError(told, hint="lower the rate in the recipe; the last checkpoint is whole")
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
        state = {"plan": _plain(self.plan), "position": asdict(self.position), "probe": self.measured}
        save_checkpoint(self.work, self.network, self.optimiser, state)


def _plain(plan: Plan) -> dict[str, Any]:
    return {**asdict(plan), "shares": {str(stars): share for stars, share in plan.shares.items()}}
