"""Naming this process so that another one can tell whether it is still alive."""

from __future__ import annotations

import functools
import os
import zlib
from pathlib import Path

__all__ = ["host_tag", "is_alive", "started_at"]

_STATE, _START = 0, 19
_ENDED = frozenset({b"Z", b"X", b"x"})


@functools.cache
def host_tag() -> str:
    """Name of the set of processes that can see each other: eight hexadecimal digits.

    Host name, machine id and (on Linux) the process-id namespace go into it, so that two containers
    that share a volume and a host name are told apart.
    """
    facts = [os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")]
    for ask in (Path("/etc/machine-id").read_text, Path("/proc/self/ns/pid").readlink):
        try:
            facts.append(str(ask()))
        except OSError:
            facts.append("")
    return f"{zlib.crc32(chr(10).join(facts).encode()):08x}"


def started_at(pid: int) -> int:
    """Start of a process in clock ticks since boot; 0 where the system does not tell.

    It tells a process from a later one with the same number.
    """
    facts = _facts(pid)
    return int(facts[_START]) if facts else 0


def is_alive(pid: int, started: int) -> bool:
    """Whether the process of that number and start still runs on this host; True in doubt.

    One that has ended and that its parent has not yet asked about (a "zombie") does not run.
    """
    if os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    facts = _facts(pid)
    return not facts or (facts[_STATE] not in _ENDED and started in (0, int(facts[_START])))


def _facts(pid: int) -> list[bytes]:
    """The fields of ``/proc/PID/stat`` (proc(5)) from the third on; none where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return []
    return status[status.rindex(b")") + 2 :].split()
