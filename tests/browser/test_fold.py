"""The browser's fold and the core's fold tell the same story; its connection keeps its manners."""

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
    about = {"about": {"name": dice.choice("ab"), "tags": ["t"]}, "producer": "01JWORKER0000000000000000A"}
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("state", {"state": state, **error, **(about if state == "queued" else {})}),
        ("progress", {"done": dice.randrange(9), "total": 9}),
        ("progress", {}),
        ("log", {"stream": "stdout", "text": "x\n"}),
        ("metric", {"name": dice.choice("ab"), "value": dice.random()}),
        ("prompt", {"prompt_id": dice.choice("ab"), "text": "?"}),
        ("input", {"prompt_id": dice.choice("ab"), "text": "!"}),
        ("command", {"command": dice.choice(["cancel", "retry"])}),
        ("checkpoint", {"key": "k", "size": 1}),
    ]
    return dice.choice(kinds)


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


WORLD = """
  const {Connection} = await import("/task.mjs");
  const sockets = [], timers = [];
  const world = {
    now: () => world.time, time: 0, random: () => 0.999, online: () => true,
    socket: () => {
      const socket = {sent: [], open: false, closed: false,
        close() { socket.closed = true; socket.open = false; },
        send(frame) {
          if (!socket.open) throw new Error("sent while the socket was not open");
          socket.sent.push(JSON.parse(frame).type);
        }};
      sockets.push(socket);
      return socket;
    },
    later: (seconds, call) => { const timer = {seconds, call}; timers.push(timer); return timer; },
    cancel: (timer) => { const at = timers.indexOf(timer); if (at >= 0) timers.splice(at, 1); },
  };
  const last = () => sockets.at(-1);
  const open = () => { last().open = true; last().onopen(); };
  const say = (message) => last().onmessage({data: JSON.stringify(message)});
  const shut = (code) => { const socket = last(); socket.open = false; socket.onclose({code, reason: ""}); };
  const fire = () => { const timer = timers.shift(); timer.call(); return timer.seconds; };
  const quiet = {restart() {}, apply() {}, changed() {}, refused() {}};
  const connection = new Connection("ws://nowhere", world);
"""


def test_nothing_is_sent_before_the_socket_is_open_or_after_it_closed(page: Page) -> None:
    answer = page.evaluate(
        """async () => {"""
        + WORLD
        + """
          const id = connection.follow({tasks: ["t"], tail: 10}, quiet);
          const early = await connection.command("t", 1, "cancel", {});
          open();
          connection.follow({tasks: ["u"], tail: 10}, quiet);
          const greeted = [...last().sent];
          say({type: "welcome", now: 0, heartbeat: 25});
          const pending = connection.command("t", 1, "cancel", {});
          shut(1006);
          connection.leave(id);
          connection.check();
          const late = await pending;
          return [greeted, sockets[0].sent, sockets[1].sent, early.ok, late.message];
        }"""
    )
    greeted, sent, none, early, late = answer
    assert greeted == ["hello"]
    assert sent == ["hello", "subscribe", "subscribe", "command"]
    assert (none, early) == ([], False)
    assert "before the server answered" in late


def test_it_comes_back_later_each_time_but_never_later_than_the_limit(page: Page) -> None:
    delays = page.evaluate(
        """async () => {"""
        + WORLD
        + """
          connection.follow({tasks: ["t"], tail: 10}, quiet);
          const delays = [];
          for (let i = 0; i < 9; i += 1) { shut(1006); delays.push(fire()); }
          return delays;
        }"""
    )
    assert [round(delay / 0.999, 2) for delay in delays] == [0.25, 0.5, 1, 2, 4, 8, 15, 15, 15]


def test_bye_says_when_to_come_back(page: Page) -> None:
    delay = page.evaluate(
        """async () => {"""
        + WORLD
        + """
          connection.follow({tasks: ["t"], tail: 10}, quiet);
          open();
          say({type: "welcome", now: 0, heartbeat: 25});
          say({type: "bye", reconnect: true, retry_ms: 4000});
          shut(1012);
          return fire();
        }"""
    )
    assert delay == 4


def test_a_page_without_views_closes_its_socket_after_a_moment(page: Page) -> None:
    closed, again = page.evaluate(
        """async () => {"""
        + WORLD
        + """
          const id = connection.follow({tasks: ["t"], tail: 10}, quiet);
          open();
          say({type: "welcome", now: 0, heartbeat: 25});
          connection.leave(id);
          timers.find((timer) => timer.seconds === 5).call();
          connection.follow({tasks: ["t"], tail: 10}, quiet);
          return [sockets[0].closed, sockets.length];
        }"""
    )
    assert (closed, again) == (True, 2)
