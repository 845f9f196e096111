"""A person's decision on a topic, carried into a new version of the codeframe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .codeframe import Code, Codeframe
from .codeframe_writing import next_version
from .errors import CodeframeError, InputError
from .topic_proposals import NEW, NOISE, SUB, SYNONYM

_EXAMPLES = 4


@dataclass(frozen=True)
class Decision:
    """What a topic becomes. Whatever is None is taken from the proposal.

    kind: new, sub, synonym or noise; code: the id of the code to make, or of that which gets the words
    name: the name of a new code; under: the code that a new one stands under
    """

    topic: str
    kind: str | None = None
    code: str | None = None
    name: str | None = None
    under: str | None = None


@dataclass(frozen=True)
class Accepted:
    """The new frame, and the id of the code that the topic's comments belong to (None: noise, the frame is unchanged)."""

    frame: Codeframe
    code: str | None


def accept(frame: Codeframe, found: Mapping[str, Any], decision: Decision) -> Accepted:
    """The next version of a frame after a decision; ``found`` is what ``topic_files.read_topics`` gives.

    InputError for an unknown topic or kind, CodeframeError where the frame has no such code, or has it already.
    """
    topic = _topic(found, decision.topic)
    proposal = topic["proposal"]
    kind = decision.kind or proposal["kind"]
    if kind == NOISE:
        return Accepted(frame, None)
    if kind == SYNONYM:
        code = _known(frame, decision.code or proposal["code"])
        known = {*code.keywords}
        more = tuple(word for word in proposal["keywords"] if word not in known)
        return Accepted(_changed(frame, replace(code, keywords=(*code.keywords, *more))), code.id)
    if kind not in (NEW, SUB):
        raise InputError("no such decision", column="kind", value=kind, hint="new, sub, synonym or noise")
    made = topic["id"] if decision.code is None else decision.code
    if made in frame:
        raise CodeframeError(f"codeframe {frame.name} has a code {made!r} already", hint="choose another id")
    above = decision.under or proposal["code"]
    if kind == SUB and above is None:
        raise InputError("a sub-code needs the code it stands under", column="under", hint="name it: --under CODE")
    parent = _known(frame, above).id if above is not None else None
    glad = topic["sentiment"]["positive"] > topic["sentiment"]["negative"]
    examples = tuple(words for words in proposal["examples"] if words.strip())[:_EXAMPLES]
    code = Code(
        id=made,
        name=topic["name"] if decision.name is None else decision.name,
        definition=proposal["definition"],
        parent=parent,
        keywords=tuple(proposal["keywords"]),
        stage=dict(frame[parent].stage) if parent is not None else {},
        owner=frame[parent].owner if parent is not None else "",
        positive=examples if glad else (),
        negative=() if glad else examples,
    )
    checked = Codeframe.from_dict(_added(frame, code).to_dict(), path=frame.name)
    return Accepted(checked, code.id)


def examples_of(rows: Iterator[Mapping[str, Any]], code: str) -> Iterator[dict[str, Any]]:
    """Comments of a topic as labelled rows that a person should look at before anything is learnt from them."""
    for row in rows:
        tag = {"code": code, "polarity": row["sentiment"], "start": row["start"], "end": row["end"]}
        yield {"id": row["id"], "text": row["text"], "tags": [tag], "review": "needed"}


def _topic(found: Mapping[str, Any], topic: str) -> Mapping[str, Any]:
    for one in found["topics"]:
        if one["id"] == topic:
            known: Mapping[str, Any] = one
            return known
    known_ids = ", ".join(one["id"] for one in found["topics"][:10])
    raise InputError("no such topic", column="topic", value=topic, hint=f"topics here: {known_ids or 'none'}")


def _known(frame: Codeframe, code: str | None) -> Code:
    if code is None or code not in frame:
        raise CodeframeError(
            f"codeframe {frame.name} has no code {code!r}", hint="vocnlp codeframe show lists the codes"
        )
    return frame[code]


def _added(frame: Codeframe, code: Code) -> Codeframe:
    """The frame with one code more, behind its last relative."""
    family = [place for place, one in enumerate(frame.codes) if code.parent in {up.id for up in frame.path(one.id)}]
    at = family[-1] + 1 if family else len(frame.codes)
    codes = (*frame.codes[:at], code, *frame.codes[at:])
    return replace(frame, codes=codes, version=next_version(frame.version))


def _changed(frame: Codeframe, code: Code) -> Codeframe:
    codes = tuple(code if one.id == code.id else one for one in frame.codes)
    return replace(frame, codes=codes, version=next_version(frame.version))
