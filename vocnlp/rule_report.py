"""What each rule of a frame did to some comments: added, agreed, removed, overruled, or nothing at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from .codeframe_parts import ADD, DECIDE, VETO
from .privacy import mask
from .rules import Condition
from .tagger import Tagger, Traced

ADDED, AGREED, REMOVED, IDLE, OVERRULED = "added", "agreed", "removed", "idle", "overruled"
OUTCOMES = (ADDED, AGREED, REMOVED, IDLE, OVERRULED)


@dataclass(frozen=True)
class RuleCount:
    """One rule over all comments. Each comment where it holds counts once, under one outcome.

    added: the comment carries the code because of this rule, and would not without rules
    agreed: the code was there already: from the model, a keyword, or a rule before this one
    removed: a veto took the code away
    idle: a veto found nothing to take away
    overruled: a stronger rule made it void, or in an exclusive frame another answer
    dropped: comments that lost the code because no rule that decides it holds; counted at every such rule of the code
    right, judged: of labelled comments where the rule had its way, those whose labels agree, and all
    """

    condition: Condition
    outcomes: dict[str, int]
    dropped: int = 0
    right: int = 0
    judged: int = 0
    examples: tuple[str, ...] = ()

    @property
    def fired(self) -> int:
        return sum(self.outcomes.values())

    @property
    def precision(self) -> float | None:
        return self.right / self.judged if self.judged else None

    @property
    def remark(self) -> str:
        """What a person should look at: "never fired", "always overruled", "never changed anything", or ""."""
        if not self.fired:
            return "never fired"
        if self.outcomes[OVERRULED] == self.fired:
            return "always overruled"
        idle = self.outcomes[IDLE] + self.outcomes[AGREED] + self.outcomes[OVERRULED]
        return "never changed anything" if idle == self.fired and not self.dropped else ""


@dataclass
class _Tally:
    outcomes: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    right: int = 0
    judged: int = 0
    examples: dict[str, None] = field(default_factory=dict)


class RuleReport:
    """Counts over comments as they come; ``add`` as often as needed, then ``counts``."""

    def __init__(self, tagger: Tagger, *, examples: int = 0) -> None:
        """``examples`` is how many masked comments to keep a rule."""
        self._tagger, self._examples = tagger, examples
        self._tallies = [_Tally() for _ in tagger.conditions]
        self.comments = self.noise = 0

    def add(
        self, texts: Sequence[str], *, gold: Iterable[tuple[Collection[str], Collection[str]]] | None = None
    ) -> None:
        """Count some comments. ``gold``: for each, the codes it carries, and those that coders looked for."""
        labels = iter(gold) if gold is not None else None
        for text, traced in zip(texts, self._tagger.trace(texts), strict=True):
            self.comments += 1
            self.noise += traced.prediction.noise is not None
            self._count(text, traced, next(labels) if labels is not None else None)

    def _count(self, text: str, traced: Traced, gold: tuple[Collection[str], Collection[str]] | None) -> None:
        for order, outcome in outcomes(traced, self._tagger.decided).items():
            tally, condition = self._tallies[order], self._tagger.conditions[order]
            tally.outcomes[outcome] += 1
            if len(tally.examples) < self._examples:
                tally.examples[mask(text)] = None
            if gold is not None and condition.code in gold[1] and outcome not in (OVERRULED, IDLE):
                tally.judged += 1
                tally.right += (condition.code in gold[0]) != (condition.rule.effect == VETO)
        final = {tag.code for tag in traced.prediction.tags}
        lost = {tag.code for tag in traced.without} & self._tagger.decided - final
        for condition, tally in zip(self._tagger.conditions, self._tallies, strict=True):
            tally.dropped += condition.code in lost and condition.rule.effect == DECIDE

    def counts(self) -> list[RuleCount]:
        """One for every rule, in the order of the frame."""
        return [
            RuleCount(
                condition=condition,
                outcomes={outcome: tally.outcomes[outcome] for outcome in OUTCOMES},
                dropped=tally.dropped,
                right=tally.right,
                judged=tally.judged,
                examples=tuple(tally.examples),
            )
            for condition, tally in zip(self._tagger.conditions, self._tallies, strict=True)
        ]


def outcomes(traced: Traced, decided: Collection[str]) -> dict[int, str]:
    """What became of every rule that holds in a comment, by its order; ``decided`` are the codes that rules decide."""
    final = {tag.code for tag in traced.prediction.tags}
    without = {tag.code for tag in traced.without}
    held = {firing.condition.order: firing.condition for firing in traced.firings}
    offered = {one.code for one in held.values() if one.rule.effect == ADD}
    found = {}
    for order, condition in held.items():
        code, effect = condition.code, condition.rule.effect
        if code in decided and effect != DECIDE:
            found[order] = OVERRULED
        elif effect == VETO:
            found[order] = REMOVED if code not in final and code in without | offered else IDLE
        elif code not in final:
            found[order] = OVERRULED
        else:
            found[order] = ADDED if traced.givers.get(code) == order and code not in without else AGREED
    return found
