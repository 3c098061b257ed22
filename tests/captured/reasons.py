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
CODES = Reason(
    "with codes",
    "Colours",
    """What a library colours or redraws with the codes of a terminal is kept with these codes. Most libraries
    have a setting that turns colours off, and the variable `NO_COLOR=1` does for many.""",
)
BY_IPYTHON = Reason(
    "not kept",
    "Shown by IPython",
    """What `display` shows in a kernel, and what rich prints there, goes to the cell through IPython, and is
    not in the log of the task. Call `ja.current().display(figure)`, and `print` for text.""",
)
AS_TEXT = Reason(
    "as text",
    "Figures without a kernel",
    """Outside a kernel, `display` and `plt.show` have nowhere to show a figure. Call
    `ja.current().display(figure)`.""",
)
NOT_FOLLOWED = Reason(
    "no",
    "Bars of rich",
    """The bars of rich are kept as text, and are no progress. Use tqdm, or `ja.track` around the loop.""",
)
