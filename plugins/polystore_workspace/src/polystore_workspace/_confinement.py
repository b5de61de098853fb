"""Keeping targets inside the plate: the metadata file may come from anybody."""

from __future__ import annotations

import os

from polystore_core import AccessDenied, InvalidPath
from polystore_core.files import OsErrorTranslation
from polystore_core.paths import normalize_path

__all__ = ["Confinement", "relative_to", "require_inside", "resolve"]


def resolve(plate: str, address: str) -> str:
    """Give the path of a target on its backend: relative addresses start at the plate."""
    return normalize_path(address if _is_absolute(address) else f"{plate.rstrip('/')}/{address}")


def relative_to(plate: str, address: str) -> str:
    """Give an address relative to the plate if it is an absolute one below it, else in its normal form.

    Examples
    --------
    >>> relative_to("/data/plate", "/data/plate/raw/A01.tif"), relative_to("/data/plate", "/archive/A01.tif")
    ('raw/A01.tif', '/archive/A01.tif')
    """
    path = normalize_path(address)
    if _is_absolute(address):
        for root in (os.path.abspath(plate), os.path.realpath(plate)):
            base = normalize_path(root)
            if path == base:
                return "."
            if path.startswith(f"{base.rstrip('/')}/"):
                return path[len(base.rstrip("/")) + 1 :]
    return path


def require_inside(plate: str, address: str, *, shown: str) -> str:
    """Give the path of a target by name, links not looked at.

    Raises
    ------
    AccessDenied
        If it is not below the plate.
    """
    try:
        relative = relative_to(plate, address)
    except InvalidPath:
        relative = ".."
    if relative == ".." or relative.startswith(("/", "../")) or os.path.isabs(relative):
        raise _outside(plate, address, shown)
    return resolve(plate, address)


class Confinement:
    """Checks the targets of one request: by name, and through the links that lie there now.

    A link that changes between the check and the read is not noticed.
    """

    def __init__(self) -> None:
        self._real: dict[str, str] = {}

    def check(self, plate: str, address: str, *, shown: str) -> str:
        """Give the path of a target on its backend.

        Raises
        ------
        AccessDenied
            If it is not below the plate.
        """
        path = require_inside(plate, address, shown=shown)
        with OsErrorTranslation(path, "reach"):
            root = self._real_directory(plate)
            if os.path.islink(path):
                real = os.path.realpath(path)
            else:
                directory, name = os.path.split(path)
                real = os.path.join(self._real_directory(directory or "."), name)
        if real != root and not real.startswith(root.rstrip(os.sep) + os.sep):
            raise _outside(plate, address, shown)
        return path

    def _real_directory(self, directory: str) -> str:
        real = self._real.get(directory)
        if real is None:
            real = self._real[directory] = os.path.realpath(directory)
        return real


def _is_absolute(address: str) -> bool:
    return address.startswith("/") or os.path.isabs(address)


def _outside(plate: str, address: str, shown: str) -> AccessDenied:
    return AccessDenied(
        f"{shown!r} shows {address!r}, which is not below the plate {plate!r}; if you trust it: "
        "allow_outside=True when the workspace is made, and "
        'BackendRegistry({"virtual_workspace": {"allow_outside": True}}) to read it',
        path=shown,
    )
