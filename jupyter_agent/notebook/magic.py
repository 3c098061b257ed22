"""``%%task``: runs a cell as a task, in the foreground, so that later cells see its variables."""

from __future__ import annotations

import argparse
import ast
import inspect
import shlex
from collections.abc import Callable
from typing import Any, NoReturn

from ..core.events import TaskState
from ..errors import TaskFailed
from ..runtime.bootstrap import ready_producer
from ..runtime.engines.base import run_attempt
from ..runtime.engines.foreground import ForegroundEngine
from ..runtime.interrupt import Stopped, interrupter_for_this_thread
from ..runtime.options import Options
from ..runtime.outcome import OutcomeHolder
from ..runtime.tracebacks import without_own_frames
from .handle import TaskHandle
from .idempotency import check_key, reserve_key
from .nested_asyncio import run
from .submit import check_seconds_to_clean_up, show_task, task_for

USAGE = "use: %%task [name] [--key KEY] [--grace SECONDS]"


def load(shell: Any) -> None:
    """Add ``%%task`` to *shell*. Idempotent."""

    def task_cell(line: str, cell: str) -> Any:
        __tracebackhide__ = True
        options = _options(line)
        return run_cell(shell, options, cell) if options else None

    task_cell.__doc__ = f"Run the cell as a task; {USAGE}."
    shell.register_magic_function(task_cell, "cell", "task")


def run_cell(shell: Any, options: Options, cell: str) -> Any:
    """Run *cell* in the user's namespace as a task; the value of its last expression.

    Raises what the cell raised, and a one-line `TaskCancelled` when it was stopped.
    """
    __tracebackhide__ = True
    producer = ready_producer()
    stop = interrupter_for_this_thread()
    holder = OutcomeHolder()
    with reserve_key(producer, options.key) as found:
        if isinstance(found, TaskHandle):
            return show_task(found, options)
        task = task_for(producer, options, None, found)
        attempt = task.queue(holder)
    attempt.engine = ForegroundEngine(attempt, stop)
    show_task(TaskHandle(task, holder), options)
    run_attempt(attempt, _compiled(shell, cell), stop)
    outcome = holder.outcome
    if outcome is None or outcome.state is TaskState.CANCELLED:
        raise Stopped(f"task {options.name} was cancelled", task_id=task.id)
    if outcome.exception is not None:
        raise outcome.exception.with_traceback(without_own_frames(outcome.exception.__traceback__))
    if outcome.state is not TaskState.COMPLETED:
        raise TaskFailed(f"task {options.name} {outcome.state}", task_id=task.id)
    return outcome.value


def _compiled(shell: Any, cell: str) -> Callable[[], Any]:
    """Return a call that runs *cell* and returns the value of its last expression.

    It also compiles the cell, so that a syntax error is the task's.
    """

    def call() -> Any:
        source = "\n" + shell.transform_cell(cell)  # lines are counted from the magic's own
        filename = shell.compile.cache(source, shell.execution_count)
        tree = shell.transform_ast(shell.compile.ast_parse(source, filename=filename))
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        _execute(shell, compile(tree, filename, "exec", _FLAGS | shell.compile.flags))
        if last is None:
            return None
        value = ast.Expression(last.value)
        return _execute(shell, compile(value, filename, "eval", _FLAGS | shell.compile.flags))

    return call


_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_COROUTINE = inspect.CO_COROUTINE


def _execute(shell: Any, code: Any) -> Any:
    value = eval(code, shell.user_global_ns, shell.user_ns)  # noqa: S307 - the user's own cell
    return run(value) if code.co_flags & _COROUTINE else value


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _options(line: str) -> Options | None:
    parser = _Parser(prog="%%task", add_help=False)
    parser.add_argument("name", nargs="?", default="cell")
    parser.add_argument("--key")
    parser.add_argument("--grace", type=float)
    try:
        given = parser.parse_args(shlex.split(line))
        check_key(given.key)
        check_seconds_to_clean_up(given.grace)
    except ValueError as error:
        print(f"%%task: {error}; {USAGE}")  # noqa: T201 - the answer to a mistyped line
        return None
    return Options(given.name, key=given.key, on="foreground", kind="cell", grace=given.grace)
