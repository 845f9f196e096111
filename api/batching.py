"""Many callers, one scorer: texts wait in a bounded queue and are scored together, off the event loop.

A text that finds the scorer idle is scored at once; what arrives meanwhile makes the next batch. So nobody waits for
company, and under load batches grow by themselves. Callers take turns: a call of a thousand texts does not hold up a
call of one.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol

from vocnlp.records import Prediction

from .errors import BusyError, GoneError, LateError, NotReadyError, TooLargeError

Tag = Callable[[Sequence[str]], Sequence[Prediction]]
_TURN = 16  # texts of one call before the next call has its turn
_OWN_WEIGHT = 8  # what a text weighs beside its characters
_LEARN = 0.2  # weight of the newest batch in the measured speed


class Watch(Protocol):
    """Who wants to know what the scorer does (``metrics.Meters``)."""

    def scored(self, predictions: Sequence[Prediction], *, weight: int, seconds: float) -> None: ...
    def waited(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Room:
    """What may wait, and what is scored together. A weight is characters and a few more for each text."""

    texts: int
    weight: int
    batch: int


@dataclass(eq=False)
class _Call:
    """The texts of one caller. ``given`` of them went to the scorer, ``answered`` came back."""

    texts: Sequence[str]
    tag: Tag
    future: asyncio.Future[list[Prediction]]
    arrived: float
    answers: list[Prediction | None] = field(init=False)
    given: int = 0
    answered: int = 0
    first_taken: float = 0.0

    def __post_init__(self) -> None:
        self.answers = [None] * len(self.texts)


_Piece = tuple[_Call, int]


def weigh(text: str) -> int:
    return len(text) + _OWN_WEIGHT


class Queue:
    """The texts that wait, and the thread that scores them. Made, opened and closed on one event loop."""

    def __init__(self, tag: Tag, room: Room, watch: Watch) -> None:
        self.tag = tag  # replaced when another bundle takes over; a call keeps the one that it came in under
        self.room = room
        self._watch = watch
        self._calls: deque[_Call] = deque()
        self._changed = threading.Condition()
        self._texts = self._weight = 0
        self._speed = 0.0  # weight scored in a second, 0 until measured
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="scorer", daemon=True)

    @property
    def waiting(self) -> tuple[int, int]:
        """``(texts, weight)`` that the scorer has not taken yet."""
        return self._texts, self._weight

    @property
    def measured(self) -> bool:
        """Whether a batch that was at least half full has told how fast the scorer is."""
        return self._speed > 0

    @property
    def alive(self) -> bool:
        """Whether the scorer works; without it every call would wait for its deadline."""
        return self._thread.is_alive()

    def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """Everything that waits is scored, then the thread ends."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        await asyncio.to_thread(self._thread.join)

    async def score(
        self,
        texts: Sequence[str],
        *,
        seconds: float,
        gone: asyncio.Future[Any] | None = None,
        tag: Tag | None = None,
    ) -> list[Prediction]:
        """One prediction a text, in order. BusyError without room, LateError after so many seconds.

        ``tag`` scores all of them, whatever takes over meanwhile; by default the queue's own. GoneError when ``gone``
        is done first. However it ends, what has not been taken by then leaves the queue.
        """
        if not texts:
            return []
        call = self._enter(texts, seconds, tag or self.tag)
        try:
            await asyncio.wait(
                [call.future] if gone is None else [call.future, gone],
                timeout=seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if call.future.done():
                return call.future.result()
            if gone is not None and gone.done():
                raise GoneError("the caller hung up")
            raise LateError(f"no answer within {seconds:g} s", hint="send fewer texts at once, or come again later")
        finally:
            self._leave(call)

    # --- on the event loop ---

    def _enter(self, texts: Sequence[str], seconds: float, tag: Tag) -> _Call:
        weight = sum(map(weigh, texts))
        with self._changed:
            if self._closing:
                raise NotReadyError("the service is going down")
            if len(texts) > self.room.texts or weight > self.room.weight + len(texts) * _OWN_WEIGHT:
                raise TooLargeError(
                    f"at most {self.room.weight:,} characters go into one call", hint="send them in parts"
                )
            if self._calls and (
                self._texts + len(texts) > self.room.texts
                or self._weight + weight > self.room.weight
                or self._wait(self._weight + weight) > seconds
            ):
                come_again = min(30, max(1, math.ceil(self._wait(self._weight))))
                raise BusyError("the queue is full", seconds=come_again)
            call = _Call(texts, tag, self._loop.create_future(), perf_counter())
            self._calls.append(call)
            self._texts += len(texts)
            self._weight += weight
            self._changed.notify()
        return call

    def _wait(self, weight: int) -> float:
        """Seconds that so much takes, by the batches so far; 0 for a batch or two, and until one was measured."""
        return weight / self._speed if self._speed and weight > 2 * self.room.batch else 0.0

    def _leave(self, call: _Call) -> None:
        with self._changed:
            if call.given < len(call.texts):
                self._drop(call)
        if not call.future.done():
            call.future.cancel()
        elif not call.future.cancelled():
            call.future.exception()  # looked at, so that nobody complains of an error that no one waits for

    def _drop(self, call: _Call) -> None:
        left = call.texts[call.given :]
        self._texts -= len(left)
        self._weight -= sum(map(weigh, left))
        call.given = len(call.texts)
        if call in self._calls:
            self._calls.remove(call)

    # --- on the scorer's thread ---

    def _work(self) -> None:
        while pieces := self._take():
            texts = [call.texts[number] for call, number in pieces]
            begun = perf_counter()
            for call in {call: None for call, _ in pieces}:
                if not call.first_taken:
                    call.first_taken = begun
                    self._watch.waited(begun - call.arrived)
            answers = self._answers(texts, pieces[0][0].tag)
            seconds = perf_counter() - begun
            self._loop.call_soon_threadsafe(self._settle, pieces, answers)
            self._measure(texts, answers, seconds)

    def _take(self) -> list[_Piece]:
        """The next batch, waiting for one; empty when all is done and the queue closes."""
        with self._changed:
            while not self._calls:
                if self._closing:
                    return []
                self._changed.wait()
            pieces: list[_Piece] = []
            weight = 0
            while self._calls:
                call = self._calls.popleft()
                if pieces and call.tag != pieces[0][0].tag:  # one batch, one bundle
                    self._calls.appendleft(call)
                    return pieces
                for number in range(call.given, min(call.given + _TURN, len(call.texts))):
                    more = weigh(call.texts[number])
                    if pieces and weight + more > self.room.batch:
                        self._calls.appendleft(call)
                        return pieces
                    pieces.append((call, number))
                    weight += more
                    call.given += 1
                    self._texts -= 1
                    self._weight -= more
                if call.given < len(call.texts):
                    self._calls.append(call)
            return pieces

    def _answers(self, texts: Sequence[str], tag: Tag) -> list[Prediction | Exception]:
        """A text that breaks the model breaks its own call and no other."""
        try:
            return list(tag(texts))
        except Exception as error:
            if len(texts) == 1:
                return [error]
            return [answer for text in texts for answer in self._answers([text], tag)]

    def _measure(self, texts: Sequence[str], answers: Sequence[Prediction | Exception], seconds: float) -> None:
        weight = sum(map(weigh, texts))
        if 2 * weight >= self.room.batch:  # a small batch is slow for its weight, and says nothing of a full queue
            speed = weight / max(seconds, 1e-6)
            self._speed = speed if not self._speed else (1 - _LEARN) * self._speed + _LEARN * speed
        good = [answer for answer in answers if isinstance(answer, Prediction)]
        self._watch.scored(good, weight=weight, seconds=seconds)

    def _settle(self, pieces: Sequence[_Piece], answers: Sequence[Prediction | Exception]) -> None:
        """Back on the event loop: a call whose last text this was is answered."""
        for (call, number), answer in zip(pieces, answers, strict=True):
            if call.future.done():
                continue
            if isinstance(answer, Exception):
                call.future.set_exception(answer)
                continue
            call.answers[number] = answer
            call.answered += 1
            if call.answered == len(call.texts):
                call.future.set_result([one for one in call.answers if one is not None])
