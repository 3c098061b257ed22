"""Graces: the seconds between asking something to stop and killing it.

An outer wait is longer than all the inner ones together. Otherwise a process would be killed that was about
to end by itself, and how its task ended would be inferred instead of recorded. From a cancel, in a worker:

      0 s   the cancel flag is set; a program gets SIGTERM, a notebook's kernel an interrupt
    0.5     CELL_GRACE       is over: the kernel is shut down
    1.1     + KERNEL_GRACE   SIGKILL to the kernel's session
    1.5     PROGRAM_GRACE    SIGKILL to the program's process group
    2.0     ATTEMPT_GRACE    the attempt is forced: its signal once more; a child of a kernel ends itself
    4.0     ATTEMPT_GRACE    it is forced again: a detached worker ends itself, a kernel kills its child
    6.0     + FLUSH_TIMEOUT  the worker's last events are committed, or stay in its spool
    7.0     + CHILDREN_GRACE SIGKILL to what the worker started, in its session
    8.0     WORKER_TIMEOUT   the worker has not ended: SIGTERM from the server, SIGKILL from the command line
   10.0     + WORKER_GRACE   SIGKILL from the server

The command line sends its SIGTERM at once, since without a server nothing else tells the worker.
"""

from __future__ import annotations

CELL_GRACE = 0.5
"""For a notebook's cell that was interrupted."""

KERNEL_GRACE = 0.6
"""For a notebook's kernel after that."""

PROGRAM_GRACE = 1.5
"""For a program and its children after SIGTERM."""

ATTEMPT_GRACE = 2.0
"""For an attempt that was asked to stop; and between two tries to force it."""

FLUSH_TIMEOUT = 2.0
"""For the commit of the last events of a worker that ends itself."""

CHILDREN_GRACE = 1.0
"""For what a worker started, after SIGTERM."""

WORKER_TIMEOUT = 8.0
"""For a detached worker to end its task by itself."""

WORKER_GRACE = 2.0
"""For a detached worker after SIGTERM from the server."""

LOCK_TIMEOUT = 5.0
"""For the system to end a killed worker and release its locks."""

LOOP_GRACE = 10.0
"""For an event loop in a thread of a worker; longer than any attempt continues; a safeguard only."""

SERVER_GRACE = 15.0
"""For a Jupyter server after SIGTERM: it shuts its kernels down first."""
