"""Graces: the seconds between asking something to stop and killing it.

An outer wait is longer than all the inner ones together. Otherwise a process would be killed that was about
to end by itself, and how its task ended would be inferred instead of recorded. From a cancel, where G is the
task's grace:

      0 s      the cancel flag is set; a process gets an exception, a program SIGTERM, a kernel an interrupt
    2          INTERRUPT_DELAY   a thread that has not been told otherwise gets an exception
    G          the attempt is forced: an exception once more; a program and a kernel get SIGKILL
    G + 1      FORCE_INTERVAL    it is forced again: a worker, or the child of a kernel, ends itself
    G + 2      FORCE_INTERVAL    a kernel kills its child
    G + 3      + FLUSH_TIMEOUT   the worker's last events are committed, or stay in its spool
    G + 4      + CHILDREN_GRACE  SIGKILL to what the worker started, in its session; once more when it is gone
    G + 5      OVERTIME          SIGKILL from the server or the command line to the worker's session

A second cancel is G at once. A worker that has not said after `NOTICE_DELAY` that it is stopping, since it
has no connection, gets SIGTERM from the server; without a server the command line sends it at once.
"""

from __future__ import annotations

GRACE = 15.0
"""For a task that was asked to stop, to clean up; the default of the option and of the setting."""

MAX_GRACE = 86_400.0
"""Maximum of that option: one day."""

INTERRUPT_DELAY = 2.0
"""For a task in a thread to notice a cancel by itself, before an exception is raised in it."""

FORCE_INTERVAL = 1.0
"""Between two tries to force an attempt whose grace is over."""

KERNEL_GRACE = 0.6
"""For a notebook's kernel to shut down when its cells are done."""

KILL_TIMEOUT = 0.5
"""For a notebook's run to notice that its kernel was killed."""

FLUSH_TIMEOUT = 2.0
"""For the commit of the last events of a worker that ends itself."""

CHILDREN_GRACE = 1.0
"""For what a worker started, after SIGTERM."""

NOTICE_DELAY = 4.0
"""For a detached worker to say that it is stopping."""

OVERTIME = 5.0
"""For a detached worker to end after its grace, or after a second cancel."""

LOCK_TIMEOUT = 5.0
"""For the system to end a killed worker and release its locks."""

SERVER_GRACE = 15.0
"""For a Jupyter server after SIGTERM: it shuts its kernels down first."""
