"""Rule-based model of the example agent, for use without a language model.

A skill is written as if its tools answered at once. It is run from its beginning for each reply: calls that
it made before are answered from the messages, and the first new call ends it and becomes the next action.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from .skills import CAN, EXAMPLES, SKILLS, Refused

MAX_QUESTIONS = 3
"""Times that the user is asked what to do."""

MAX_GOAL = 2000
"""Characters of a goal that are searched."""


class NextAction(Exception):
    """The action whose outcome a skill needs to go on."""

    def __init__(self, action: dict[str, Any]) -> None:
        super().__init__()
        self.action = action


class Talk:
    """Answers a skill's calls from the messages so far, in order."""

    def __init__(self, messages: Sequence[dict[str, str]]) -> None:
        start = next(index for index, message in enumerate(messages) if message["role"] == "user")
        self.goal = messages[start]["content"]
        contents = [json.loads(message["content"]) for message in messages[start + 1 :]]
        self._past = list(zip(contents[::2], contents[1::2], strict=True))

    def plan(self, *steps: str) -> None:
        """Announce the steps."""
        self._step({"plan": list(steps)})

    def call(self, tool: str, **args: Any) -> Any:
        """Return a tool's result. Raises `Refused`."""
        outcome = self._step({"tool": tool, "args": args})
        if "error" in outcome:
            raise Refused(outcome["error"])
        return outcome["result"]

    def ask(self, question: str, choices: Sequence[str] = ()) -> str:
        """Return the user's answer; empty when no user can answer."""
        action = {"ask": question} | ({"choices": list(choices)} if choices else {})
        return str(self._step(action)["answer"]).strip()

    def _step(self, action: dict[str, Any]) -> dict[str, Any]:
        if not self._past or self._past[0][0] != action:
            raise NextAction(action)
        outcome: dict[str, Any] = self._past.pop(0)[1]
        return outcome


def think(messages: Sequence[dict[str, str]]) -> str:
    """Return the next reply, as `agent.PROTOCOL` wants it."""
    try:
        return json.dumps({"report": _solve(Talk(messages))})
    except NextAction as needed:
        return json.dumps(needed.action)


def _solve(talk: Talk) -> str:
    """Return the report. Raises `NextAction` for the next step."""
    goal = talk.goal[:MAX_GOAL]
    for _ in range(MAX_QUESTIONS):
        for skill in SKILLS:
            if found := re.search(skill.words, goal, re.IGNORECASE | re.DOTALL):
                try:
                    return skill.run(talk, goal, found)
                except Refused as refused:
                    return f"I could not do that: {refused}."
        goal = talk.ask(f"I do not know how to do that. {CAN} What shall I do?", EXAMPLES)
        if not goal:
            break
        goal = goal[:MAX_GOAL]
    return f"I could not do that. {CAN}"
