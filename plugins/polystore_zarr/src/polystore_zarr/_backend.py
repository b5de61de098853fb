"""The Zarr backend."""

from __future__ import annotations

import os
from collections.abc import Mapping  # noqa: TC003
from typing import TYPE_CHECKING, Any

from polystore_core import InvalidOption, hookimpl
from polystore_core.files import Durability  # noqa: TC001
from polystore_core.plugins import check_options
from polystore_zarr._array_access import Arrays
from polystore_zarr._engine import Engine  # noqa: TC001
from polystore_zarr._node_access import Nodes
from polystore_zarr._plate_access import PlatePlanes
from polystore_zarr._plate_targets import Plates
from polystore_zarr._remote import ObjectStores
from polystore_zarr._setup import Setup
from polystore_zarr._staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_core import Entry
    from polystore_core.data import Data
    from polystore_core.plugins import Listing, ListRequest, ReadRequest, WriteRequest

__all__ = ["ZarrBackend"]


class ZarrBackend:
    """Arrays as Zarr v3, each at any path.

    A path component that ends in ``.zarr`` is a store and the rest of the path a node in it, with groups
    on the way. Any other path is an array in a directory of its own: ``result`` in ``result``, and
    ``result.npy`` in ``result.npy.zarr``, beside which a file of that name can lie. Every chunk is written,
    so that a missing one is damage and never read as zeros. An array is replaced by exchanging directories:
    readers and killed writers see the old one or the new one.

    A path may be a URL: ``s3://bucket/plate.ome.zarr``, ``gs://...``, or ``memory://name/...`` for a store of
    this backend's own. There an array or image is replaced by writing the one document that says which
    version of it counts.

    A batch with ``pattern=`` and ``store=`` becomes an OME-NGFF plate; see :class:`PlateOptions` for what
    else it takes. Its planes are loaded again by their own paths with ``store=``, or from the store by
    their coordinates with ``at=``; those that are left out are kept as axes.

    Parameters
    ----------
    root
        Directory that paths are relative to and that neither a path nor a link leaves, or a URL such as
        ``"s3://bucket/plates"``. Without it paths are those of the operating system, or URLs.
    max_bytes
        What an array may decode to; by default 512 MiB or 64 times what is stored, whichever is more. Also an
        option of each load.
    durability
        What a save promises: ``"atomic"``, old or new whatever happens to the process, or ``"durable"``, also
        when the power fails. Also an option of each save.
    engine
        What encodes and decodes chunks: ``"zarr-python"``, or ``"zarrs"`` with the same result. Also an
        option of each save and load.
    storage_options
        What obstore opens object stores with: ``endpoint``, ``region``, ``access_key_id``,
        ``secret_access_key``, ``client_options`` and so on; what is left out is taken from the environment.
    abandoned_after
        Seconds after which, in an object store, what was written and never committed is taken for the rest of
        a dead writer, and deleted by the next save to the same place.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from polystore_core import BackendRegistry, FileManager
    >>> fm = FileManager(BackendRegistry({"zarr": {"root": tempfile.mkdtemp()}}))
    >>> fm.save(np.ones((3, 64, 64), np.uint16), "plate.zarr/A01/raw", backend="zarr", shards=(3, 64, 64))
    >>> fm.load("plate.zarr/A01/raw", backend="zarr").shape
    (3, 64, 64)
    >>> fm.list_files("plate.zarr", backend="zarr", recursive=True)
    ['plate.zarr/A01/raw']
    """

    def __init__(
        self,
        *,
        root: str | os.PathLike[str] | None = None,
        max_bytes: int | None = None,
        durability: Durability = "atomic",
        engine: Engine = "zarr-python",
        storage_options: Mapping[str, Any] | None = None,
        abandoned_after: float = 3600.0,
    ) -> None:
        if max_bytes is not None and max_bytes < 0:
            raise InvalidOption(f"max_bytes takes a number of bytes or None; got {max_bytes}")
        remote = ObjectStores(
            os.fspath(root) if root is not None else None, storage_options or {}, abandoned_after
        )
        staging = Staging()
        setup = Setup(
            None if root is None or remote.is_root else os.path.abspath(root),
            remote,
            staging,
            Plates(staging),
            max_bytes,
            durability,
            engine,
        )
        self._arrays = Arrays(setup)
        self._planes = PlatePlanes(setup)
        self._nodes = Nodes(setup)

    @hookimpl
    def polystore_read(self, request: ReadRequest) -> list[Data]:
        """Read arrays; several in parallel, one with all threads."""
        threads = request.batch.threads_each(len(request.paths))
        read: Callable[..., Any] = self._arrays.read
        owner = "backend 'zarr'"
        further: tuple[str, ...] = ("store", "pattern", "at")
        if "at" in request.options:
            read, owner, further = self._planes.read_by_coordinates, "a load by coordinates", ()
        elif "store" in request.options or "pattern" in request.options:
            read, owner, further = self._planes.read_by_path, "a load from a plate", ()
        check_options(read, request.options, owner=owner, given=("threads",), further=further)
        return request.batch.run(
            request.paths, lambda index: read(request.paths[index], threads=threads, **request.options)
        )

    @hookimpl
    def polystore_write(self, request: WriteRequest) -> list[int]:
        """Write arrays, each aside and then in its place in one step."""
        if "store" in request.options or "pattern" in request.options:
            return self._planes.write(request)
        check_options(
            self._arrays.write,
            request.options,
            owner="backend 'zarr'",
            given=("overwrite", "threads"),
            further=("store", "pattern"),
        )
        threads = request.batch.threads_each(len(request.paths))

        def write(index: int) -> int:
            return self._arrays.write(
                request.data[index],
                request.paths[index],
                overwrite=request.overwrite,
                threads=threads,
                **request.options,
            )

        return request.batch.run(request.paths, write, nbytes=request.known_bytes)

    @hookimpl
    def polystore_list(self, request: ListRequest) -> Listing:
        """List arrays as files, groups and plain directories as directories."""
        return self._nodes.list_directory(request)

    @hookimpl
    def polystore_stat(self, path: str) -> Entry:
        """Describe an array or directory."""
        return self._nodes.stat(path)

    @hookimpl
    def polystore_delete(self, path: str, recursive: bool) -> int:
        """Remove an array or directory: it vanishes in one step; in an object store, array by array."""
        return self._nodes.delete(path, recursive)

    @hookimpl
    def polystore_move(self, source: str, target: str, overwrite: bool) -> int:
        """Rename an array or a whole directory; between file systems, and in object stores, it is copied."""
        return self._nodes.move(source, target, overwrite)

    @hookimpl
    def polystore_copy(self, source: str, target: str, overwrite: bool) -> int:
        """Copy an array or a whole directory without decoding."""
        return self._nodes.copy(source, target, overwrite)

    @hookimpl
    def polystore_make_directory(self, path: str) -> bool:
        """Create a directory and its parents: groups, if in a store."""
        return self._nodes.make_directory(path)
