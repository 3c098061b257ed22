"""A kernel of its own, to which a test sends cells, without a server."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from tests.support.servers import environment


class Kernel:
    """Runs cells in the order in which they are sent."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client

    def run(self, code: str) -> str:
        """Run a cell; return what it printed to its standard output. Raises `AssertionError` if it fails."""
        outputs = self.messages(code)
        texts = [content for kind, content in outputs if kind == "stream" and content["name"] == "stdout"]
        return "".join(content["text"] for content in texts)

    def messages(self, code: str) -> list[tuple[str, dict[str, Any]]]:
        """Run a cell; return the type and content of its outputs. Raises `AssertionError` if it fails."""
        return [(message["msg_type"], message["content"]) for message in self.whole_messages(code)]

    def whole_messages(self, code: str) -> list[dict[str, Any]]:
        """Run a cell; return the messages of its outputs. Raises `AssertionError` if it fails."""
        outputs: list[dict[str, Any]] = []
        reply = self._client.execute_interactive(
            dedent(code), store_history=False, output_hook=outputs.append, timeout=60
        )
        assert reply["content"]["status"] == "ok", "\n".join(reply["content"].get("traceback", []))
        return outputs

    def value(self, expression: str) -> Any:
        """Return the value of a Python expression, which is a literal."""
        expressions = {"value": expression}
        reply = self._client.execute_interactive(
            "", silent=True, store_history=False, user_expressions=expressions, timeout=60
        )
        found = reply["content"]["user_expressions"]["value"]
        assert found["status"] == "ok", found
        return ast.literal_eval(found["data"]["text/plain"])


@contextmanager
def kernel(folder: Path) -> Iterator[Kernel]:
    """A kernel of a user that only this test has; it is ended with the block."""
    manager, client = start_new_kernel(env=environment(folder), cwd=str(folder), stderr=None)
    try:
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
