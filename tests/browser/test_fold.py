"""The browser's reducer and the core's fold agree on every generated story."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
from playwright.sync_api import Page

from jupyter_agent.core.events import TaskState, decode_event
from jupyter_agent.core.task import fold

from .stage import TASK, event

STORIES = 400


def payload(dice: random.Random) -> tuple[str, dict[str, Any]]:
    state = dice.choice(list(TaskState)).value
    error = {"error": {"type": "E", "message": "m", "traceback": "t"}} if state == "failed" else {}
    reason = {"reason": "why"} if dice.random() < 0.5 else {}
    about = {"about": {"name": dice.choice("ab"), "tags": ["t"]}, "producer": "01JWORKER0000000000000000A"}
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("state", {"state": state, **reason, **error, **(about if state == "queued" else {})}),
        ("progress", {"done": dice.randrange(9), "total": 9}),
        ("progress", {}),
        ("log", {"stream": "stdout", "text": "x\n"}),
        ("metric", {"name": dice.choice("ab"), "value": dice.random()}),
        ("prompt", {"prompt_id": dice.choice("ab"), "text": "?"}),
        ("input", {"prompt_id": dice.choice("ab"), "text": "!"}),
        ("command", {"command": dice.choice(["cancel", "retry"])}),
        ("command", {"command": "input", "args": {"prompt_id": dice.choice("ab"), "text": "!"}}),
        (
            "message",
            {"message_id": dice.choice("ab"), "role": "user", "text": "é", "delta": dice.random() < 0.5},
        ),
        ("checkpoint", {"key": "k", "size": 1}),
    ]
    return dice.choice(kinds)


def long_message(dice: random.Random) -> dict[str, Any]:
    text = dice.choice("xé€😀") * dice.randrange(900)
    return {
        "message_id": f"m{dice.randrange(30)}",
        "role": "assistant",
        "text": text,
        "delta": dice.random() < 0.7,
    }


def story(dice: random.Random) -> list[dict[str, Any]]:
    events, attempt = [], 1
    for offset in range(1, dice.randrange(2, 25)):
        attempt += dice.random() < 0.1
        kind, data = payload(dice)
        of = max(1, attempt - (dice.random() < 0.1))
        events.append(event(offset, kind, data, attempt=of, time=1000.0 + offset))
    return events


def test_every_story_folds_to_the_same_snapshot_in_the_browser_and_in_the_core(page: Page) -> None:
    dice = random.Random(20)
    stories = [story(dice) for _ in range(STORIES)]
    stories.append([event(n, "metric", {"name": f"m{n % 600}", "value": n}) for n in range(1, 1300)])
    stories.append([event(n, "message", long_message(dice)) for n in range(1, 300)])
    folded = page.evaluate(
        """async ([task, stories]) => {
          const {applyEvent, emptyTask} = await import("/task.mjs");
          return stories.map((events) => {
            const snapshot = emptyTask(task);
            for (const event of events) applyEvent(snapshot, event);
            return snapshot;
          });
        }""",
        [TASK, stories],
    )
    for events, in_browser in zip(stories, folded, strict=True):
        task = fold(TASK, [decode_event(json.dumps(one).encode()) for one in events])
        assert in_browser == msgspec.json.decode(msgspec.json.encode(task)), events
