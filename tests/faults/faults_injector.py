"""Building the preloaded object, and talking to it from inside the process it is loaded into."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

__all__ = ["PRELOAD_VARIABLE", "Injector", "build", "environment"]

PRELOAD_VARIABLE = "POLYSTORE_TEST_PRELOAD"
_SOURCE = Path(__file__).with_name("faults_preload.c")


def build(folder: Path) -> Path:
    """Compile the object into a folder, unless it is there."""
    built = folder / "faults_preload.so"
    if not built.exists():
        command = [
            "gcc",
            "-shared",
            "-fPIC",
            "-O1",
            "-Wall",
            "-Werror",
            "-o",
            built,
            _SOURCE,
            "-ldl",
            "-lpthread",
        ]
        subprocess.run(command, check=True)
    return built


def environment(built: Path) -> dict[str, str]:
    """The environment in which a program runs with the object."""
    return {**os.environ, "LD_PRELOAD": str(built), PRELOAD_VARIABLE: str(built)}


class Injector:
    """The controls of the object that this process runs with."""

    def __init__(self) -> None:
        self._calls = ctypes.CDLL(os.environ[PRELOAD_VARIABLE])
        self._calls.fault_disarm.restype = ctypes.c_char_p

    def arm(self, call: int, error: int, *, shorten: bool = False, sticky: bool = False) -> None:
        """Let the ``call``-th system call from now (1 is the next) fail.

        Parameters
        ----------
        call
            Which; with ``shorten`` only reads and writes count.
        error
            Error number it fails with.
        shorten
            It moves half of the bytes instead of failing.
        sticky
            From then on all calls of that kind fail.
        """
        self._calls.fault_arm(ctypes.c_long(call), error, int(shorten), int(sticky))

    def disarm(self) -> str | None:
        """Stop; the kind of call that failed, ``None`` if it never came to that."""
        kind = self._calls.fault_disarm()
        return None if kind is None else str(kind.decode())

    def record_to(self, descriptor: int) -> None:
        """Append what changes files to an open file; -1 stops."""
        self._calls.record_to(descriptor)

    def mark(self, number: int) -> None:
        """Append a mark to the record."""
        self._calls.record_mark(ctypes.c_long(number))
