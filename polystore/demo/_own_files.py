"""Remembering which files the demonstration wrote, so that it replaces no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_core import CorruptData, PathExists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_core import FileManager

__all__ = ["RECORD", "claim_files"]

RECORD = "polystore-demo.json"
"""File in the output folder that lists, by backend, what the demonstrations wrote."""


def claim_files(fm: FileManager, output: str, targets: Mapping[str, Sequence[str]]) -> None:
    """Record the files that are about to be written, unless one would replace somebody else's.

    Parameters
    ----------
    fm
        Looks, and writes the record.
    output
        Folder of the results on disk.
    targets
        For each backend the paths to be written.

    Raises
    ------
    PathExists
        If a path exists that no earlier demonstration wrote; nothing is recorded then.
    CorruptData
        If the record is not one of ours.

    Examples
    --------
    >>> from polystore import FileManager
    >>> from polystore.demo._own_files import claim_files
    >>> fm = FileManager()
    >>> fm.save("mine", "out/a.txt", backend="memory")
    >>> claim_files(fm, "out", {"memory": ["out/a.txt"]})
    Traceback (most recent call last):
    ...
    polystore_core.errors.PathExists: 'out/a.txt' on 'memory' is not of an earlier demo; choose another...
    """
    record = f"{output.rstrip('/')}/{RECORD}"
    own = _recorded(fm, record)
    for backend, paths in targets.items():
        if not fm.can("stat", backend=backend):
            continue
        for path in set(paths).difference(own.get(backend, ())):
            if fm.exists(path, backend=backend):
                raise PathExists(
                    f"{path!r} on {backend!r} is not of an earlier demo; choose another folder by --output",
                    path=path,
                )
    files = {
        backend: sorted({*own.get(backend, ()), *targets.get(backend, ())}) for backend in {**own, **targets}
    }
    fm.save({"files": files}, record, backend="disk")


def _recorded(fm: FileManager, record: str) -> Mapping[str, list[str]]:
    if not fm.exists(record, backend="disk"):
        return {}
    found = fm.load(record, backend="disk")
    files = found.get("files") if isinstance(found, dict) else None
    if not isinstance(files, dict) or not all(isinstance(paths, list) for paths in files.values()):
        raise CorruptData(
            f"{record!r} is no record of a demo; choose another folder by --output", path=record
        )
    return files
