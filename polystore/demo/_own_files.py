"""Remembering which files the demonstration wrote, so that it replaces no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_core import CorruptData, PathExists

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from polystore_core import FileManager

__all__ = ["OwnFiles"]

RECORD = "polystore-demo.json"


class OwnFiles:
    """The files of earlier and of this run, by backend; recorded in the output folder on disk.

    Parameters
    ----------
    fm
        Reads and writes the record.
    output
        Folder of the demonstration.

    Raises
    ------
    CorruptData
        If the record is not one of ours.
    """

    def __init__(self, fm: FileManager, output: str) -> None:
        self._fm = fm
        self._path = f"{output.rstrip('/')}/{RECORD}"
        self._files: dict[str, set[str]] = {}
        if fm.exists(self._path, backend="disk"):
            self._files = {name: set(paths) for name, paths in _checked(fm, self._path).items()}

    def on(self, backend: str) -> frozenset[str]:
        """Paths that belong to the demonstration."""
        return frozenset(self._files.get(backend, ()))

    def claim(self, backend: str, paths: Iterable[str]) -> None:
        """Record paths before they are written.

        Raises
        ------
        PathExists
            If one exists already that is not of the demonstration.
        """
        own = self.on(backend)
        for path in paths:
            if (
                path not in own
                and self._fm.can("stat", backend=backend)
                and self._fm.exists(path, backend=backend)
            ):
                raise PathExists(
                    f"{path!r} exists and is not of an earlier demo; choose another folder by --output",
                    path=path,
                )
        self._files.setdefault(backend, set()).update(paths)
        record = {"files": {name: sorted(files) for name, files in self._files.items()}}
        self._fm.save(record, self._path, backend="disk")


def _checked(fm: FileManager, path: str) -> Mapping[str, list[str]]:
    record = fm.load(path, backend="disk")
    files = record.get("files") if isinstance(record, dict) else None
    if not isinstance(files, dict) or not all(isinstance(paths, list) for paths in files.values()):
        raise CorruptData(f"{path!r} is no record of a demo; choose another folder by --output", path=path)
    return files
