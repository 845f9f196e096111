"""The page of a discovery: a map of topics, how they grow, and a card for each with its verbatims; one file, offline."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from .topic_files import KINDS, about, reading_order, scope_word, trend_word
from .topic_proposals import NOISE

_ASSETS = Path(__file__).parent / "assets"
_SCRIPTS = ("echarts.min.js", "topics.js")
_DRAWN = 12  # topics with a line of their own over time


def page(content: Mapping[str, Any]) -> str:
    """The HTML of ``Discovered.to_dict``. Verbatims are strangers' words: they reach the page as text alone."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = [_script(name) for name in _SCRIPTS]
    topics = content["topics"]
    return environment.get_template("topics.html.j2").render(
        content=content,
        topics=topics,
        groups=_groups(content),
        counts={kind: sum(topic["proposal"]["kind"] == kind for topic in topics) for kind in KINDS},
        kinds=KINDS,
        scope=scope_word(content),
        facts=about(dict(content)),
        trend=trend_word,
        dated=any(topic["months"] for topic in topics),
        # Only what this package ships or escapes itself is marked as safe; everything else the template escapes.
        style=Markup("".join((_ASSETS / name).read_text("utf-8") for name in ("report.css", "topics.css"))),  # noqa: S704
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        policy=" ".join(f"'sha256-{_digest(script)}'" for script in scripts),
        json=Markup(_json(_payload(content))),  # noqa: S704
    )


def _payload(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the script draws: spots, sizes, moods, months."""
    kept = ("id", "name", "spot", "comments", "sentiment", "months", "rising")
    topics = [
        {**{key: topic[key] for key in kept}, "kind": topic["proposal"]["kind"]} for topic in reading_order(content)
    ]
    return {"topics": topics, "kinds": KINDS, "drawn": _DRAWN}


def _groups(content: Mapping[str, Any]) -> list[list[int]]:
    """Topics that the tree joins early, so that neighbours stand together: a cut at two thirds of its height.

    Topics proposed as noise are the last group.
    """
    topics, tree = content["topics"], content["tree"]
    members = {place: [place] for place in range(len(topics))}
    limit = max((join[2] for join in tree), default=0.0) * 2 / 3
    for number, (left, right, far) in enumerate(tree, len(topics)):
        if far <= limit and left in members and right in members:
            members[number] = sorted(members.pop(left) + members.pop(right))
    noise = [place for place, topic in enumerate(topics) if topic["proposal"]["kind"] == NOISE]
    telling = [[place for place in group if place not in noise] for group in members.values()]
    ordered = sorted(telling, key=lambda group: -sum(topics[place]["comments"] for place in group))
    return [group for group in (*ordered, noise) if group]


def _script(name: str) -> str:
    lines = (_ASSETS / name).read_text("utf-8").replace("\r\n", "\n").split("\n")
    return "\n" + "\n".join(line for line in lines if not line.startswith("//# sourceMappingURL=")) + "\n"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _json(payload: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element."""
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
