"""Handler of triggers: the preview of when a schedule would run."""

from __future__ import annotations

from typing import ClassVar

from ....core.trigger_parser import described, local_moment, parse_schedule
from ....core.triggers import next_dues
from ....system.timezone import local_zone
from ...interface.bodies import NextRun, TriggerPreview
from ...interface.operation import Parameter, operation
from ..base import ApiHandler

RUNS = 3
"""Next runs that are shown."""


class TriggersHandler(ApiHandler):
    """``triggers``: a trigger in words, and its next runs. Nothing is stored."""

    parameters: ClassVar = {
        "every": Parameter("an interval, such as `30m`"),
        "cron": Parameter("a cron expression"),
        "at": Parameter("a time"),
        "timezone": Parameter("an IANA name; by default the server's time zone"),
    }

    @operation({200: TriggerPreview})
    async def get(self) -> None:
        """Tell when one of `every`, `cron` and `at` would be due."""
        given = {name: self.get_query_argument(name, None) for name in self.parameters}
        asked = {name: text for name, text in given.items() if text is not None}
        if not asked.get("timezone"):
            asked.pop("timezone", None)
        now = self.services.scheduler.clock()
        spec = parse_schedule(asked, timezone=local_zone(), now=now)
        dues = next_dues(spec.trigger, now, RUNS)
        self.write_json(
            TriggerPreview(
                described(spec.trigger),
                spec.timezone,
                spec.trigger,
                [NextRun(due, local_moment(due, spec.timezone)) for due in dues],
            )
        )
