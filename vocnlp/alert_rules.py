"""The rules of alerts (预警): what to look for, how bad it is, whose it is, and where it is sent.

Three kinds. A ``CommentRule`` judges one tagged row; a ``ThresholdRule`` a figure over the last days; a ``SpikeRule`` a
code's count against its own past. Rules are values: ``alert_reading`` reads and checks them, ``alerts`` decides by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from .records import NEGATIVE

SEVERITIES = ("low", "medium", "high", "critical")  # from the least to the worst
NPS, NET, SHARE, COUNT = "nps", "net_sentiment", "share", "count"
FIGURES = (NPS, NET, SHARE, COUNT)
COMMENTS, TIME = "comments", "time"
JSON, WECOM, DINGTALK, FEISHU = "json", "wecom", "dingtalk", "feishu"
FORMS = (JSON, WECOM, DINGTALK, FEISHU)


@dataclass(frozen=True, slots=True)
class WordList:
    """Words of which one is enough. What stands in ``excepting`` is struck out first: 工商银行 is no 工商."""

    words: tuple[str, ...]
    excepting: tuple[str, ...] = ()


#: Threats to go to an authority, to the media or to court. Bare 媒体, 工商 or 曝光 are left out where they name banks,
#: advertising or a camera.
THREAT = WordList(
    words=(
        "12315", "12345", "12320", "12378", "12300", "315", "三一五", "消协", "消保委", "消委会", "消费者协会",
        "消费者保护", "市监", "市场监管", "监管局", "监管部门", "工商", "食药监", "卫健委", "银保监", "金融监管",
        "工信部", "物价局", "劳动局", "信访", "报警", "派出所", "公安", "黑猫投诉", "曝光", "媒体", "记者", "电视台",
        "央视", "上热搜", "发微博", "发抖音", "发小红书", "挂网上", "挂到网上", "发到网上", "律师", "起诉", "法院",
        "法庭", "打官司", "告你们", "告到底", "诉讼", "维权", "举报",
    ),
    excepting=(
        "工商银行", "工商管理", "工商大学", "工商卡", "曝光度", "曝光率", "曝光量", "过度曝光", "曝光过度", "曝光补偿",
        "自动曝光", "长曝光", "曝光时间", "流媒体", "多媒体", "自媒体", "媒体宣传", "媒体库", "媒体推荐", "媒体介绍",
        "媒体广告", "新媒体", "社交媒体", "媒体音量", "公安局旁", "派出所旁", "派出所对面", "派出所附近", "法院旁", "法院对面", "法院附近",
        "公安局附近", "公安局对面", "记者节", "315活动", "315大促", "律师事务所旁", "自动报警", "报警器", "报警功能", "报警灯", "低电量报警",
        "防盗报警", "胎压报警", "烟雾报警",
    ),
)  # fmt: skip
WORD_LISTS: Mapping[str, WordList] = {"threat": THREAT}


@dataclass(frozen=True, slots=True)
class When:
    """The conditions on one tagged row; all that are given must hold, and an empty one asks nothing.

    ``codes`` holds the codes named and all below them; one tag must have such a code, a polarity of ``polarities`` and
    ``confidence`` or more. ``score_at_most`` is of 0..10; a row without such a score does not fulfil it.
    """

    codes: frozenset[str] = frozenset()
    polarities: frozenset[str] = frozenset({NEGATIVE})
    confidence: float = 0.0
    score_at_most: float | None = None
    words: WordList | None = None
    sentiments: frozenset[str] = frozenset()
    stages: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CommentRule:
    """Alerts of single comments. ``fresh_days``: a comment with an older time is left alone; None: none is."""

    id: str
    title: str
    severity: str
    when: When
    owner: str = ""
    send_to: tuple[str, ...] = ()
    dedupe_hours: float = 24.0
    fresh_days: int | None = None
    kind: str = "comment"


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """A figure over the last ``days`` days, today in it, that lies below ``below`` or above ``above``.

    ``figure``: ``nps`` (points), ``net_sentiment`` (points; of ``code`` where one is named), ``share`` (0..1 of
    comments) or ``count`` of ``code`` on ``side``. Nothing is said of fewer than ``at_least`` answers (nps), mentions
    (net sentiment of a code), or comments.
    """

    id: str
    title: str
    severity: str
    figure: str
    days: int
    at_least: int
    code: str | None = None
    side: str = NEGATIVE
    below: float | None = None
    above: float | None = None
    stage: str | None = None
    channels: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    owner: str = ""
    send_to: tuple[str, ...] = ()
    dedupe_hours: float = 24.0
    kind: str = "threshold"


@dataclass(frozen=True, slots=True)
class SpikeRule:
    """A code that is mentioned more often in the last ``days`` days than in the ``past_days`` before them.

    ``codes`` empty: the finest codes that occur. ``against``: ``comments`` compares shares of comments, so that more
    comments in all are no spike; ``time`` compares mentions a day. An alert needs ``at_least`` mentions, ``times`` the
    past rate, and a chance below ``alpha``, corrected for the number of codes; see ``alert_figures.surge``.
    """

    id: str
    title: str
    severity: str
    days: int
    past_days: int
    at_least: int
    codes: tuple[str, ...] = ()
    side: str = NEGATIVE
    against: str = COMMENTS
    alpha: float = 0.001
    times: float = 1.5
    channels: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    owner: str = ""
    send_to: tuple[str, ...] = ()
    dedupe_hours: float = 24.0
    kind: str = "spike"


Rule = CommentRule | ThresholdRule | SpikeRule


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts are sent. The address and the key are known by the names of environment variables alone, and so is
    the file of the certificates (PEM) that are trusted there, where no public authority vouches for the server.

    ``owners`` empty takes everybody's alerts; ``severity`` is the least that is sent. ``allow`` holds the networks that
    are not of the open internet and may be reached all the same, such as 10.0.0.0/8.
    """

    id: str
    form: str
    url_env: str
    secret_env: str | None = None
    owners: frozenset[str] = frozenset()
    severity: str = SEVERITIES[0]
    allow: tuple[str, ...] = ()
    ca_env: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How hard delivery is tried. Waits double from ``first_wait`` up to ``longest_wait`` seconds."""

    timeout: float = 10.0
    attempts: int = 8
    first_wait: float = 2.0
    longest_wait: float = 600.0


@dataclass(frozen=True, slots=True)
class Rules:
    """A file of rules. ``zone`` is that of the clock which the times of the data were read from.

    ``owner`` gets the alerts whose rule and code name nobody.
    """

    name: str
    rules: tuple[Rule, ...]
    webhooks: tuple[Webhook, ...] = ()
    delivery: Delivery = field(default_factory=Delivery)
    journey: str = "general"
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    owner: str = ""

    def webhooks_of(self, rule: str, *, owner: str, severity: str) -> tuple[str, ...]:
        """Where an alert goes: where its rule says, or else to every webhook that takes this owner and severity."""
        named = next((one.send_to for one in self.rules if one.id == rule), ())
        if named:
            return named
        return tuple(
            hook.id
            for hook in self.webhooks
            if (not hook.owners or owner in hook.owners)
            and SEVERITIES.index(severity) >= SEVERITIES.index(hook.severity)
        )
