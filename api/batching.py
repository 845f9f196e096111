"""Many callers, a few scorers: texts wait in a bounded queue and are scored together, off the event loop.

A text that finds a scorer idle is scored at once; what arrives meanwhile makes the next batch. So nobody waits for
company, and under load batches grow by themselves. Callers take turns: a call of a thousand texts does not hold up a
call of one. Scorers that are idle together share what waits: a core each beats one batch on all cores, whose last
piece is always waited for.
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
from .priorities import step_back
from .tokens import Speed, tokens_in

Tag = Callable[[Sequence[str]], Sequence[Prediction]]
_TURN = 16  # texts of one call before the next call has its turn
_HEED = 0.3  # of a deadline: a call that would wait for longer is refused, because speeds are never quite known


class Watch(Protocol):
    """Who wants to know what the scorers do (``metrics.Meters``)."""

    def scored(self, predictions: Sequence[Prediction], *, tokens: int, seconds: float) -> None: ...
    def waited(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Room:
    """What may wait, in texts and tokens; how many tokens are scored together; and by how many scorers at a time."""

    texts: int
    tokens: int
    batch: int
    scorers: int = 1


@dataclass(eq=False)
class _Call:
    """The texts of one caller. ``given`` of them went to a scorer, ``answered`` came back."""

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


class Queue:
    """The texts that wait, and the threads that score them. Made, opened and closed on one event loop."""

    def __init__(self, tag: Tag, room: Room, watch: Watch) -> None:
        self.tag = tag  # replaced when another bundle takes over; a call keeps the one that it came in under
        self.room = room
        self._watch = watch
        self._calls: deque[_Call] = deque()
        self._changed = threading.Condition()
        self._texts = self._tokens = 0
        self._taken = 0  # tokens that scorers are at
        self._idle = 0  # scorers that wait for work
        self._speed = Speed(room.batch)
        self._closing = False
        self._threads = [
            threading.Thread(target=self._work, name=f"scorer {number}", daemon=True)
            for number in range(1, room.scorers + 1)
        ]

    @property
    def waiting(self) -> tuple[int, int]:
        """``(texts, tokens)`` that no scorer has taken yet."""
        return self._texts, self._tokens

    @property
    def idle(self) -> int:
        """How many scorers wait for work."""
        return self._idle

    @property
    def measured(self) -> bool:
        """Whether a batch has told how fast a scorer is."""
        return self._speed.a_second > 0

    @property
    def alive(self) -> bool:
        """Whether all scorers work; without one its calls would wait for their deadline."""
        return all(thread.is_alive() for thread in self._threads)

    def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        for thread in self._threads:
            thread.start()

    async def close(self) -> None:
        """Everything that waits is scored, then the threads end."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def full(self, *, seconds: float) -> bool:
        """Whether not even a short text would find room and be scored within so many seconds."""
        return bool(self._calls) and (self._texts >= self.room.texts or self._wait(self._tokens) > _HEED * seconds)

    def check(self, *, seconds: float) -> None:
        """BusyError when the queue is full: known before a text is read."""
        if self.full(seconds=seconds):
            raise self._busy()

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
        late = LateError(f"no answer within {seconds:g} s", hint="send fewer texts at once, or come again later")
        timer = self._loop.call_later(seconds, _end, call, late)
        if gone is not None:
            gone.add_done_callback(lambda _: _end(call, GoneError("the caller hung up")))
        try:
            return await call.future
        finally:
            timer.cancel()
            self._leave(call)

    # --- on the event loop ---

    def _enter(self, texts: Sequence[str], seconds: float, tag: Tag) -> _Call:
        tokens = sum(map(tokens_in, texts))
        with self._changed:
            if self._closing:
                raise NotReadyError("the service is going down")
            if len(texts) > self.room.texts or tokens > self.room.tokens:
                raise TooLargeError(f"at most about {self.room.tokens:,} tokens go into one call", hint="send parts")
            if self._calls and (
                self._texts + len(texts) > self.room.texts
                or self._tokens + tokens > self.room.tokens
                or self._wait(self._tokens + tokens) > _HEED * seconds
            ):
                raise self._busy()
            call = _Call(texts, tag, self._loop.create_future(), perf_counter())
            self._calls.append(call)
            self._texts += len(texts)
            self._tokens += tokens
            self._changed.notify(min(len(texts), self.room.scorers))
        return call

    def _wait(self, tokens: int) -> float:
        """Seconds that so much more takes, by the batches so far; 0 until one was measured."""
        return self._speed.seconds(self._taken / 2 + tokens) / self.room.scorers

    def _busy(self) -> BusyError:
        return BusyError("the queue is full", seconds=min(30, max(1, math.ceil(self._wait(self._tokens)))))

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
        self._tokens -= sum(map(tokens_in, left))
        call.given = len(call.texts)
        if call in self._calls:
            self._calls.remove(call)

    # --- on a scorer's thread ---

    def _work(self) -> None:
        step_back()
        for pieces, since in iter(self._take, None):
            texts = [call.texts[number] for call, number in pieces]
            begun = perf_counter()
            for call in {call: None for call, _ in pieces}:
                if not call.first_taken:
                    call.first_taken = begun
                    self._watch.waited(begun - call.arrived)
            answers = self._answers(texts, pieces[0][0].tag)
            ended = perf_counter()
            self._loop.call_soon_threadsafe(self._settle, pieces, answers)
            good = [answer for answer in answers if isinstance(answer, Prediction)]
            tokens = sum(map(tokens_in, texts))
            self._watch.scored(good, tokens=tokens, seconds=ended - begun)
            self._measure(tokens, perf_counter() - since)

    def _take(self) -> tuple[list[_Piece], float] | None:
        """The next batch, and since when it could be had; waits for one. None when all is done and the queue closes."""
        since = perf_counter()
        with self._changed:
            self._idle += 1
            while not self._calls and not self._closing:
                self._changed.wait()
                since = perf_counter()
            most, tokens = math.ceil(self._texts / self._idle), self._tokens
            self._idle -= 1
            pieces = self._pieces(most)
            self._taken += tokens - self._tokens
            if self._calls:
                self._changed.notify()
            return (pieces, since) if pieces else None

    def _pieces(self, most: int) -> list[_Piece]:
        """At most so many texts, and as many tokens as are scored together; all of one bundle."""
        pieces: list[_Piece] = []
        room = self.room.batch
        while self._calls and len(pieces) < most:
            call = self._calls.popleft()
            if pieces and call.tag != pieces[0][0].tag:
                self._calls.appendleft(call)
                break
            for number in range(call.given, min(call.given + _TURN, len(call.texts))):
                more = tokens_in(call.texts[number])
                if pieces and (more > room or len(pieces) == most):
                    self._calls.appendleft(call)
                    return pieces
                pieces.append((call, number))
                room -= more
                call.given += 1
                self._texts -= 1
                self._tokens -= more
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

    def _measure(self, tokens: int, seconds: float) -> None:
        """The seconds are those from batch to batch: on a full machine a scorer waits for more than the model."""
        with self._changed:
            self._taken -= tokens
            self._speed.learn(tokens, seconds)

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


def _end(call: _Call, error: Exception) -> None:
    if not call.future.done():
        call.future.set_exception(error)
