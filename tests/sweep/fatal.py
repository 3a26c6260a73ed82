"""What a worker may be made to do in place of evaluating: die now and then, or always at one machine."""

import os
import signal
from pathlib import Path

from simulator.sweep.evaluate import Outcome, Task, evaluate

FATAL_ROWS = 12


def dies_at_one_machine(task: Task) -> Outcome:
    """As if there were never enough memory for machines of so many rows."""
    if task.accelerator.pe_array.rows == FATAL_ROWS:
        os.kill(os.getpid(), signal.SIGKILL)
    return evaluate(task)


def dies_once(task: Task) -> Outcome:
    """The first worker that comes to that machine dies; whoever comes next does not."""
    mark = Path(os.environ["PICOJOULE_TEST_MARK"])
    if task.accelerator.pe_array.rows == FATAL_ROWS and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return evaluate(task)
