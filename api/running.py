"""What a running service holds: one bundle, one queue, its keys and its meters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

from starlette.requests import Request

from vocnlp.bundle import Bundle
from vocnlp.codeframe import Codeframe
from vocnlp.encoder import Encoder
from vocnlp.pooled import Pooled
from vocnlp.processes import cores
from vocnlp.records import Prediction
from vocnlp.tagger import Tagger

from .batching import Queue, Room
from .edge import visit_of
from .errors import BusyError, NotReadyError, UnknownError
from .journal import say
from .keys import Key, Pace, Ring
from .metrics import Meters
from .priorities import settle
from .settings import Settings

# Short, long, with pictures, with digits, and nothing at all: each way through the tagger before anyone waits for it.
_TOGETHER = 256  # tokens that an encoder reads at once: of 64 texts of many lengths, few are filled up to the longest
_WARM_UP = ("送餐慢得离谱，但味道不错", "包装完好😊客服耐心，第2次买了。" * 20, "ok", "")


@dataclass(frozen=True)
class Live:
    """A bundle at work. A request takes the live one once, and is scored and told by it whatever takes over meanwhile."""

    tagger: Tagger
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def bundle(self) -> Bundle:
        return self.tagger.bundle

    @property
    def frame(self) -> Codeframe:
        return self.tagger.codeframe

    @cached_property
    def paths(self) -> Mapping[str, list[str]]:
        """Code ids to the names from the root down to the code."""
        return {code.id: [above.name for above in self.frame.path(code.id)] for code in self.frame.codes}

    def check_model(self, name: str | None, *, param: str) -> None:
        bundle = self.bundle
        if name not in (None, bundle.name, f"{bundle.name}@{bundle.version}", bundle.label):
            raise UnknownError("no such model is served here", param=param, hint=f"served is {bundle.label}")


def for_callers(tagger: Tagger) -> Tagger:
    """A tagger for a few texts at a time, on several threads at a time: each reads small batches on one thread."""
    model = tagger.bundle.classifier.on_threads(1)
    model = model.in_batches(_TOGETHER) if isinstance(model, Encoder | Pooled) else model
    return Tagger(replace(tagger.bundle, classifier=model), tagger.codeframe)


class Running:
    """One service. ``ready`` is what the health paths tell: warm, and not going down."""

    def __init__(self, tagger: Tagger, settings: Settings) -> None:
        self.live = Live(tagger)
        self.settings = settings
        self.folder = settings.bundle or tagger.bundle.path  # of the start, to which null and SIGHUP return
        self.meters = Meters()
        self.ring = None if settings.keys is None else Ring(settings.keys)
        self.pace = Pace()
        room = Room(settings.queue_texts, settings.queue_tokens, settings.batch_tokens, settings.scorers or cores())
        self.queue = Queue(tagger.tag, room, self.meters)
        self.created = int(time.time())
        self.warm = self.closing = False
        self.swapping = asyncio.Lock()
        self.calls = 0  # requests with a body that are in the house
        self.meters.look_at(lambda: self.queue.waiting, lambda: self.ready)
        self.meters.serves(tagger.bundle, tagger.codeframe)

    @property
    def ready(self) -> bool:
        return self.warm and not self.closing and self.queue.alive

    @property
    def full(self) -> bool:
        """Whether a comment that comes in now is refused."""
        return self.queue.full(seconds=self.settings.deadline_seconds)

    def take_over(self, live: Live) -> None:
        """From now on this one scores. Calls that are in the house are answered by the one they came in under."""
        self.live = live
        self.queue.tag = live.tagger.tag
        self.meters.serves(live.bundle, live.frame)

    async def warm_up(self) -> None:
        """Through the queue, as every text, one after the other."""
        begun = time.perf_counter()
        for text in (*_WARM_UP, *_WARM_UP):
            await self.queue.score([text], seconds=60)
        settle()
        self.warm = True
        say("ready", model=self.live.bundle.label, seconds=round(time.perf_counter() - begun, 3))

    def enter(self, request: Request) -> None:
        """A request with a body comes in: NotReadyError or BusyError if it may not. ``leave`` when it is done.

        What the queue has no room for is refused before it is read: under overload most requests are, and must cost little.
        """
        if not self.warm:
            raise NotReadyError("the service warms up")
        self.queue.check(seconds=self.settings.deadline_seconds)
        if self.calls >= self.settings.calls_at_once:
            raise BusyError("too many requests at once", seconds=1)
        self.calls += 1

    def leave(self) -> None:
        self.calls -= 1

    def pay(self, key: Key) -> None:
        """A call of this key: BusyError if it has made all that it may make for now."""
        if seconds := self.pace.wait(key.id, key.calls_per_minute or self.settings.calls_per_minute):
            raise BusyError("this key has made its calls for now", seconds=int(seconds) + 1)

    async def score(self, request: Request, texts: Sequence[str], live: Live) -> list[Prediction]:
        """The texts of one request, within its deadline, as long as its caller is there."""
        visit = visit_of(request)
        visit.texts, visit.characters = len(texts), sum(map(len, texts))
        # The body has been read, so all that can still come from the caller is that he hung up.
        gone = asyncio.ensure_future(request.receive())
        try:
            return await self.queue.score(texts, seconds=self.settings.deadline_seconds, gone=gone, tag=live.tagger.tag)
        finally:
            gone.cancel()
