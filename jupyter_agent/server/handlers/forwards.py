"""Handlers of forwards. Header values and secrets in addresses are never given out again."""

from __future__ import annotations

from typing import ClassVar

from ...forwarding.spec import ForwardSpec
from ...forwarding.spec_parser import read_forward_spec
from .base import ApiHandler, BadRequest


class ForwardsHandler(ApiHandler):
    """``forwards``: all of them; POST adds one, which makes this server connect to its address."""

    actions: ClassVar = ApiHandler.actions | {"POST": "execute"}

    async def get(self) -> None:
        self.write_json({"forwards": await self.services.forwards.all()})

    async def post(self) -> None:
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

    async def get(self, ident: str) -> None:
        self.write_json(await self.services.forwards.one(ident))

    async def delete(self, ident: str) -> None:
        await self.services.forwards.remove(ident)
        self.set_status(204)
        self.finish()
