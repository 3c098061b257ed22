"""Picture of an ended task in a notebook that a headless run saves: it replaces the task's view.

nbclient drops what comes between two cells. So each picture is sent again when the next cell begins.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from functools import cache, partial
from typing import Any

from ...runtime.origin import kernel_shell


def send_picture(data: dict[str, Any], metadata: dict[str, Any], display_id: str) -> None:
    """Replace the display *display_id*, now and when the next cell begins. From any thread."""
    send = _sent[display_id] = partial(_replace, data, metadata, display_id)
    _watch_cells()
    # In an empty context, the message belongs to the cell that runs now. A message that names the cell that
    # started the task, which is over, would be dropped by nbclient.
    Context().run(send)


def _send_again(_info: object) -> None:
    for display_id in list(_sent):
        send = _sent.pop(display_id, None)
        if send is not None:
            Context().run(send)


@cache
def _watch_cells() -> None:
    shell = kernel_shell()
    if shell is not None:
        shell.events.register("pre_run_cell", _send_again)


def _replace(data: dict[str, Any], metadata: dict[str, Any], display_id: str) -> None:
    from IPython.display import update_display

    update_display(data, raw=True, metadata=metadata, display_id=display_id)


_sent: dict[str, Callable[[], None]] = {}
"""The pictures sent since the last cell began."""
