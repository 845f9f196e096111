"""What every training of a network needs: half precision, the rate over time, checkpoints that resume exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from vocnlp.errors import VocnlpError

_STATE, _WEIGHTS = "state.json", "checkpoint.safetensors"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_BESIDE = "beside."


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


def half_precision(device: str) -> torch.autocast:
    """bf16 where the processor multiplies it; elsewhere it would be slower than float."""
    able = device != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return torch.autocast(device, dtype=torch.bfloat16, enabled=able)


def rate_at(done: float, warm: float, decay: float) -> float:
    """Up, level, down: the share of the full rate when ``done`` (0-1) of the way is gone. The level middle lets a
    longer training go on from an early checkpoint of a shorter one (Hägele et al. 2024)."""
    if done < warm:
        return max(done / warm, 0.01)
    return min(1.0, max((1 - done) / decay, 0.0)) if decay else 1.0


def groups(network: nn.Module, decay: float = 0.01) -> list[dict[str, Any]]:
    """Parameters for AdamW: matrices are drawn towards zero, biases and scales are not."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    rest = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]


def broken(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first that holds what is no finite number; None where all are whole."""
    return next((name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())), None)


def slower(folder: Path | None) -> str:
    """What to do where a training runs away; a checkpoint is spoken of where ``folder`` holds one."""
    whole = folder is not None and (folder / _WEIGHTS).is_file()
    return "lower the rate in the recipe" + ("; the last checkpoint is whole" if whole else "")


def save_checkpoint(
    folder: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    state: Mapping[str, Any],
    *,
    beside: Mapping[str, Tensor] | None = None,
) -> None:
    """Weights, moments, state and what else belongs to them, replaced whole: a kill leaves the old one or the new.

    TrainingError where one of them holds no numbers, and the old one stays.
    """
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        for moment in _MOMENTS:
            if parameter in optimiser.state:
                tensors[f"{moment}.{name}"] = optimiser.state[parameter][moment]
    tensors |= {f"{_BESIDE}{name}": tensor for name, tensor in (beside or {}).items()}
    fresh = folder / f".{_WEIGHTS}"
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    if lost := broken(plain):
        raise TrainingError(f"{lost.removeprefix('network.')} holds what is no number", hint=slower(folder))
    save_file(plain, fresh, metadata={"state": json.dumps(state)})
    fresh.replace(folder / _WEIGHTS)
    (folder / _STATE).write_text(json.dumps(state, indent=1), encoding="utf-8")  # for people; nothing reads it


def load_checkpoint(
    folder: Path, network: nn.Module, optimiser: torch.optim.Optimizer, *, device: str
) -> dict[str, Any] | None:
    """Put a checkpoint back and return its state; None where there is none. TrainingError for one that holds no numbers."""
    if not (folder / _WEIGHTS).is_file():
        return None
    with safe_open(folder / _WEIGHTS, "pt", device=device) as file:
        state: dict[str, Any] = json.loads(file.metadata()["state"])
        tensors = {name: file.get_tensor(name) for name in file.keys() if not name.startswith(_BESIDE)}  # noqa: SIM118
    if lost := broken(tensors):
        hint = f"delete {folder}, and lower the rate in the recipe"
        raise TrainingError(f"{folder / _WEIGHTS}: {lost.removeprefix('network.')} holds what is no number", hint=hint)
    network.load_state_dict(
        {name.removeprefix("network."): t for name, t in tensors.items() if name.startswith("network.")}
    )
    for name, parameter in network.named_parameters():
        if f"exp_avg.{name}" in tensors:
            moments = {moment: tensors[f"{moment}.{name}"] for moment in _MOMENTS}
            moments["step"] = moments["step"].cpu()
            optimiser.state[parameter] = moments
    return state


def load_beside(folder: Path, *, device: str) -> dict[str, Tensor]:
    """What ``save_checkpoint`` was given ``beside``; nothing where there is no checkpoint."""
    if not (folder / _WEIGHTS).is_file():
        return {}
    with safe_open(folder / _WEIGHTS, "pt", device=device) as file:
        names = [name for name in file.keys() if name.startswith(_BESIDE)]  # noqa: SIM118
        return {name.removeprefix(_BESIDE): file.get_tensor(name) for name in names}
