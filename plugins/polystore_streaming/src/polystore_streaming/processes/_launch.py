"""Starting a viewer process that outlives the pipeline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from polystore_streaming.processes._records import is_running

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from polystore_streaming.processes._runtime import RuntimeFiles

__all__ = ["ALREADY_RUNS", "LaunchedViewer", "launch", "viewer_command"]

ALREADY_RUNS = 3
"""Exit code of a viewer process that finds another one under its name."""

_TAIL_BYTES = 4096


class LaunchedViewer(subprocess.Popen[bytes]):
    """A viewer process that was started here; it is neither stopped nor waited for when we end."""

    log: Path

    def __del__(self) -> None:
        """Leave the process alone; its parent complains about a running child otherwise."""

    def reason(self) -> str:
        """Say why it ended: the last line that it printed."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
                lines = file.read().decode(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        said = lines[-1].removeprefix("polystore: ") if lines else f"exit code {self.returncode}"
        return f"{said} (log: {self.log})"


def viewer_command(
    backend: str, name: str, options: Mapping[str, Any], more: Sequence[str] = ()
) -> list[str]:
    """Return the command that runs the viewer of a backend."""
    command = [sys.executable, "-m", "polystore_streaming.viewer", backend, "--name", name, *more]
    return command + (["--options", json.dumps(options)] if options else [])


def launch(files: RuntimeFiles, backend: str, options: Mapping[str, Any]) -> LaunchedViewer | None:
    """Start the viewer of a backend, unless one of that name runs; say so on stderr in one line.

    The process belongs to a session of its own: it lives on when the pipeline ends or is interrupted.
    """
    if is_running(files):
        return None
    with files.log.open("wb") as log:
        process = LaunchedViewer(
            viewer_command(backend, files.name, options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    process.log = files.log
    print(
        f"polystore: started the viewer {files.name!r} (process {process.pid}, log {files.log})",
        file=sys.stderr,
    )
    return process
