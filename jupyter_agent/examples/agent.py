"""Example agent as a task: it plans, calls Python tools, asks the user, and reports.

The model is any function from the messages so far to the next reply. The default, `rules.think`, needs no
language model and no network; `endpoint` makes one from a server that speaks OpenAI's protocol. Each reply is
one JSON object, as `PROTOCOL` says.
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
"""A model: takes the messages so far, returns the next reply."""

MAX_STEPS = 40
"""Maximum number of replies in one run."""

PROTOCOL = """You solve tasks with tools. Answer with exactly one JSON object, one of
{"plan": ["a step", ...]}                      first of all: what you are going to do
{"tool": "name", "args": {...}}                call a tool; its result or error comes back
{"ask": "a question", "choices": ["a", ...]}   ask the person; choices are optional
{"report": "Markdown"}                         the result, at the end
The tools:
"""


def agent(text: str, complete: Complete = think) -> str:
    """Solve the task that *text* describes and return the report.

    Each step is a checkpoint, from which a later attempt resumes. Raises `RuntimeError` when there is no
    report after `MAX_STEPS` replies.
    """
    return _Run(text, complete).run()


def endpoint(url: str, model: str, key: str = "", timeout: float = 120.0) -> Complete:
    """Return a model on any server with OpenAI's ``/chat/completions`` below *url*; *timeout* is seconds."""

    def complete(messages: Sequence[Message]) -> str:
        body = json.dumps({"model": model, "messages": list(messages)}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        request = urllib.request.Request(f"{url.rstrip('/')}/chat/completions", body, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - the user's own address
            return str(json.load(answer)["choices"][0]["message"]["content"])

    return complete


class _Run:
    """One attempt of the agent, resumed from the task's last checkpoint."""

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

    def run(self) -> str:
        self._resume()
        for _ in range(MAX_STEPS):
            self._task.raise_if_cancelled()
            reply = self._complete(self._messages)
            action = _action(reply)
            if isinstance(report := action.get("report"), str):
                self._done = max(self._planned, self._done)
                self._progress("reporting")
                self._say(report.splitlines(keepends=True))
                return report
            self._save_step(reply, self._run_action(action))
        raise RuntimeError(f"no report after {MAX_STEPS} steps: {self._text[:80]!r}")

    def _resume(self) -> None:
        """Restore what an earlier attempt had done for the same text."""
        state = self._task.restore()
        if not isinstance(state, dict) or state.get("text") != self._text:
            return
        self._messages, self._done, self._planned = state["messages"], state["done"], state["planned"]
        self._task.say(f"I go on after step {self._done}.")

    def _save_step(self, reply: str, outcome: dict[str, Any]) -> None:
        self._messages.append({"role": "assistant", "content": reply})
        self._messages.append({"role": "user", "content": json.dumps(outcome)})
        state = {"text": self._text, "messages": self._messages, "done": self._done, "planned": self._planned}
        self._task.checkpoint(state)

    def _run_action(self, action: dict[str, Any]) -> dict[str, Any]:
        """Run the action of one reply and return its outcome for the model."""
        match action:
            case {"plan": [*steps]}:
                return self._plan([str(step) for step in steps])
            case {"tool": str(name)}:
                return self._call_tool(name, action.get("args") or {})
            case {"ask": str(question)}:
                return {"answer": self._task.ask(question, action.get("choices"))}
            case _:
                return {"error": "answer with one JSON object that has plan, tool, ask or report"}

    def _plan(self, steps: list[str]) -> dict[str, Any]:
        self._planned = self._done + len(steps)
        self._say(["My plan:\n\n", *(f"{number}. {step}\n" for number, step in enumerate(steps, 1))])
        self._progress("planned")
        return {"result": "go on"}

    def _call_tool(self, name: str, args: object) -> dict[str, Any]:
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
        """Stream one message, piece by piece."""
        message: str | None = None
        for piece in pieces:
            message = self._task.say(piece, stream=message)


def _action(reply: str) -> dict[str, Any]:
    """Return the JSON object in *reply*, around which models often write text; empty when there is none."""
    start = reply.find("{")
    if start < 0:
        return {}
    try:
        value, _ = json.JSONDecoder().raw_decode(reply[start:])
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


__all__ = ["MAX_STEPS", "PROTOCOL", "TOOLS", "Complete", "Message", "agent", "endpoint"]
