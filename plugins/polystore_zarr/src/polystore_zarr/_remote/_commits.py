"""Making a version count in one step, and deleting those that do not."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from polystore_core import IsADirectory, PathExists
from polystore_zarr._nodes import group_files
from polystore_zarr._remote._addresses import joined
from polystore_zarr._remote._buckets import at_once
from polystore_zarr._remote._nodes import (
    level_names,
    new_version,
    node_of,
    node_or_claim,
    version_in,
    without_bare_group,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from obstore import ObjectMeta

    from polystore_zarr._ngff import ZarrFormat
    from polystore_zarr._nodes import NodeKind
    from polystore_zarr._remote._buckets import Bucket
    from polystore_zarr._remote._nodes import Node

__all__ = [
    "commit",
    "delete_below",
    "delete_version",
    "discard_versions",
    "refuse_to_replace",
    "staged",
    "staged_image",
]


@contextlib.contextmanager
def staged(bucket: Bucket, key: str) -> Iterator[str]:
    """Yield the name of a new version of a node; if an error leaves the block what was written goes."""
    version = new_version()
    try:
        yield version
    except BaseException:
        with contextlib.suppress(Exception):
            delete_version(bucket, key, version)
        raise


@contextlib.contextmanager
def staged_image(bucket: Bucket, key: str, zarr_format: ZarrFormat) -> Iterator[str | None]:
    """Yield the name of a new version of an image; ``None`` for the first, with levels ``0``, ``1``, ...

    Readers of whole plates look for the levels of all fields under the names that those of one field have. So
    the first version has the plain names, which its writer alone may use: it claims them by making the
    document. Whoever finds one there uses a version of its own, and so does everybody after a writer that was
    killed, until the node is deleted.
    """
    token = version = None
    if without_bare_group(node_or_claim(bucket, key)) is None:
        claim = group_files({"polystore": {"claim": new_version()}}, zarr_format)
        names = list(claim)
        for name in names[:-1]:
            bucket.create(joined(key, name), claim[name])
        token = bucket.create(joined(key, names[-1]), claim[names[-1]])
    if token is None:
        version = new_version()
    try:
        yield version
    except BaseException:
        with contextlib.suppress(Exception):
            if version is None:
                _delete_levels(bucket, key, _plain_levels(bucket, key))
                there = node_or_claim(bucket, key)
                if there is not None and there.token == token:
                    bucket.delete([there.decisive])
            else:
                delete_version(bucket, key, version)
        raise


def commit(
    bucket: Bucket,
    key: str,
    document: bytes | Callable[[Node | None], bytes],
    *,
    overwrite: bool,
    shown: str,
    name: str = "zarr.json",
    replaces: NodeKind = "array",
) -> Node | None:
    """Write the document that makes a version count, over a node that may be replaced or over none.

    Parameters
    ----------
    bucket, key
        The node.
    document
        What to write, or what makes it of the node that is there.
    overwrite, replaces
        Whether a node may be replaced, and of which kind.
    shown
        The path as the caller gave it.
    name
        Of the document.

    Returns
    -------
    Node or None
        What was replaced, be it a claim.

    Raises
    ------
    PathExists, IsADirectory
    """
    decisive = joined(key, name)
    while True:
        there = node_or_claim(bucket, key)
        if name == ".zattrs":
            there = without_bare_group(there)
        kept = None if there is None or there.is_claim else there
        refuse_to_replace(kept, overwrite=overwrite, shown=shown, replaces=replaces)
        data = document if isinstance(document, bytes) else document(kept)
        if there is None or there.decisive != decisive:
            done = bucket.create(decisive, data) is not None
        elif there.token is not None:
            done = bucket.replace(decisive, data, there.token) is not None
        else:
            bucket.put(decisive, data)
            done = True
        if done:
            return there


def refuse_to_replace(
    there: Node | None, *, overwrite: bool, shown: str, replaces: NodeKind = "array"
) -> None:
    """Raise unless there is nothing, or a node of a kind that may be replaced.

    Raises
    ------
    PathExists, IsADirectory
    """
    if there is None or (there.kind == replaces and overwrite):
        return
    if not overwrite:
        raise PathExists(f"{shown!r} exists already; pass overwrite=True to replace it", path=shown)
    if there.kind == "directory":
        raise IsADirectory(f"cannot write {shown!r}: it is a directory; name an array in it", path=shown)
    raise PathExists(
        f"{shown!r} is something else than what would replace it; choose another path", path=shown
    )


def discard_versions(bucket: Bucket, key: str, replaced: Node | None, *, abandoned_after: float) -> None:
    """Delete the version that was replaced, and those that dead writers left."""
    gone = set()
    if replaced is not None and replaced.version is not None:
        gone.add(replaced.version)
    current = node_of(bucket, key)
    counts = None if current is None else current.version
    for version in {version_in(name) for name in bucket.children(key).prefixes} - {None, counts, *gone}:
        if version is not None and _newest(bucket, key, version) < time.time() - abandoned_after:
            gone.add(version)
    for version in gone - {counts}:
        delete_version(bucket, key, version)
    if replaced is None or counts is None:
        return
    if replaced.kind == "array":
        if replaced.base == key:
            _delete_plain(bucket, key)
    elif replaced.is_claim:
        names = _plain_levels(bucket, key)
        found = [meta for name in names for meta in bucket.walk(joined(key, name))]
        if _newest_of(found) < time.time() - abandoned_after:
            _delete_levels(bucket, key, names)
    elif replaced.version is None:
        _delete_levels(bucket, key, list(level_names(replaced)))


def _plain_levels(bucket: Bucket, key: str) -> list[str]:
    return [name for name in bucket.children(key).prefixes if name.isdecimal()]


def _delete_levels(bucket: Bucket, key: str, names: Sequence[str]) -> None:
    at_once(lambda name: delete_below(bucket, joined(key, name)), names)


def _delete_plain(bucket: Bucket, key: str) -> None:
    """Delete the chunks of an array without versions, which one with versions took the place of."""
    left = [meta["path"] for meta in bucket.walk(key)]
    keep = joined(key, "zarr.json")
    prefix = f"{key}/"
    doomed = [
        path
        for path in left
        if path != keep and version_in(path.removeprefix(prefix).partition("/")[0]) is None
    ]
    if doomed:
        bucket.delete(doomed)


def delete_version(bucket: Bucket, key: str, version: str) -> None:
    """Delete what belongs to a version of a node."""
    at_once(lambda part: delete_below(bucket, part), _parts_of(bucket, key, version))


def _parts_of(bucket: Bucket, key: str, version: str) -> list[str]:
    """Return the keys that the objects of a version are below."""
    return [joined(key, name) for name in bucket.children(key).prefixes if version_in(name) == version]


def _newest(bucket: Bucket, key: str, version: str) -> float:
    """Return when the last object was added to a version, in seconds since the epoch."""
    found = [meta for part in _parts_of(bucket, key, version) for meta in bucket.walk(part)]
    return _newest_of(found)


def _newest_of(found: Iterable[ObjectMeta]) -> float:
    return max((meta["last_modified"].timestamp() for meta in found), default=0.0)


def delete_below(bucket: Bucket, key: str) -> None:
    """Delete all objects below a key: documents first, the outermost first of all."""
    found = [meta["path"] for meta in bucket.walk(key)]
    documents = [path for path in found if path.rpartition("/")[2] in _DECISIVE]
    for path in sorted(documents, key=lambda path: path.count("/")):
        bucket.delete([path])
    others = [path for path in found if path.rpartition("/")[2] not in _DECISIVE]
    if others:
        bucket.delete(others)


_DECISIVE = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
