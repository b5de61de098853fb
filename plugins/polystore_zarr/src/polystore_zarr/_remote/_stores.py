"""From paths to object stores."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_core import AccessDenied, UnsupportedOperation
from polystore_core.paths import normalize_path, store_path
from polystore_zarr._remote._addresses import address_of, is_remote, joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_zarr._remote._buckets import Bucket
    from polystore_zarr._remote._namespace import Namespace
    from polystore_zarr._remote._plates import RemotePlate, RemoteTarget

__all__ = ["ObjectStores", "Spot"]


class Spot(NamedTuple):
    """A key in a namespace."""

    space: Namespace
    key: str

    def plate(self, shown: str) -> RemotePlate:
        """Return the plate that is here, to read from; ``shown`` is how the caller named it."""
        from polystore_zarr._remote._plates import RemotePlate

        return RemotePlate(self.space, self.key, shown)


class ObjectStores:
    """The object stores that paths lead to; obstore is imported, and a bucket opened, when one does.

    Parameters
    ----------
    root
        Of the backend: a directory, or the URL that all paths are relative to and do not leave.
    storage_options
        What obstore opens buckets with.
    abandoned_after
        As for :class:`Namespace`.
    """

    def __init__(self, root: str | None, storage_options: Mapping[str, Any], abandoned_after: float) -> None:
        self._rooted = root is not None
        self._root = normalize_path(root) if root is not None and is_remote(root) else None
        self._options = storage_options
        self._abandoned_after = abandoned_after
        self._buckets: dict[str, Bucket] = {}
        self._targets: dict[tuple[str, str], RemoteTarget] = {}
        self._guard = threading.Lock()

    @property
    def is_root(self) -> bool:
        """Whether all paths lead to an object store."""
        return self._root is not None

    def spot(self, path: str) -> Spot | None:
        """Return where a normalised path leads to; ``None`` if not to an object store.

        Raises
        ------
        AccessDenied
            If it leads out of the root.
        InvalidPath
            If it is a URL of another kind.
        """
        if self._root is None:
            if not is_remote(path):
                return None
            if self._rooted:
                raise _leads_out(path)
            bucket, key = address_of(path)
            return Spot(self._space(bucket, ""), key)
        bucket, root = address_of(self._root)
        space = self._space(bucket, root)
        if not is_remote(path):
            return Spot(space, joined(root, store_path(path)))
        if path != self._root and not path.startswith(f"{self._root}/"):
            raise _leads_out(path)
        return Spot(space, address_of(path).key)

    def pair(self, source: str, target: str, operation: str) -> tuple[Spot | None, Spot | None]:
        """Return where two normalised paths lead to.

        Raises
        ------
        UnsupportedOperation
            If they lead to two buckets.
        """
        spots = self.spot(source), self.spot(target)
        buckets = [spot.space.bucket for spot in spots if spot is not None]
        if len(buckets) == 2 and buckets[0] is not buckets[1]:
            raise UnsupportedOperation(
                f"cannot {operation} {source!r} to {target!r}: they are in two buckets; copy it to a "
                "directory first"
            )
        return spots

    def target(self, spot: Spot) -> RemoteTarget:
        """Return a plate to write to; the same one each time, as it knows what it has listed."""
        from polystore_zarr._remote._plates import RemoteTarget

        with self._guard:
            name = spot.space.bucket.url, spot.key
            return self._targets.setdefault(name, RemoteTarget(spot.space, spot.key))

    def _space(self, url: str, root: str) -> Namespace:
        from polystore_zarr._remote._buckets import open_bucket
        from polystore_zarr._remote._namespace import Namespace

        with self._guard:
            if url not in self._buckets:
                self._buckets[url] = open_bucket(url, self._options)
            return Namespace(self._buckets[url], root, abandoned_after=self._abandoned_after)


def _leads_out(path: str) -> AccessDenied:
    return AccessDenied(f"{path!r} leads out of the root of its store; name a path below it", path=path)
