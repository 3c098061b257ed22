"""What thinks in the example agent where there is no model: rules, from a task's words to steps.

A skill is written as if its tools answered at once. It is run again from its beginning for each reply; what
it called before is answered from the messages, and the first call that is not ends it as the next action.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from .skills import CAN, EXAMPLES, SKILLS, Refused

MAX_QUESTIONS = 3
MAX_GOAL = 2000
"""Characters of a goal that are looked at."""


class Wanted(Exception):
    """What has to be done before a skill can go on."""

    def __init__(self, action: dict[str, Any]) -> None:
        super().__init__()
        self.action = action


class Talk:
    """The messages so far, as the answers to what a skill asks for, in order."""

    def __init__(self, messages: Sequence[dict[str, str]]) -> None:
        start = next(index for index, message in enumerate(messages) if message["role"] == "user")
        self.goal = messages[start]["content"]
        contents = [json.loads(message["content"]) for message in messages[start + 1 :]]
        self._past = list(zip(contents[::2], contents[1::2], strict=True))

    def plan(self, *steps: str) -> None:
        """Say what is going to be done."""
        self._step({"plan": list(steps)})

    def call(self, tool: str, **args: Any) -> Any:
        """What a tool gives. Raises `Refused`."""
        outcome = self._step({"tool": tool, "args": args})
        if "error" in outcome:
            raise Refused(outcome["error"])
        return outcome["result"]

    def ask(self, question: str, choices: Sequence[str] = ()) -> str:
        """What a person answers; empty when nobody can."""
        offered = {"choices": list(choices)} if choices else {}
        return str(self._step({"ask": question} | offered)["answer"]).strip()

    def _step(self, action: dict[str, Any]) -> dict[str, Any]:
        if not self._past or self._past[0][0] != action:
            raise Wanted(action)
        outcome: dict[str, Any] = self._past.pop(0)[1]
        return outcome


def think(messages: Sequence[dict[str, str]]) -> str:
    """The next reply, as `agent.PROTOCOL` has it."""
    try:
        return json.dumps({"report": _solve(Talk(messages))})
    except Wanted as wanted:
        return json.dumps(wanted.action)


def _solve(talk: Talk) -> str:
    """The report. Raises `Wanted` for the next step."""
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
