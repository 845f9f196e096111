"""Who goes first on a full machine: the event loop before the scorers, the scorers before the batch jobs.

Probes and refusals take a millisecond of the event loop, if it gets that millisecond. What scores beside it holds the
interpreter for up to a switch interval at a time and its cores for as long as it likes; under four times the load it
can take, /health was asked every 50 ms: the slowest of 300 answers fell from 408 to 57-73 ms with all three below, that
of 1,100 from 106-190 to 44-54 ms when what waits for nothing also stood in no line (``protocol``); both by
``python -m benchmarks.serving --only overload`` with voc-zh-small 1.1.1. With 1.10.1, which is three times as fast and so is
called three times as often there (2,700 to 3,400 times a second), the slowest of 430 to 1,090 was 116 to 209 ms.
"""

from __future__ import annotations

import gc
import os
import sys
import threading

_SWITCH = 0.0005  # seconds that a thread may keep the interpreter from another; Python's own choice is ten times that
SCORER, JOB = 10, 12  # added niceness


def be_prompt() -> None:
    """The event loop waits for another thread no longer than it must."""
    sys.setswitchinterval(_SWITCH)


def settle() -> None:
    """What is loaded by now stays: the collector need not walk it again, which stops all threads for a tenth of a second."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def step_back() -> None:
    """The calling thread lets others go first. Only Linux has priorities of threads; elsewhere nothing happens."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # Added to what the service was started with: going below that is forbidden to most.
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + SCORER))
