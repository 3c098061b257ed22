"""Handler of targets: what a form asks for before a task or a schedule is made."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, ClassVar

from msgspec import Meta

from ....detached.declared.target import TargetDescription, describe_target
from ...interface.operation import Parameter, operation
from ..base import ApiHandler, BadRequest

Text = Annotated[str, Meta(min_length=1)]


class TargetsHandler(ApiHandler):
    """``targets``: what a target is, and its own parameters, from its source. Nothing of it is executed.

    It needs ``execute``, as running the target does: the answer says what is in files.
    """

    actions: ClassVar = ApiHandler.actions | {"GET": "execute", "HEAD": "execute"}
    parameters: ClassVar = {
        "target": Parameter("what `POST tasks` takes as text", Text, required=True),
        "cwd": Parameter("the folder that it is relative to; by default the server's root folder"),
    }

    @operation({200: TargetDescription})
    async def get(self) -> None:
        """Describe a target and its own parameters."""
        asked = self.get_query_argument("target", "")
        if not asked.strip():
            raise BadRequest("say which target: ?target=notebook.ipynb, module:function or file.py:function")
        describe = partial(
            describe_target,
            asked,
            cwd=self.get_query_argument("cwd", "") or self.home,
            agent=self.services.agent or None,
        )
        self.write_json(await asyncio.to_thread(describe))
