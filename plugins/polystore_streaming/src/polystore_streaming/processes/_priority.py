"""Letting the code that saves go first, where there is more to do than there are processors.

Source: sched(7) of Linux, on nice values, autogrouping and SCHED_BATCH.
"""

from __future__ import annotations

import contextlib
import os

__all__ = ["lower_priority", "never_preempt"]

_NICE = 10
"""A tenth of the processor time that a pipeline gets, where both want all of it."""


def lower_priority(pid: int | None = None) -> None:
    """Let a viewer come after pipelines: this process, or one that was just started; it has one thread yet.

    Linux may share the processors out among sessions first, and among the processes of each by their
    priority: a session that the viewer has to itself is lowered too.
    """
    pid = os.getpid() if pid is None else pid
    never_preempt(pid)
    with contextlib.suppress(OSError, AttributeError):
        if os.getpriority(os.PRIO_PROCESS, pid) < _NICE:
            os.setpriority(os.PRIO_PROCESS, pid, _NICE)
        if os.getsid(pid) == pid:
            with open(f"/proc/{pid}/autogroup", "wb", buffering=0) as group:
                group.write(b"%d" % _NICE)


def never_preempt(thread: int = 0) -> None:
    """Keep this thread, or another, from taking the processor of a thread that runs when it is woken.

    The thread that sends is woken in the midst of a save: the one that saves would be put back in line,
    behind whatever else wants the processor. What somebody gave another place in that line, such as an idle
    one, keeps it.
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            if os.sched_getscheduler(thread) == os.SCHED_OTHER:
                os.sched_setscheduler(thread, os.SCHED_BATCH, os.sched_param(0))
