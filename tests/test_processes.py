"""Ctrl-C while processes are being started: it waits, it is not lost, and the started ones never hear it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from vocnlp.processes import interrupts_held


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
