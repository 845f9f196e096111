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
from safetensors.torch import load_file, save_file

from vocnlp.errors import VocnlpError

from .network import Losses, Network, hide
from .plan import Plan
from .tokens import Tokens, batches, padded

_STATE, _WEIGHTS, _LOG = "state.json", "checkpoint.safetensors", "log.jsonl"
_PROBE_EVERY, _LOG_EVERY = 500, 50


class TrainingError(VocnlpError):
    """Training cannot go on; says at which step and why."""


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
        self.optimiser = torch.optim.AdamW(_groups(self.network), lr=plan.rate, betas=(0.9, 0.98), eps=1e-6, fused=True)
        self.position = Position()
        self.measured: float | None = None
        if (work / _STATE).is_file():
            self._restore()

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
            group["lr"] = plan.rate * rate_at(self.position.tokens / plan.tokens, plan)
        labels = {
            "stars": self._to(self.tokens.stars[rows].astype(np.int64) - 1),
            "mood": self._to(self.tokens.mood[rows].astype(np.int64)),
            "two_class": self._to(np.asarray(self.tokens.two_class[rows])),
        }
        self.network.train()
        with self._half():
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

    def _half(self) -> torch.autocast:
        """bf16 where the processor multiplies it; elsewhere it would be slower than float."""
        able = self.device != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=able)

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
            with self._half():
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
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            for moment in ("exp_avg", "exp_avg_sq", "step"):
                if parameter in self.optimiser.state:
                    tensors[f"{moment}.{name}"] = self.optimiser.state[parameter][moment]
        fresh = self.work / f".{_WEIGHTS}"
        state = {"plan": _plain(self.plan), "position": asdict(self.position), "probe": self.measured}
        save_file({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}, fresh,
                  metadata={"state": json.dumps(state)})  # fmt: skip
        fresh.replace(self.work / _WEIGHTS)
        (self.work / _STATE).write_text(json.dumps(state, indent=1), encoding="utf-8")

    def _restore(self) -> None:
        state = json.loads((self.work / _STATE).read_text(encoding="utf-8"))
        tensors = load_file(self.work / _WEIGHTS, device=self.device)
        self.network.load_state_dict(
            {name.removeprefix("network."): t for name, t in tensors.items() if name.startswith("network.")}
        )
        for name, parameter in self.network.named_parameters():
            if f"exp_avg.{name}" in tensors:
                moments = {m: tensors[f"{m}.{name}"] for m in ("exp_avg", "exp_avg_sq", "step")}
                moments["step"] = moments["step"].cpu()
                self.optimiser.state[parameter] = moments
        self.position = Position(**state["position"])
        self.measured = state["probe"]


def rate_at(done: float, plan: Plan) -> float:
    """Up, level, down: the share of the full rate when ``done`` (0-1) of the tokens are read. The level middle lets a
    longer training go on from an early checkpoint of a shorter one (Hägele et al. 2024)."""
    if done < plan.warm:
        return max(done / plan.warm, 0.01)
    return min(1.0, max((1 - done) / plan.decay, 0.0)) if plan.decay else 1.0


def _groups(network: Network) -> list[dict[str, Any]]:
    matrices = [p for p in network.parameters() if p.ndim > 1]
    rest = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}]


def _plain(plan: Plan) -> dict[str, Any]:
    return {**asdict(plan), "shares": {str(stars): share for stars, share in plan.shares.items()}}
