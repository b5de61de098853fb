"""The CURVE key of a viewer that listens on the network."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import zmq

from polystore_core.errors import AccessDenied, CorruptData

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_or_make_key"]

_KEY_LENGTH = 40


def read_or_make_key(path: Path) -> tuple[str, str]:
    """Return the public and the secret key of a viewer; the secret one is kept in a file of mode 0600.

    Parameters
    ----------
    path
        The file; it is made, with a new key, if there is none.

    Returns
    -------
    public, secret : str
        Z85, 40 characters each. Senders are told the public one as ``server_key``.

    Raises
    ------
    CorruptData
        If the file holds no key.
    AccessDenied
        If others may read the file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from polystore_streaming.viewer import read_or_make_key
    >>> first = read_or_make_key(Path("viewer.key"))
    >>> read_or_make_key(Path("viewer.key")) == first
    True
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = _read(path)
    else:
        _, made = zmq.curve_keypair()
        secret = made.decode()
        with open(fd, "w") as file:
            file.write(secret + "\n")
    try:
        if len(secret) != _KEY_LENGTH:
            raise ValueError(f"it has {len(secret)} characters, not {_KEY_LENGTH}")  # noqa: TRY301
        return zmq.curve_public(secret.encode()).decode(), secret
    except (ValueError, zmq.ZMQError) as error:
        raise CorruptData(f"{str(path)!r} holds no CURVE key: {error}", path=str(path)) from error


def _read(path: Path) -> str:
    with path.open("rb") as file:
        if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
            raise AccessDenied(
                f"others may read the secret key in {str(path)!r}; type: chmod 600 {path}", path=str(path)
            )
        return file.read(2 * _KEY_LENGTH).decode(errors="replace").strip()
