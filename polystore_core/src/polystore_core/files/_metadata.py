"""JSON metadata that many processes update."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from polystore_core.errors import CorruptData, PathNotFound, UnsupportedData
from polystore_core.files._document import commit, read_document, submit
from polystore_core.files._json import JsonObject, deep_merge, encode_value, require_json
from polystore_core.files._staged import check_durability

if TYPE_CHECKING:
    from polystore_core.files._staged import Durability

__all__ = ["AtomicMetadataWriter", "atomic_update_json", "atomic_write_json"]

_SUBDIRECTORIES = "subdirectories"

SubdirectoryMetadata = Mapping[str, Mapping[str, Any]]


def atomic_write_json(
    path: str | os.PathLike[str],
    data: Mapping[str, Any],
    *,
    durability: Durability = "durable",
    timeout: float | None = None,
) -> None:
    """Replace a JSON file that other processes may be updating.

    Parameters
    ----------
    path
        The file; parents are created.
    data
        A JSON object. NaN, infinities and keys that are not text are refused; tuples become lists.
    durability
        As in :func:`atomic_writer`.
    timeout
        Seconds to wait for others who are updating the file; ``None`` waits for ever.

    Raises
    ------
    UnsupportedData
        If JSON cannot hold the data; nothing is written.
    LockTimeout, StorageFull, AccessDenied
        If it cannot be written; the old file stays.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "plate.json")
    >>> atomic_write_json(path, {"plate": "P1"})
    >>> AtomicMetadataWriter().read(path)
    {'plate': 'P1'}
    """
    content = _checked(data, path)
    commit(path, lambda _: content, apply=_apply, timeout=timeout, durability=durability)


def atomic_update_json(
    path: str | os.PathLike[str],
    update: Callable[[JsonObject], Mapping[str, Any] | None],
    default: Mapping[str, Any] | None = None,
    *,
    durability: Durability = "durable",
    timeout: float | None = None,
) -> JsonObject:
    """Read a JSON file, change it and replace it, with nobody in between.

    Parameters
    ----------
    path
        The file; parents are created.
    update
        Receives the content and returns the new one, or changes it in place and returns ``None``. If
        it raises, nothing is written. It must not update the same file itself.
    default
        What ``update`` receives (a copy) if there is no file yet; ``None`` makes that an error.
    durability, timeout
        As in :func:`atomic_write_json`.

    Returns
    -------
    dict
        The content as written.

    Raises
    ------
    PathNotFound
        If there is no file and no ``default``.
    CorruptData
        If the file is damaged; it is left as it is.
    UnsupportedData, LockTimeout, StorageFull, AccessDenied
        As in :func:`atomic_write_json`.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "counts.json")
    >>> for well in ("A01", "A02"):
    ...     counts = atomic_update_json(path, lambda found: {**found, well: 96}, default={})
    >>> counts
    {'A01': 96, 'A02': 96}
    """

    def change(read: Callable[[], JsonObject | None]) -> JsonObject:
        document = read()
        if document is None:
            if default is None:
                raise PathNotFound(
                    f"no file {os.fspath(path)!r} to update; pass default={{}} to start one",
                    path=os.fspath(path),
                    operation="update",
                )
            document = _copied(default, path)
        returned = update(document)
        return _checked(document if returned is None else returned, path)

    return commit(path, change, apply=_apply, timeout=timeout, durability=durability)


class AtomicMetadataWriter:
    """Updates the metadata of a plate from many processes at once, one entry for each subdirectory.

    The file is plain JSON, ``{"subdirectories": {name: {...}}, ...}``, and whole at every instant.
    Updates that wait at the same time share one write. When a call returns, its update is in the file, in
    the promised durability; when it raises, it is not, except after :class:`LockTimeout` (it may
    still be merged by somebody else) and after an error in forcing it to the medium.

    Parameters
    ----------
    durability
        As in :func:`atomic_writer`.
    timeout
        Seconds to wait for others; ``None`` waits for ever.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "metadata.json")
    >>> writer = AtomicMetadataWriter()
    >>> writer.merge_subdirectory_metadata(path, {"A01": {"channels": {"1": "DAPI"}}})
    >>> writer.merge_subdirectory_metadata(path, {"A01": {"channels": {"2": "GFP"}}})
    >>> writer.read(path)
    {'subdirectories': {'A01': {'channels': {'1': 'DAPI', '2': 'GFP'}}}}
    """

    def __init__(self, *, durability: Durability = "durable", timeout: float | None = None) -> None:
        check_durability(durability)
        self._durability = durability
        self._timeout = timeout

    def merge_subdirectory_metadata(
        self, path: str | os.PathLike[str], metadata: SubdirectoryMetadata
    ) -> None:
        """Merge what is known about some subdirectories into the file.

        Parameters
        ----------
        path
            The file; made if missing, with its parents.
        metadata
            Subdirectory -> object. Objects are merged key by key at every depth, anything else
            (lists too) is replaced.

        Raises
        ------
        CorruptData
            If the file is damaged; it is left as it is.
        UnsupportedData, LockTimeout, StorageFull, AccessDenied
            As in :func:`atomic_write_json`.
        """
        self._submit(path, "merge", metadata)

    def replace_subdirectory_metadata(
        self, path: str | os.PathLike[str], metadata: SubdirectoryMetadata
    ) -> None:
        """Replace the whole entries of some subdirectories; the others stay. Parameters as for merging."""
        self._submit(path, "replace", metadata)

    def merge_many(self, path: str | os.PathLike[str], updates: Iterable[SubdirectoryMetadata]) -> None:
        """Merge several updates, in their order, all or none, at the price of one."""
        merged: JsonObject = {}
        for update in updates:
            deep_merge(merged, _entries(update, path))
        self._submit(path, "merge", merged)

    def read(self, path: str | os.PathLike[str]) -> JsonObject:
        """Read the file as it is now; waits for nobody.

        Raises
        ------
        PathNotFound
            If there is none.
        CorruptData
            If it is damaged.
        """
        return read_document(path)

    def _submit(self, path: str | os.PathLike[str], operation: str, metadata: SubdirectoryMetadata) -> None:
        request = {operation: _entries(metadata, path)}
        submit(
            path,
            json.dumps(request, ensure_ascii=False).encode(),
            apply=_apply,
            timeout=self._timeout,
            durability=self._durability,
        )


def _apply(document: JsonObject, request: bytes, path: str) -> None:
    """Carry out one queued request; doing it twice has the effect of doing it once."""
    for operation, metadata in json.loads(request).items():
        entries = document.setdefault(_SUBDIRECTORIES, {})
        _require_object(entries, repr(_SUBDIRECTORIES), path)
        for name, entry in metadata.items():
            if operation == "replace":
                entries[name] = entry
            else:
                present = entries.setdefault(name, {})
                _require_object(present, f"the entry {name!r}", path)
                deep_merge(present, entry)


def _require_object(value: object, what: str, path: str) -> None:
    if not isinstance(value, dict):
        raise CorruptData(
            f"{what} in {path!r} is {type(value).__name__}, not an object; the file was left as it is. "
            f"Mend it by hand, or see: polystore repair {path!r}",
            path=path,
        )


def _checked(data: Mapping[str, Any], path: str | os.PathLike[str]) -> JsonObject:
    require_json(data, f"the content of {os.fspath(path)!r}")
    return dict(data)


def _copied(data: Mapping[str, Any], path: str | os.PathLike[str]) -> JsonObject:
    copy: JsonObject = json.loads(encode_value(data, f"the content of {os.fspath(path)!r}"))
    return copy


def _entries(metadata: SubdirectoryMetadata, path: str | os.PathLike[str]) -> JsonObject:
    entries = _copied(metadata, path)
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            raise UnsupportedData(
                f"the metadata of subdirectory {name!r} must be an object, not {type(entry).__name__}; "
                f"wrap it: {{{name!r}: {{'value': ...}}}}",
                path=os.fspath(path),
            )
    return entries
