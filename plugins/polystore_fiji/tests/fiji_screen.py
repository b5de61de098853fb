"""A screen for tests: an X server of their own."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["virtual_screen"]


@contextmanager
def virtual_screen(size: str = "1600x1200x24") -> Iterator[str]:
    """Run Xvfb, which picks a free number and tells it when it is ready; yield the DISPLAY."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
    try:
        server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise RuntimeError("these tests need Xvfb: apt-get install xvfb xauth") from error
    finally:
        os.close(writing)
    try:
        with os.fdopen(reading) as numbers:
            number = numbers.readline().strip()
        if not number:
            raise RuntimeError(f"Xvfb ended with {server.wait()}")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()
