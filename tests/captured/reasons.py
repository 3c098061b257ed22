"""Why something is not captured, and what to do, as the page says it."""

from __future__ import annotations

from tests.captured.case import Reason

PAST_PYTHON = Reason(
    "not kept",
    "Past Python",
    """C code, programs, forked children and `os.write` write to the file descriptors of the process. In a
    kernel, all tasks and cells share these, so what is written there belongs to no task. Run the task
    detached, or have a program's output returned (`subprocess.run(…, capture_output=True)`) and
    print it.""",
)
NO_BUFFER = Reason(
    "fails",
    "No buffer",
    """A kernel's `sys.stdout` is no file and has no `buffer`, in a task or outside. Use `print`, or run the
    task detached.""",
)
LIGHTGBM_THREAD = Reason(
    "in part",
    "The thread that imports LightGBM",
    """LightGBM gives its messages to Python in the one thread that imported it first; in any other thread it
    writes them past Python. What its callbacks print (`log_evaluation`) is kept everywhere. In a process and
    detached, the thread that runs the task imports it.""",
)
