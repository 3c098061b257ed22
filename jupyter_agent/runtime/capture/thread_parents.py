"""Parents of a kernel's threads, without a cycle.

ipykernel 6.29 to 7.0 record which thread started which, by identifiers that the system reuses, and follow
the parents at each print. When a new thread has the identifier of a dead one, they may follow a cycle for
ever. A task is a thread, so one pool in it is enough for that.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..origin import kernel_shell

_PARENTS = "_thread_to_parent"


class ThreadParents(dict[int, int]):
    """Parents of threads, by identifier; a thread is added when it starts."""

    def __init__(self, known: Iterable[tuple[int, int]] = ()) -> None:
        super().__init__()
        for thread, parent in known:
            self[thread] = parent

    def __setitem__(self, thread: int, parent: int) -> None:
        # An entry that names a starting thread as its parent means a dead thread of that identifier.
        for child, its_parent in list(self.items()):
            if its_parent == thread:
                self.pop(child, None)
        super().__setitem__(thread, parent)


def install() -> None:
    """Replace the parents in the kernel's streams. Idempotent; other versions of ipykernel have none."""
    kernel = getattr(kernel_shell(), "kernel", None)
    for stream in (getattr(kernel, "_stdout", None), getattr(kernel, "_stderr", None)):
        parents = getattr(stream, _PARENTS, None)
        if type(parents) is dict:
            setattr(stream, _PARENTS, ThreadParents(list(parents.items())))
