"""Log records of tasks: kept once, as the user's filters and handlers have left them."""

from __future__ import annotations

import io
import logging
import logging.handlers
import multiprocessing
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

import jupyter_agent as ja
from tests.support.runtime import logs, own_producer  # noqa: F401


@pytest.fixture
def logger() -> logging.Logger:
    """One that has no parent: pytest's handlers do not see its records."""
    return logging.Logger("records.of.tasks")  # noqa: LOG001


def kept(*calls: Callable[[], object]) -> list[tuple[str | None, str]]:
    def work() -> None:
        for call in calls:
            call()

    handle = ja.submit(work)
    assert handle.exception(10) is None
    return [(log.level, log.text) for log in logs(handle.id)]


def test_a_record_names_its_logger_and_what_is_printed_has_its_colours_beside_the_text() -> None:
    def work() -> None:
        logging.getLogger("records.named").error("bad row")
        print("\x1b[1;31mred\x1b[0m plain")

    handle = ja.submit(work)
    assert handle.exception(10) is None
    first, second = logs(handle.id)
    assert (first.text, first.logger, first.styles) == ("bad row", "records.named", ())
    assert (second.text, second.logger, second.styles) == ("red plain\n", None, ((0, 3, "1;31"),))


def to_memory() -> logging.Handler:
    return logging.StreamHandler(io.StringIO())


def redact(record: logging.LogRecord) -> bool:
    record.msg, record.args = str(record.msg).replace("secret", "***"), ()
    return True


def test_a_traceback_that_a_filter_has_redacted_is_kept_as_redacted(logger: logging.Logger) -> None:
    def redacted(record: logging.LogRecord) -> bool:
        record.exc_text = "the trace is redacted"  # what `logging.Formatter` prints instead of `exc_info`
        return True

    def fail() -> None:
        try:
            raise ValueError("secret")
        except ValueError:
            logger.exception("failed")

    handler = to_memory()
    handler.addFilter(redacted)
    logger.addHandler(handler)
    assert kept(fail) == [("error", "failed\nthe trace is redacted")]


def test_the_stack_of_a_record_is_kept(logger: logging.Logger) -> None:
    logger.addHandler(to_memory())
    ((_, text),) = kept(lambda: logger.warning("here", stack_info=True))
    assert text.startswith("here\nStack (most recent call last):")


def test_make_log_record_works_in_a_task() -> None:
    assert kept(lambda: logging.makeLogRecord({"msg": "a", "levelname": "INFO"})) == []


def test_a_filter_of_the_logger_drops_and_redacts(logger: logging.Logger) -> None:
    logger.addHandler(to_memory())
    logger.addFilter(redact)
    logger.addFilter(lambda record: "noise" not in record.msg)
    assert kept(lambda: logger.info("a secret"), lambda: logger.info("noise")) == [("info", "a ***")]


def test_a_filter_of_a_handler_drops_and_redacts(logger: logging.Logger) -> None:
    handler = to_memory()
    handler.addFilter(redact)
    handler.addFilter(lambda record: "noise" not in record.msg)
    logger.addHandler(handler)
    assert kept(lambda: logger.info("a secret"), lambda: logger.info("noise")) == [("info", "a ***")]


class Replacing(logging.StreamHandler[io.StringIO]):
    """As filters can from Python 3.12 on, it gives another record in place of the one that it got."""

    def filter(self, record: logging.LogRecord) -> Any:
        return logging.makeLogRecord({"msg": "another", "levelno": record.levelno})


def test_a_record_in_place_of_another_is_the_one_that_is_kept(logger: logging.Logger) -> None:
    logger.addHandler(Replacing(io.StringIO()))
    assert kept(lambda: logger.info("a secret")) == [("info", "another")]


def test_levels_of_logger_and_handler_are_respected(logger: logging.Logger) -> None:
    handler = to_memory()
    handler.setLevel(logging.WARNING)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    assert kept(lambda: logger.debug("no"), lambda: logger.info("nor this"), lambda: logger.error("yes")) == [
        ("error", "yes")
    ]


def test_of_several_handlers_one_that_accepts_is_enough_and_it_is_kept_once(logger: logging.Logger) -> None:
    strict = to_memory()
    strict.setLevel(logging.CRITICAL)
    for handler in (strict, to_memory(), to_memory(), logging.StreamHandler(sys.stderr)):
        logger.addHandler(handler)
    assert kept(lambda: logger.info("once")) == [("info", "once")]


def test_a_logger_without_handlers_decides_alone(logger: logging.Logger) -> None:
    logger.addHandler(logging.NullHandler())
    assert kept(lambda: logger.info("of a library")) == [("info", "of a library")]


class Bad:
    def __str__(self) -> str:
        raise ValueError("no text")


def test_a_bad_str_does_not_fail_the_task_and_is_told_as_logging_tells_it(logger: logging.Logger) -> None:
    logger.addHandler(logging.StreamHandler(sys.stderr))
    found = kept(lambda: logger.info(Bad()), lambda: logger.info("%s", Bad()), lambda: logger.info("%d", "x"))
    text = "".join(text for _, text in found)
    assert text.count("--- Logging error ---") == 3
    assert "ValueError: no text" in text
    assert all(level is None for level, _ in found)


def test_a_handler_that_cannot_write_is_told_and_the_record_is_kept(logger: logging.Logger) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(missing)s"))
    logger.addHandler(handler)
    found = kept(lambda: logger.info("kept"))
    assert ("info", "kept") in found
    assert "--- Logging error ---" in "".join(text for _, text in found)


def test_a_formatter_that_colours_the_level_changes_no_level(logger: logging.Logger) -> None:
    class Coloured(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            record.levelname = f"\033[31m{record.levelname}\033[0m"
            return super().format(record)

    handler = to_memory()
    handler.setFormatter(Coloured("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    assert kept(lambda: logger.error("red")) == [("error", "red")]


def test_fields_of_a_record_are_the_users_own(logger: logging.Logger) -> None:
    fields: list[set[str]] = []
    handler = to_memory()

    def note(record: logging.LogRecord) -> bool:
        fields.append(set(vars(record)))
        return True

    handler.addFilter(note)
    logger.addHandler(handler)
    logger.info("outside")
    kept(lambda: logger.info("inside"))
    assert fields[0] == fields[1]


def test_a_queue_keeps_each_record_once_and_with_whoever_logged_it(logger: logging.Logger) -> None:
    shared: queue.SimpleQueue[Any] = queue.SimpleQueue()
    logger.addHandler(logging.handlers.QueueHandler(shared))

    def work() -> None:
        listener = logging.handlers.QueueListener(shared, logging.StreamHandler(sys.stderr))
        listener.start()
        logger.info("by the task")
        outside.set()
        done.wait(10)
        listener.stop()

    outside, done = threading.Event(), threading.Event()
    handle = ja.submit(work)
    assert outside.wait(10)
    logger.info("by another")
    done.set()
    handle.wait(10)
    assert [log.text for log in logs(handle.id)] == ["by the task"]


def log_there(shared: Any) -> None:
    logger = logging.getLogger("there")
    logger.addHandler(logging.handlers.QueueHandler(shared))
    logger.warning("by a child")


def test_records_of_child_processes_that_a_task_listens_to_are_kept_once() -> None:
    def work() -> None:
        spawn = multiprocessing.get_context("spawn")
        shared = spawn.Queue()
        listener = logging.handlers.QueueListener(shared, logging.StreamHandler(sys.stderr))
        listener.start()
        child = spawn.Process(target=log_there, args=(shared,))
        child.start()
        child.join()
        listener.stop()
        shared.close()
        shared.join_thread()

    assert kept(work) == [("warning", "by a child")]


def test_logging_outside_a_task_is_as_it_was(logger: logging.Logger) -> None:
    stream = io.StringIO()
    logger.addHandler(logging.StreamHandler(stream))
    ja.submit(os.getpid).wait(10)
    logger.info("outside")
    assert stream.getvalue() == "outside\n"
