"""What is pretrained, and how: one frozen record, read from a recipe file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from vocnlp.errors import InputError
from vocnlp.training.ranges import ABOVE, ANY, SEED, SHARE, SOME, check_heads, check_table, check_values
from vocnlp.training.recipe import read_toml

SHIPPED = Path(__file__).parents[1] / "voc-zh-small-encoder.toml"
_RANGES = {
    "seed": SEED, "vocabulary": (300, 1_000_000), "layers": SOME, "width": SOME, "heads": SOME, "window": (8, 100_000),
    "tokens": SOME, "batch": SOME, "rate": ABOVE, "warm": SHARE, "decay": SHARE, "masked": (0.01, 0.9), "spans": (0.0, 0.9),
    "candidates": ANY, "stars_weight": ANY, "mood_weight": ANY, "dropout": (0.0, 0.9), "traditional": SHARE,
    "mood_repeats": ANY, "skipgram_tokens": ANY,
}  # fmt: skip
_STARS = ("0", "1", "2", "3", "4", "5")


@dataclass(frozen=True)
class Plan:
    """Settings of one pretraining. Lengths are in tokens unless they say otherwise.

    shares: star rating (0 = none) -> the share of its reviews that is read; satisfied reviews are far more than needed
    traditional: the share of Traditional reviews that is read as it is, not converted
    dropout: none by default: every text is read about once, so nothing is learnt by heart
    masked: the share of tokens that is hidden; spans: how likely the next token is hidden with one
    candidates: about so many words, beside those that are hidden, are told apart at a step; 0: the whole vocabulary
    stars_weight, mood_weight: of the losses beside that of the masked tokens (1)
    """

    seed: int = 20
    vocabulary: int = 24_000
    layers: int = 4
    width: int = 256
    heads: int = 4
    window: int = 256
    tokens: int = 40_000_000
    batch: int = 4096
    rate: float = 8e-4
    warm: float = 0.03
    decay: float = 0.25
    masked: float = 0.15
    spans: float = 0.2
    candidates: int = 3000
    stars_weight: float = 0.5
    mood_weight: float = 0.5
    dropout: float = 0.0
    shares: Mapping[int, float] = field(default_factory=lambda: {0: 1.0, 1: 1.0, 2: 1.0, 3: 1.0, 4: 0.5, 5: 0.2})
    traditional: float = 0.05
    mood_repeats: int = 2
    skipgram_tokens: int = 12_000_000

    def plain(self) -> dict[str, Any]:
        """As JSON gives it back."""
        return {**asdict(self), "shares": {str(stars): share for stars, share in self.shares.items()}}


def read_plan(path: Path | str = SHIPPED) -> Plan:
    """The plan of a TOML file; InputError for what it cannot mean."""
    path = Path(path)
    content = read_toml(path)
    known = {one.name for one in fields(Plan)}
    if unknown := sorted(set(content) - known):
        raise InputError("no such setting", path=path, value=unknown[0], hint=f"known: {', '.join(sorted(known))}")
    check_values(path, content, Plan, _RANGES)
    if "shares" in content:
        check_table(path, "shares", content["shares"], _STARS, SHARE)
        content["shares"] = {int(stars): float(share) for stars, share in content["shares"].items()}
    plan = Plan(**content)
    check_heads(path, "heads", plan.width, plan.heads)
    return plan
