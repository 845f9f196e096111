"""The page of a discovery: a map of topics, how they grow, and a card for each with its verbatims; one file, offline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jinja2
from markupsafe import Markup

from .page_parts import ASSETS, json_inside, policy_of, script_of
from .topic_files import KINDS, about, reading_order, scope_word, trend_word
from .topic_proposals import NOISE

_SCRIPTS = ("echarts.min.js", "topics.js")
_DRAWN = 12  # topics with a line of their own over time


def page(content: Mapping[str, Any]) -> str:
    """The HTML of ``Discovered.to_dict``. Verbatims are strangers' words: they reach the page as text alone."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = [script_of(name) for name in _SCRIPTS]
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
        style=Markup("".join((ASSETS / name).read_text("utf-8") for name in ("report.css", "topics.css"))),  # noqa: S704
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        policy=policy_of(scripts),
        json=Markup(json_inside(_payload(content))),  # noqa: S704
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
