"""The queue: what is scored together, who has his turn when, and what becomes of those who leave."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from vocnlp.api.batching import Queue, Room
from vocnlp.api.errors import BusyError, GoneError, LateError, NotReadyError, TooLargeError
from vocnlp.api.priorities import SCORER
from vocnlp.api.tokens import Speed, tokens_in
from vocnlp.records import Prediction

BLOCKER = "先来的一句"


class Scorer:
    """Answers a text with itself as the sentiment, once it may; remembers what came together."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.free = threading.Event()
        self.busy = threading.Event()

    def tag(self, texts: Sequence[str]) -> list[Prediction]:
        self.batches.append(list(texts))
        self.busy.set()
        assert self.free.wait(60)
        if "坏" in texts:
            raise RuntimeError("坏")
        return [Prediction(text, 1.0) for text in texts]


class Unwatched:
    def scored(self, predictions: Sequence[Prediction], *, tokens: int, seconds: float) -> None: ...
    def waited(self, seconds: float) -> None: ...


Scene = Callable[[Queue, Scorer], Awaitable[Any]]


def play(scene: Scene, *, texts: int = 100, tokens: int = 10_000, batch: int = 10_000) -> Scorer:
    """Runs a scene in which one call has already taken the scorer, and waits until the queue is closed."""

    async def whole() -> Scorer:
        scorer = Scorer()
        queue = Queue(scorer.tag, Room(texts, tokens, batch), Unwatched())
        queue.open()
        first = asyncio.create_task(call(queue, BLOCKER))
        await asyncio.to_thread(scorer.busy.wait, 60)
        try:
            await scene(queue, scorer)
        finally:
            scorer.free.set()
            await queue.close()
        assert await first == [BLOCKER]
        return scorer

    return asyncio.run(whole())


async def call(queue: Queue, *texts: str, seconds: float = 60.0, gone: Any = None) -> list[str]:
    return [one.sentiment for one in await queue.score(texts, seconds=seconds, gone=gone)]


async def waiting(queue: Queue, *calls: Sequence[str]) -> list[asyncio.Task[list[str]]]:
    tasks = [asyncio.create_task(call(queue, *texts)) for texts in calls]
    await asyncio.sleep(0)
    return tasks


def test_nobody_waits_for_company_and_what_comes_meanwhile_is_one_batch() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        tasks = await waiting(queue, ["一"], ["二", "三"], ["四"])
        scorer.free.set()
        assert await asyncio.gather(*tasks) == [["一"], ["二", "三"], ["四"]]

    assert play(scene).batches == [[BLOCKER], ["一", "二", "三", "四"]]


def test_a_batch_ends_at_its_budget_and_a_long_text_goes_alone() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        tasks = await waiting(queue, ["一", "二"], ["长" * 200], ["三"], ["四"])
        scorer.free.set()
        await asyncio.gather(*tasks)

    assert (tokens_in("一"), tokens_in("长" * 200)) == (2, 138)
    assert play(scene, batch=20).batches == [[BLOCKER], ["一", "二"], ["长" * 200], ["三", "四"]]


def test_bad_news_of_the_speed_is_believed_sooner_and_small_batches_tell_nothing() -> None:
    speed = Speed(batch=4000)
    assert speed.seconds(100) == 0
    told = []
    for tokens, seconds in ((255, 1.0), (1000, 1.0), (2000, 1.0), (300, 1.0)):
        speed.learn(tokens, seconds)
        told.append(speed.a_second)
    assert told == [0, 1000, 1100, 700]
    assert speed.seconds(1400) == 2


def test_a_long_call_does_not_hold_up_a_short_one() -> None:
    many = [f"第{n}条" for n in range(10, 50)]

    async def scene(queue: Queue, scorer: Scorer) -> None:
        tasks = await waiting(queue, many, ["一"])
        scorer.free.set()
        assert await asyncio.gather(*tasks) == [many, ["一"]]

    batches = play(scene, batch=16 * tokens_in("第10条") + tokens_in("一")).batches
    assert batches == [[BLOCKER], [*many[:16], "一"], many[16:32], many[32:]]


def test_a_full_queue_says_when_to_come_again() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        tasks = await waiting(queue, ["一", "二"], ["三"])
        with pytest.raises(BusyError) as refused:
            await call(queue, "四")
        with pytest.raises(BusyError):
            queue.check(seconds=60)
        assert (refused.value.seconds, queue.waiting) == (1, (3, 6))
        scorer.free.set()
        assert await asyncio.gather(*tasks) == [["一", "二"], ["三"]]

    play(scene, texts=3)


def test_a_queue_is_full_of_tokens_too() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        await waiting(queue, ["好" * 120])
        with pytest.raises(BusyError):
            await call(queue, "好" * 30)
        with pytest.raises(TooLargeError):
            await call(queue, "好" * 100, "好" * 100)

    play(scene, tokens=100)


def test_a_call_that_would_be_late_is_refused_at_once() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        await asyncio.sleep(
            0.1
        )  # what the blocker takes at least, so that no more than 50 tokens a second are measured
        scorer.free.set()
        await asyncio.to_thread(until_measured, queue, scorer)
        (held,) = await waiting(queue, [BLOCKER])
        await asyncio.to_thread(scorer.busy.wait, 60)
        (next_one,) = await waiting(queue, ["一"])
        with pytest.raises(BusyError):
            await call(queue, "二", "三", "四", "五", "六", seconds=0.2)
        queue.check(seconds=60)
        with pytest.raises(BusyError):
            queue.check(seconds=0.05)
        scorer.free.set()
        assert await asyncio.gather(held, next_one) == [[BLOCKER], ["一"]]
        assert await call(queue, "二", "三", "四", "五", "六", seconds=60) == ["二", "三", "四", "五", "六"]

    def until_measured(queue: Queue, scorer: Scorer) -> None:
        while not queue.measured:
            threading.Event().wait(0.001)
        scorer.free.clear()
        scorer.busy.clear()

    play(scene, batch=20)


def test_who_hangs_up_frees_his_place() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        leaving = asyncio.create_task(call(queue, "走", "了", gone=gone))
        (staying,) = await waiting(queue, ["一"])
        assert queue.waiting == (3, 6)
        gone.set_result(None)
        with pytest.raises(GoneError):
            await leaving
        assert queue.waiting == (1, 2)
        scorer.free.set()
        assert await staying == ["一"]

    assert play(scene).batches == [[BLOCKER], ["一"]]


def test_after_the_deadline_nothing_is_scored() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        with pytest.raises(LateError):
            await call(queue, "晚", seconds=0.01)
        assert queue.waiting == (0, 0)

    assert play(scene).batches == [[BLOCKER]]


def test_a_cancelled_call_leaves_the_queue() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        (task,) = await waiting(queue, ["算了"])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert queue.waiting == (0, 0)

    assert play(scene).batches == [[BLOCKER]]


def test_a_text_that_breaks_the_model_breaks_its_own_call_alone() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        tasks = await waiting(queue, ["一"], ["坏", "二"], ["三"])
        scorer.free.set()
        one, bad, three = await asyncio.gather(*tasks, return_exceptions=True)
        assert (one, three) == (["一"], ["三"])
        assert isinstance(bad, RuntimeError)
        assert await call(queue, "四") == ["四"]

    play(scene)


def test_closing_answers_what_waits_and_takes_no_more() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        tasks = await waiting(queue, ["一"], ["二"])
        closing = asyncio.create_task(queue.close())
        await asyncio.sleep(0)
        with pytest.raises(NotReadyError):
            await call(queue, "三")
        scorer.free.set()
        await closing
        assert await asyncio.gather(*tasks) == [["一"], ["二"]]

    play(scene)


def test_no_texts_are_no_work() -> None:
    async def scene(queue: Queue, scorer: Scorer) -> None:
        assert await call(queue) == []

    assert play(scene).batches == [[BLOCKER]]


def test_scorers_that_are_idle_together_share_what_comes() -> None:
    scorer = Scorer()

    async def scene() -> None:
        queue = Queue(scorer.tag, Room(100, 1000, 1000, scorers=2), Unwatched())
        queue.open()
        while queue.idle < 2:
            await asyncio.sleep(0.001)
        task = asyncio.create_task(call(queue, *"一二三四五六"))
        while len(scorer.batches) < 2:
            await asyncio.sleep(0.001)
        scorer.free.set()
        assert await task == list("一二三四五六")
        await queue.close()

    asyncio.run(scene())
    assert sorted(scorer.batches) == [["一", "二", "三"], ["四", "五", "六"]]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_a_scorer_lets_the_event_loop_go_first() -> None:
    seen: list[int] = []

    def tag(texts: Sequence[str]) -> list[Prediction]:
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return [Prediction(text, 1.0) for text in texts]

    async def scene() -> None:
        queue = Queue(tag, Room(100, 1000, 1000), Unwatched())
        queue.open()
        assert await call(queue, "一") == ["一"]
        await queue.close()

    before = os.getpriority(os.PRIO_PROCESS, 0)
    asyncio.run(scene())
    assert seen == [min(19, before + SCORER)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
