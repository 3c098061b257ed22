"""Why this process ends: what its kernel was told, where it is a kernel's process."""

from __future__ import annotations

import sys

ENDED = "the process ended"
SHUT_DOWN = "its kernel was shut down"
RESTARTED = "its kernel was restarted"
KERNEL_DIED = "its kernel died"


def exit_reason() -> str:
    """Return the reason of the tasks that are interrupted at exit."""
    # Not imported: a process that has not imported ipykernel is no kernel's.
    module = sys.modules.get("ipykernel.kernelapp")
    if module is None or not module.IPKernelApp.initialized():
        return ENDED
    kernel = getattr(module.IPKernelApp.instance(), "kernel", None)
    # Set by ipykernel when it handles a shutdown_request, whose reply it sends at exit.
    message = getattr(kernel, "_shutdown_message", None)
    if message is None:
        return ENDED
    return RESTARTED if message["content"].get("restart") else SHUT_DOWN
