"""Processes and threads beside the first one: Ctrl-C while they are started, results in order, what is left undone."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from vocnlp.processes import in_threads, interrupts_held


def test_an_interrupt_waits_for_the_end_of_the_block_and_is_not_lost() -> None:
    reached = []
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        signal.raise_signal(signal.SIGINT)
        reached.append("end")
    assert reached == ["end"]


def test_handler_and_mask_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts_held():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
    if sys.platform != "win32":
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be blocked there")
def test_a_process_started_in_the_block_does_not_hear_it() -> None:
    asks = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    with interrupts_held():
        inside = subprocess.run([sys.executable, "-c", asks], check=True, capture_output=True, text=True)
    outside = subprocess.run([sys.executable, "-c", asks], check=True, capture_output=True, text=True)
    assert (inside.stdout, outside.stdout) == ("True\n", "False\n")


def test_other_threads_may_start_processes_too() -> None:
    done = []

    def work() -> None:
        with interrupts_held():
            done.append("started")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["started"]


def test_results_of_threads_come_in_the_order_of_what_was_asked() -> None:
    first_is_waiting = threading.Event()

    def work(number: int) -> tuple[int, str]:
        if number == 0:
            assert first_is_waiting.wait(10)  # until a later one is done
        first_is_waiting.set() if number == 1 else None
        return number, threading.current_thread().name

    found = list(in_threads(work, range(20), 2))
    assert [number for number, _ in found] == list(range(20))
    assert len({name for _, name in found}) == 2


def test_one_thread_is_the_callers_own() -> None:
    here = threading.current_thread().name
    assert list(in_threads(lambda _: threading.current_thread().name, range(3), 1)) == [here] * 3
    assert list(in_threads(str, [], 0)) == []


def test_an_error_in_a_thread_ends_the_work_and_what_was_not_begun_is_left_undone() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise ValueError("of the third")
        return number

    taken = in_threads(work, range(1000), 2)
    with pytest.raises(ValueError, match="of the third"):
        list(taken)
    assert len(begun) < 12
