"""The records that pass through the house, and the one Arrow schema of a tagged row.

Offsets count Unicode code points of the *raw* text, so ``text[tag.start:tag.end]`` is the evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

NEGATIVE, NEUTRAL, POSITIVE = "negative", "neutral", "positive"
POLARITIES = (NEGATIVE, NEUTRAL, POSITIVE)
MIXED = "mixed"  # occurs in labelled data only; a prediction says which way it leans
MODEL, RULE = "model", "rule"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One comment of one customer, as it came in. ``score`` is the 0-10 answer to the NPS question.

    ``csat`` is satisfaction from 1 to 5, ``ces`` how easy it was made from 1 to 7 (see ``scores``).
    """

    id: str
    text: str
    score: float | None = None
    stage: str | None = None
    channel: str | None = None
    segment: str | None = None
    customer: str | None = None
    at: datetime | None = None
    csat: float | None = None
    ces: float | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """One code found in a text: which way it is meant, how sure, and the words that carry it.

    ``confidence`` is a probability in [0, 1]; ``source`` says who decided, ``model`` or ``rule``.
    """

    code: str
    polarity: str
    confidence: float
    start: int
    end: int
    source: str = MODEL


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one text says. ``noise`` names why a text was not read (see ``text.noise_kind``), else None.

    ``probabilities`` are those of negative, neutral and positive; empty for noise, and for a model that never learnt
    sentiment (then ``sentiment`` is the weightier polarity of the tags).
    """

    sentiment: str
    confidence: float
    tags: tuple[Tag, ...] = ()
    bundle: str = ""
    noise: str | None = None
    probabilities: tuple[float, ...] = ()

    @property
    def pains(self) -> tuple[Tag, ...]:
        return tuple(tag for tag in self.tags if tag.polarity == NEGATIVE)


@dataclass(frozen=True, slots=True)
class Tagged:
    """A comment together with what was read in it."""

    feedback: Feedback
    prediction: Prediction


TAG = pa.struct(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("polarity", pa.string(), nullable=False),
        pa.field("confidence", pa.float32(), nullable=False),
        pa.field("start", pa.int32(), nullable=False),
        pa.field("end", pa.int32(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("quote", pa.string(), nullable=False),
    ]
)

#: What scoring appends to a row of any table. The prefix keeps clear of the customer's own column names.
VERDICT = pa.schema(
    [
        pa.field("voc_sentiment", pa.string()),
        pa.field("voc_confidence", pa.float32()),
        pa.field("voc_noise", pa.string()),
        pa.field("voc_tags", pa.list_(TAG)),
        pa.field("voc_bundle", pa.string()),
        pa.field("voc_codeframe", pa.string()),
    ]
)

#: The customer wing's columns under their own names, whatever the export called them.
FEEDBACK = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("text", pa.string()),
        pa.field("score", pa.float32()),
        pa.field("stage", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("segment", pa.string()),
        pa.field("customer", pa.string()),
        pa.field("at", pa.timestamp("us")),
        pa.field("csat", pa.float32()),
        pa.field("ces", pa.float32()),
    ]
)

#: The one schema of a tagged row: store, journey, report and alerts all read it.
TAGGED = pa.schema([*FEEDBACK, *VERDICT])
