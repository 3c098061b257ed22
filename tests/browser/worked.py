"""A server's last hour: tasks that waited, ran, failed and were tried again, at times of our choice."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import time

from jupyter_agent.core.events import About, Event, State, TaskState
from tests.support.servers import Server
from tests.support.wire import Story, producer

ONE, TWO = "/home/ada/one.ipynb", "/home/ada/two.ipynb"


def at(story: Story, when: float, state: str, attempt: int = 1, about: About | None = None) -> Event:
    """A state event, *when* seconds ago."""
    data = State(TaskState(state), about=about, host="here", pid=7)
    return story.event("state", data, time=time() - when, attempt=attempt)


@dataclass
class Worked:
    """A server on which three tasks were queued; ``train`` and ``crawl`` are still open."""

    server: Server
    prep: Story = field(default_factory=Story)
    train: Story = field(default_factory=Story)
    crawl: Story = field(default_factory=Story)

    def publish(self, story: Story, *events: Event) -> None:
        async def send() -> None:
            async with producer(self.server, story.producer) as writer:
                await writer.published(list(events))

        with ThreadPoolExecutor(1) as pool:  # this thread's loop may be Playwright's
            pool.submit(lambda: asyncio.run(send())).result()

    def ran(self, name: str, notebook: str, started: float, ended: float, **about: str) -> None:
        """Publish a task that was completed; times are seconds ago."""
        story, told = Story(), About(name, notebook=notebook, params=about)
        queued = at(story, started + 20, "queued", 1, told)
        self.publish(story, queued, at(story, started, "running"), at(story, ended, "completed"))


def worked_on(server: Server) -> Worked:
    """Publish the three tasks."""
    made = Worked(server)
    prep, train, crawl = made.prep, made.train, made.crawl
    about = About("train", notebook=ONE, params={"epochs": "12"})
    made.publish(prep, at(prep, 3000, "queued", 1, About("prep", notebook=ONE)), at(prep, 3000, "running"))
    made.publish(prep, at(prep, 2700, "completed"))
    made.publish(train, at(train, 1800, "queued", 1, about), at(train, 1700, "running"))
    made.publish(train, at(train, 1500, "failed"), at(train, 1400, "queued", 2, about))
    made.publish(train, at(train, 1300, "running", 2))
    made.publish(crawl, at(crawl, 600, "queued", 1, About("crawl", notebook=TWO)))
    return made
