"""Where viewers of this user are found."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from polystore_core.errors import AccessDenied, InvalidOption

__all__ = ["RuntimeFiles", "runtime_directory"]

_LONGEST_SOCKET_PATH = 100
"""The kernel allows 108 bytes on Linux and 104 on macOS."""


def runtime_directory() -> Path:
    """Return the directory of this user for sockets and records of viewers, mode 0700; it is made if missing.

    ``POLYSTORE_RUNTIME_DIR``, else ``polystore`` in ``XDG_RUNTIME_DIR``, else ``polystore-UID`` in the
    directory for temporary files.

    Raises
    ------
    AccessDenied
        If it cannot be made, belongs to somebody else, others may enter it, or it is a link.
    """
    path = _chosen()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = os.lstat(path)
    except OSError as error:
        raise AccessDenied(
            f"{str(path)!r} cannot be made for the sockets of viewers ({error.strerror}); set "
            "POLYSTORE_RUNTIME_DIR to a directory of yours",
            path=str(path),
        ) from error
    if not stat.S_ISDIR(status.st_mode) or (hasattr(os, "geteuid") and status.st_uid != os.geteuid()):
        raise AccessDenied(
            f"{str(path)!r} is not a directory of yours; set POLYSTORE_RUNTIME_DIR to one", path=str(path)
        )
    if os.name == "posix" and status.st_mode & 0o077:
        raise AccessDenied(
            f"others may enter {str(path)!r}, and could reach your viewers; type: chmod 700 {path}",
            path=str(path),
        )
    return path


def _chosen() -> Path:
    if named := os.environ.get("POLYSTORE_RUNTIME_DIR"):
        return Path(named).absolute()
    if session := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(session, "polystore")
    user = os.geteuid() if hasattr(os, "geteuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir(), f"polystore-{user}")


@dataclass(frozen=True, slots=True)
class RuntimeFiles:
    """Files of one viewer in the runtime directory.

    Attributes
    ----------
    name
        Name of the viewer: its kind such as ``"napari"``, or ``"KIND.NAME"`` for a further one of a kind.
    directory
        The runtime directory.
    """

    name: str
    directory: Path

    @classmethod
    def of(cls, name: str) -> RuntimeFiles:
        """Return the files of the viewer with that name.

        Raises
        ------
        InvalidOption
            If the name holds anything but letters, digits, ``-``, ``_`` and dots, or paths get too long.
        """
        if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", name):
            raise InvalidOption(f"the name of a viewer is made of letters, digits, '-' and '_', not {name!r}")
        files = cls(name, runtime_directory())
        if len(os.fsencode(files.socket)) > _LONGEST_SOCKET_PATH:
            raise InvalidOption(
                f"{str(files.socket)!r} is too long for a socket; set POLYSTORE_RUNTIME_DIR to a shorter path"
            )
        return files

    @property
    def command(self) -> str:
        """What to type to start the viewer."""
        kind, dot, name = self.name.partition(".")
        return f"polystore viewer {kind} --name {name}" if dot else f"polystore viewer {kind}"

    @property
    def socket(self) -> Path:
        """ZeroMQ socket of the viewer."""
        return self.directory / f"{self.name}.zmq"

    @property
    def lease(self) -> Path:
        """Unix socket that memory is handed over through."""
        return self.directory / f"{self.name}.mem"

    @property
    def lock(self) -> Path:
        """Held by the viewer process as long as it lives."""
        return self.directory / f"{self.name}.lock"

    @property
    def record(self) -> Path:
        """What the viewer says about itself, as JSON."""
        return self.directory / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """What the viewer process prints."""
        return self.directory / f"{self.name}.log"
