"""The proxy: requests about schedules that another server of this user holds."""

from __future__ import annotations

from contextlib import closing

from tornado.httpclient import HTTPResponse

from ....errors import RequestRefused, ServerUnreachable
from ....transport.discovery import Address
from ....transport.http import HttpClient, send
from ..base import AgentHandler


async def proxy_request(
    handler: AgentHandler, address: Address, path: str, body: bytes | None = None
) -> None:
    """Answer as the server at *address* answers for *path*, which is below ``jupyter-agent/``.

    The request must have been authorized already: the other server is asked with this user's key.
    """
    method = handler.request.method or "GET"
    answer = await _ask(address, "GET" if method == "HEAD" else method, path, body)
    handler.set_status(answer.code)
    if location := answer.headers.get("Location"):
        _, _, below = location.partition("jupyter-agent/")
        handler.set_header("Location", f"{handler.base_url}jupyter-agent/{below}")
    if answer.body:
        handler.set_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
    handler.finish(answer.body or None)


async def _ask(address: Address, method: str, path: str, body: bytes | None) -> HTTPResponse:
    with closing(HttpClient(force_instance=True)) as http:
        try:
            return await send(http, address, method, path, body)
        except ServerUnreachable as error:
            sentence = f"the server that holds the journal 'default' does not answer ({error.__cause__})"
            raise RequestRefused(sentence, status=503, code="unavailable") from error
