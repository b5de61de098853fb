"""Starting a viewer process that outlives the pipeline."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from polystore_streaming.processes._alive import claim, let_go
from polystore_streaming.processes._priority import lower_priority

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_streaming.processes._runtime import RuntimeFiles

__all__ = ["ALREADY_RUNS", "LaunchedViewer", "last_words", "launch", "viewer_command"]

ALREADY_RUNS = 3
"""Exit code of a viewer process that finds another one under its name."""

_TAIL_BYTES = 4096
_NEW_LOG = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class LaunchedViewer(subprocess.Popen[bytes]):
    """A viewer process that was started here; it is neither stopped nor waited for when we end."""

    def __del__(self) -> None:
        """Leave the process alone; its parent complains about a running child otherwise."""


def viewer_command(
    backend: str, name: str, options: Mapping[str, Any], more: Sequence[str] = ()
) -> list[str]:
    """Return the command that runs the viewer of a backend."""
    # -P: a stray numpy.py in the working directory is none of the viewer's business.
    command = [sys.executable, "-P", "-m", "polystore_streaming.viewer", backend, "--name", name, *more]
    return command + (["--options", json.dumps(options)] if options else [])


def launch(files: RuntimeFiles, backend: str, options: Mapping[str, Any]) -> LaunchedViewer | None:
    """Start the viewer of a backend, unless one of that name runs or starts; say so on stderr in one line.

    The process belongs to a session of its own: it lives on when the pipeline ends or is interrupted. It
    holds the lock of its name from its first moment, so that of many who start it at once, one does.
    """
    lock = claim(files)
    if lock is None:
        return None
    try:
        with open(os.open(files.log, _NEW_LOG, 0o600), "wb") as log:
            process = LaunchedViewer(
                viewer_command(backend, files.name, options, ["--lock", str(lock)]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[lock],
            )
    finally:
        let_go(lock)
    lower_priority(process.pid)
    with contextlib.suppress(OSError, ValueError):
        print(
            f"polystore: started the viewer {files.name!r} (process {process.pid}, log {files.log})",
            file=sys.stderr,
        )
    return process


def last_words(files: RuntimeFiles) -> str:
    """Say why a viewer ended: the last line that it printed, and where the others are."""
    try:
        with files.log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    said = lines[-1].removeprefix("polystore: ") if lines else "it ended without a word"
    return f"{said} (log: {files.log})"
