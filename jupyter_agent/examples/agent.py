"""An agent as a task: it plans, calls Python tools, asks back, and reports.

What thinks is any function from the messages so far to the next reply. The default, `rules.think`, needs
no model and no network; `endpoint` makes one of a server that speaks OpenAI's protocol. Each reply is one
JSON object, as `PROTOCOL` says.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jupyter_agent as ja

from .rules import think
from .tools import TOOLS, ToolError, call, described

Message = dict[str, str]
"""``role`` (system, user, assistant) and ``content``."""

Complete = Callable[[Sequence[Message]], str]
"""From the messages so far to the next reply."""

MAX_STEPS = 40
"""Replies after which a run gives up."""

PROTOCOL = """You solve tasks with tools. Answer with exactly one JSON object, one of
{"plan": ["a step", ...]}                      first of all: what you are going to do
{"tool": "name", "args": {...}}                call a tool; its result or error comes back
{"ask": "a question", "choices": ["a", ...]}   ask the person; choices are optional
{"report": "Markdown"}                         the result, at the end
The tools:
"""


def agent(text: str, complete: Complete = think) -> str:
    """Solve the task that *text* describes; the report. Each step is kept: a later attempt goes on behind it.

    Raises `RuntimeError` when it comes to no end within `MAX_STEPS` replies.
    """
    return _Run(text, complete).to_the_end()


def endpoint(url: str, model: str, key: str = "", timeout: float = 120.0) -> Complete:
    """A `complete` over any server with OpenAI's ``/chat/completions`` below *url*; *timeout* is seconds."""

    def complete(messages: Sequence[Message]) -> str:
        body = json.dumps({"model": model, "messages": list(messages)}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        request = urllib.request.Request(f"{url.rstrip('/')}/chat/completions", body, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - the user's own address
            return str(json.load(answer)["choices"][0]["message"]["content"])

    return complete


class _Run:
    """One task of the agent, from where its last checkpoint left it."""

    def __init__(self, text: str, complete: Complete) -> None:
        self._text = text
        self._complete = complete
        self._task = ja.current()
        self._messages: list[Message] = [
            {"role": "system", "content": PROTOCOL + described()},
            {"role": "user", "content": text},
        ]
        self._done = 0
        self._planned = 0

    def to_the_end(self) -> str:
        self._go_on()
        for _ in range(MAX_STEPS):
            self._task.raise_if_cancelled()
            reply = self._complete(self._messages)
            action = _action(reply)
            if isinstance(report := action.get("report"), str):
                self._done = max(self._planned, self._done)
                self._progress("reporting")
                self._say(report.splitlines(keepends=True))
                return report
            self._remember(reply, self._do(action))
        raise RuntimeError(f"no report after {MAX_STEPS} steps: {self._text[:80]!r}")

    def _go_on(self) -> None:
        """Take up what an earlier attempt had done of the same task."""
        kept = self._task.restore()
        if not isinstance(kept, dict) or kept.get("text") != self._text:
            return
        self._messages, self._done, self._planned = kept["messages"], kept["done"], kept["planned"]
        self._task.say(f"I go on after step {self._done}.")

    def _remember(self, reply: str, outcome: dict[str, Any]) -> None:
        self._messages.append({"role": "assistant", "content": reply})
        self._messages.append({"role": "user", "content": json.dumps(outcome)})
        kept = {"text": self._text, "messages": self._messages, "done": self._done, "planned": self._planned}
        self._task.checkpoint(kept)

    def _do(self, action: dict[str, Any]) -> dict[str, Any]:
        """Carry one reply out; what came of it."""
        match action:
            case {"plan": [*steps]}:
                return self._plan([str(step) for step in steps])
            case {"tool": str(name)}:
                return self._use(name, action.get("args") or {})
            case {"ask": str(question)}:
                return {"answer": self._task.ask(question, action.get("choices"))}
            case _:
                return {"error": "answer with one JSON object that has plan, tool, ask or report"}

    def _plan(self, steps: list[str]) -> dict[str, Any]:
        self._planned = self._done + len(steps)
        self._say(["My plan:\n\n", *(f"{number}. {step}\n" for number, step in enumerate(steps, 1))])
        self._progress("planned")
        return {"result": "go on"}

    def _use(self, name: str, args: object) -> dict[str, Any]:
        self._progress(f"{name} {json.dumps(args)}")
        try:
            result = call(name, args)
        except ToolError as error:
            self._task.log(f"{name}: {error}", level="warning")
            return {"error": str(error)}
        self._done += 1
        self._progress(name)
        return {"result": result}

    def _progress(self, message: str) -> None:
        self._task.progress(self._done, max(self._planned, self._done) or None, message=message[:200])

    def _say(self, pieces: Iterable[str]) -> None:
        """Say one message, piece by piece."""
        message: str | None = None
        for piece in pieces:
            message = self._task.say(piece, stream=message)


def _action(reply: str) -> dict[str, Any]:
    """The JSON object in *reply*, which models like to wrap in words; empty when there is none."""
    start = reply.find("{")
    if start < 0:
        return {}
    try:
        value, _ = json.JSONDecoder().raw_decode(reply[start:])
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


__all__ = ["MAX_STEPS", "PROTOCOL", "TOOLS", "Complete", "Message", "agent", "endpoint"]
