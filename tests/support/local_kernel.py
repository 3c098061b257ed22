"""A kernel of its own for a test, without a server, and the messages of its cells."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager


class Kernel:
    """A kernel and the messages of its cells."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client
        self.messages: list[dict[str, Any]] = []

    def start_cell(self, code: str) -> str:
        """Send *code*; the id of the request."""
        request: str = self.client.execute(code)
        return request

    def reply(self, request: str, timeout: float = 30.0) -> dict[str, Any]:
        """The reply to *request*, with everything that came on iopub kept."""
        deadline = time.monotonic() + timeout
        while True:
            reply = self.client.get_shell_msg(timeout=deadline - time.monotonic())
            if reply["parent_header"].get("msg_id") == request:
                self.wait_for(lambda m: m["msg_type"] == "status" and of(m, request) and is_idle(m))
                content: dict[str, Any] = reply["content"]
                return content

    def cell(self, code: str) -> dict[str, Any]:
        """Run *code* to its end."""
        return self.reply(self.start_cell(code))

    def wait_for(self, wanted: Any, timeout: float = 30.0) -> dict[str, Any]:
        """Return the first message on iopub, past or future, for which *wanted* is true."""
        for message in self.messages:
            if wanted(message):
                return message
        deadline = time.monotonic() + timeout
        while True:
            message = self.client.get_iopub_msg(timeout=deadline - time.monotonic())
            self.messages.append(message)
            if wanted(message):
                return message

    def text_of(self, request: str, kind: str = "stream") -> str:
        """What *request* has printed so far."""
        found = [m["content"] for m in self.messages if m["msg_type"] == kind and of(m, request)]
        return "".join(content.get("text", "") for content in found)


def of(message: dict[str, Any], request: str) -> bool:
    return bool(message["parent_header"].get("msg_id") == request)


def is_idle(message: dict[str, Any]) -> bool:
    return bool(message["content"].get("execution_state") == "idle")


@pytest.fixture
def kernel(own_environment: Path) -> Iterator[Kernel]:
    manager = KernelManager()
    assert manager.kernel_spec is not None
    manager.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        found = Kernel(manager, client)
        found.cell("import time, threading, asyncio\nimport jupyter_agent as ja\n%load_ext jupyter_agent")
        yield found
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
