"""Handlers of forwards. Header values and secrets in addresses are never given out again."""

from __future__ import annotations

from typing import ClassVar

from ...forwarding.spec import ForwardSpec, ForwardStatus
from ...forwarding.spec_parser import read_forward_spec
from ..interface.bodies import ForwardsAnswer
from ..interface.operation import operation
from ..interface.requests import ForwardRequest
from .base import ApiHandler, BadRequest


class ForwardsHandler(ApiHandler):
    """``forwards``: all of them; POST adds one, which makes this server connect to its address."""

    actions: ClassVar = ApiHandler.actions | {"POST": "execute"}

    @operation({200: ForwardsAnswer})
    async def get(self) -> None:
        """List forwards, oldest first."""
        self.write_json(ForwardsAnswer(await self.services.forwards.all()))

    @operation({201: ForwardStatus, 200: ForwardStatus}, body=ForwardRequest, refusals=(404, 409))
    async def post(self) -> None:
        """Send events to an address; 200 is the same forward, which exists."""
        forward, is_new = await self.services.forwards.add(self._forward_spec())
        self.set_header("Location", f"{self.base_url}jupyter-agent/forwards/{forward.id}")
        self.write_json(forward, 201 if is_new else 200)

    def _forward_spec(self) -> ForwardSpec:
        try:
            return read_forward_spec(self.json_body())
        except ValueError as error:
            raise BadRequest(str(error)) from None


class ForwardHandler(ApiHandler):
    """``forwards/{id}``: one; DELETE removes it."""

    @operation({200: ForwardStatus})
    async def get(self, ident: str) -> None:
        """Return one forward."""
        self.write_json(await self.services.forwards.one(ident))

    @operation({204: None})
    async def delete(self, ident: str) -> None:
        """Remove a forward."""
        await self.services.forwards.remove(ident)
        self.set_status(204)
        self.finish()
