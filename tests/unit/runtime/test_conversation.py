"""Conversation of a task, from inside: questions, answers, defaults, texts without a question."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

import jupyter_agent as ja
from jupyter_agent.core.events import Data, Input, Prompt, decode_data
from jupyter_agent.errors import NotNow, TaskCancelled
from jupyter_agent.producer.producer import current_producer
from jupyter_agent.protocol.messages import CommandOrder
from jupyter_agent.runtime.conversation import Conversation
from jupyter_agent.runtime.local_task import local_tasks
from tests.support.runtime import emitted, own_producer, until  # noqa: F401


class Log:
    """What a conversation emitted, and whether it is cancelled."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Data]] = []
        self.cancelled = False
        self.talk = Conversation(lambda kind, data: self.events.append((kind, data)), self._check)

    def _check(self) -> None:
        if self.cancelled:
            raise TaskCancelled("cancelled", task_id="t")

    @property
    def asked(self) -> list[Prompt]:
        return [data for _, data in self.events if isinstance(data, Prompt)]

    @property
    def given(self) -> list[Input]:
        return [data for _, data in self.events if isinstance(data, Input)]

    def open(self, number: int = 0) -> str:
        """Wait for a question; its id."""
        until(lambda: len(self.asked) > number)
        return self.asked[number].prompt_id


def in_thread(pool: ThreadPoolExecutor, call: Callable[[], str]) -> Callable[[], str]:
    future = pool.submit(call)
    return lambda: future.result(20)


def test_the_first_answer_wins_and_later_ones_are_rejected() -> None:
    log = Log()
    with ThreadPoolExecutor() as pool:
        answer = in_thread(pool, lambda: log.talk.ask("go on?", None, None, None))
        prompt = log.open()
        assert log.talk.deliver("yes", prompt)
        assert not log.talk.deliver("no", prompt)
        assert answer() == "yes"
    assert log.given == [Input("yes", prompt)]
    with pytest.raises(TimeoutError):
        log.talk.receive(0)
    with pytest.raises(TimeoutError):
        log.talk.ask("and now?", None, 0, None)


def test_of_many_answers_at_once_one_wins() -> None:
    log = Log()
    gate = threading.Barrier(8)

    def take(number: int) -> bool:
        gate.wait(20)
        return log.talk.deliver(str(number), prompt)

    with ThreadPoolExecutor(9) as pool:
        answer = in_thread(pool, lambda: log.talk.ask("go on?", None, None, None))
        prompt = log.open()
        taken = list(pool.map(take, range(8)))
        assert taken.count(True) == 1
        assert answer() == str(taken.index(True))
    assert len(log.given) == 1


def test_an_answer_without_a_name_is_for_the_question_that_is_open() -> None:
    log = Log()
    with ThreadPoolExecutor() as pool:
        answer = in_thread(pool, lambda: log.talk.ask("go on?", None, None, None))
        prompt = log.open()
        assert log.talk.deliver("yes", None)
        assert answer() == "yes"
    assert log.given == [Input("yes", prompt)]


def test_a_text_sent_without_a_question_answers_no_later_one() -> None:
    log = Log()
    log.talk.deliver("by the way", None)
    with pytest.raises(TimeoutError):
        log.talk.ask("delete it all?", None, 0.01, None)
    assert log.talk.receive(0) == "by the way"


def test_a_default_is_the_answer_after_the_time_and_closes_the_question() -> None:
    log = Log()
    assert log.talk.ask("go on?", ["yes", "no"], 0.01, "no") == "no"
    (asked,) = log.asked
    assert log.given == [Input("no", asked.prompt_id, "default")]
    assert not log.talk.deliver("yes", asked.prompt_id)


def test_a_question_that_is_given_up_is_withdrawn() -> None:
    log = Log()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.01 s"):
        log.talk.ask("anybody?", None, 0.01, None)
    (asked,) = log.asked
    assert log.given == [Input("", asked.prompt_id, "nobody")]
    with ThreadPoolExecutor() as pool:
        answer = in_thread(pool, lambda: log.talk.ask("again?", None, None, None))
        log.open(1)
        log.cancelled = True
        log.talk.wake()
        with pytest.raises(TaskCancelled):
            answer()
    assert log.given[1] == Input("", log.asked[1].prompt_id, "nobody")


def test_questions_of_two_threads_are_asked_one_after_the_other() -> None:
    """Thirty times: a thread that waits for its turn must not take the previous question's answer."""
    with ThreadPoolExecutor() as pool:
        for _ in range(30):
            log = Log()
            answers = [in_thread(pool, partial(log.talk.ask, "which?", None, None, None)) for _ in range(2)]
            assert log.talk.deliver("a", log.open())
            assert log.talk.deliver("b", log.open(1))
            assert {answer() for answer in answers} == {"a", "b"}
            assert [kind for kind, _ in log.events] == ["prompt", "input"] * 2


def test_a_question_that_never_had_its_turn_takes_its_default() -> None:
    log = Log()
    with ThreadPoolExecutor() as pool:
        first = in_thread(pool, lambda: log.talk.ask("first?", None, None, None))
        prompt = log.open()
        assert log.talk.ask("second?", None, 0.01, "later") == "later"
        with pytest.raises(TimeoutError):
            log.talk.ask("third?", None, 0.01, None)
        assert log.talk.deliver("done", prompt)
        assert first() == "done"
    assert len(log.asked) == 1


def ordered(handle: ja.TaskHandle, **args: object) -> None:
    """An input comes through the journal."""
    task = local_tasks.get(handle.id)
    assert task is not None
    task.commands.handle(CommandOrder(1, handle.id, handle.attempt, "input", dict(args)))


def prompt_of(handle: ja.TaskHandle) -> str:
    until(lambda: handle.prompt is not None)
    assert handle.prompt is not None
    return handle.prompt.prompt_id


@pytest.mark.parametrize("first", ["kernel", "journal"])
@pytest.mark.parametrize("on", ["thread", "process"])
def test_an_answer_of_the_kernel_and_one_of_the_journal_race_and_one_wins(first: str, on: Any) -> None:
    """The second one neither answers the next question nor is received."""

    def work() -> list[str]:
        import jupyter_agent as ja

        def received() -> str:
            try:
                return ja.current().receive(timeout=0.01)
            except TimeoutError:
                return "nothing"

        return [ja.current().ask("one?"), ja.current().ask("two?"), received()]

    handle = ja.task(work, on=on).submit()
    prompt = prompt_of(handle)
    if first == "kernel":
        handle.send("from the kernel")
    else:
        ordered(handle, text="from the journal", prompt_id=prompt)
    until(lambda: handle.prompt is not None and handle.prompt.prompt_id != prompt)
    ordered(handle, text="too late", prompt_id=prompt)
    ordered(handle, text="two", prompt_id=prompt_of(handle))
    assert handle.result(30) == [f"from the {first}", "two", "nothing"]


def test_messages_and_questions_are_in_the_snapshot() -> None:
    def work() -> str:
        message = ja.current().say("I have ", stream="m1")
        ja.current().say("found it.", stream=message)
        return ja.current().ask("Keep it?", choices=["yes", "no"])

    handle = ja.submit(work)
    prompt_of(handle)
    assert [(m.message_id, m.role, m.text) for m in handle.messages] == [
        ("m1", "assistant", "I have found it.")
    ]
    asked = handle.prompt
    assert asked is not None
    assert asked.choices == ("yes", "no")
    with pytest.raises(NotNow, match="that question has been answered"):
        handle.send("yes", "another question's id")
    handle.send("maybe", asked.prompt_id)
    assert handle.result(20) == "maybe"
    assert not handle.prompt
    with pytest.raises(NotNow):
        handle.send("no")


def test_a_default_is_in_the_log_as_a_default() -> None:
    handle = ja.submit(lambda: ja.current().ask("go on?", ["yes", "no"], timeout=0.01, default="no"))
    assert handle.result(20) == "no"
    (given,) = (decode_data(event) for event in emitted(handle.id, "input"))
    assert isinstance(given, Input)
    assert (given.text, given.role) == ("no", "default")


def test_choices_are_a_list_and_not_one_string() -> None:
    handle = ja.submit(lambda: ja.current().ask("which?", choices="yes"))
    assert "['yes', 'no']" in str(handle.exception(20))
    assert current_producer() is not None


def test_an_input_to_a_worker_that_is_only_starting_arrives() -> None:
    def work() -> str:
        import jupyter_agent as ja

        return ja.current().receive(timeout=30)

    handle = ja.task(work, on="process").submit()
    handle.send("early")
    assert handle.result(60) == "early"
