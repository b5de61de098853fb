"""The Zarr backend."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import EllipsisType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from polystore_core import (
    InvalidOption,
    InvalidPath,
    NotADirectory,
    PathNotFound,
    UnsupportedData,
    hookimpl,
)
from polystore_core.data import is_rois
from polystore_core.data import kind_of as data_kind_of
from polystore_core.files import Durability  # noqa: TC001
from polystore_core.paths import PathPattern, normalize_path
from polystore_core.plugins import check_options
from polystore_zarr import _groups as groups
from polystore_zarr import _tree as tree
from polystore_zarr._arrays import Missing, read_array
from polystore_zarr._codecs import Compression  # noqa: TC001
from polystore_zarr._dtypes import check_dtype
from polystore_zarr._engine import Engine, check_engine
from polystore_zarr._filling import OnConflict  # noqa: TC001
from polystore_zarr._grid import grid_of
from polystore_zarr._grouped import run_groups
from polystore_zarr._lazy import lazy_array
from polystore_zarr._location import locate_below
from polystore_zarr._names import find, place_for
from polystore_zarr._ngff import ngff_of, zarr_format_of
from polystore_zarr._nodes import format_of
from polystore_zarr._plate import check_planes, field_writer
from polystore_zarr._plate_options import PlateOptions
from polystore_zarr._plate_reading import LocalPlate, Part, read_part, wanted_at, wanted_plane
from polystore_zarr._plate_targets import Plates
from polystore_zarr._remote import ObjectStores
from polystore_zarr._rois import ROIS, pack
from polystore_zarr._saving import Form, save_array, save_region
from polystore_zarr._staging import Staging
from polystore_zarr._transfer import check_target, copy_to, move_to

if TYPE_CHECKING:
    from polystore_core import Entry
    from polystore_core.data import Data
    from polystore_core.plugins import Listing, ListRequest, ReadRequest, WriteRequest
    from polystore_zarr._plate_reading import PlateSource
    from polystore_zarr._plate_targets import PlateTarget
    from polystore_zarr._remote import Spot

__all__ = ["ZarrBackend"]

Region = Sequence[slice | int | EllipsisType] | slice | int | EllipsisType | None


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
        self._remote = ObjectStores(
            os.fspath(root) if root is not None else None, storage_options or {}, abandoned_after
        )
        self._root = None if root is None or self._remote.is_root else os.path.abspath(root)
        self._durability: Durability = durability
        self._engine: Engine = engine
        self._max_bytes = max_bytes
        self._staging = Staging()
        self._plates = Plates(self._staging)

    @hookimpl
    def polystore_read(self, request: ReadRequest) -> list[Data]:
        """Read arrays; several in parallel, one with all threads."""
        threads = max(1, request.batch.threads // len(request.paths))
        read: Callable[..., Any] = self._read
        owner = "backend 'zarr'"
        further: tuple[str, ...] = ("store", "pattern", "at")
        if "at" in request.options:
            read, owner, further = self._read_at, "a load by coordinates", ()
        elif "store" in request.options or "pattern" in request.options:
            read, owner, further = self._read_plane, "a load from a plate", ()
        check_options(read, request.options, owner=owner, given=("threads",), further=further)
        return request.batch.run(
            request.paths, lambda index: read(request.paths[index], threads=threads, **request.options)
        )

    @hookimpl
    def polystore_write(self, request: WriteRequest) -> list[int]:
        """Write arrays, each aside and then in its place in one step."""
        if "store" in request.options or "pattern" in request.options:
            return self._write_plate(request)
        check_options(
            self._write,
            request.options,
            owner="backend 'zarr'",
            given=("overwrite", "threads"),
            further=("store", "pattern"),
        )
        threads = max(1, request.batch.threads // len(request.paths))

        def write(index: int) -> int:
            return self._write(
                request.data[index],
                request.paths[index],
                overwrite=request.overwrite,
                threads=threads,
                **request.options,
            )

        return request.batch.run(request.paths, write)

    @hookimpl
    def polystore_list(self, request: ListRequest) -> Listing:
        """List arrays as files, groups and plain directories as directories."""
        spot = self._remote.spot(request.directory)
        if spot is not None:
            return spot.space.list(spot.key, recursive=request.recursive, shown=request.directory)
        path = self._find(request.directory)
        kind = tree.require(path, "list", shown=request.directory)
        if kind == "array":
            raise NotADirectory(
                f"{request.directory!r} is an array, not a directory; load it", path=request.directory
            )
        self._staging.sweep(path)
        return tree.list_tree(path, recursive=request.recursive)

    @hookimpl
    def polystore_stat(self, path: str) -> Entry:
        """Describe an array or directory."""
        spot = self._remote.spot(path)
        if spot is not None:
            return spot.space.stat(spot.key, shown=path)
        located = self._find(path)
        return tree.node_entry(located, tree.require(located, "stat", shown=path), shown=path)

    @hookimpl
    def polystore_delete(self, path: str, recursive: bool) -> int:
        """Remove an array or directory: it vanishes in one step; in an object store, array by array."""
        spot = self._remote.spot(path)
        if spot is not None:
            return spot.space.delete(spot.key, recursive=recursive, shown=path)
        located = self._find(path)
        if os.path.normpath(path) in (".", os.sep) or located == self._root:
            raise InvalidPath(f"{path!r} is not deleted as a whole; name what is in it", path=path)
        if tree.require(located, "delete", shown=path) == "directory":
            if recursive:
                self._plates.leave(located)
            return tree.remove_directory(located, self._staging, recursive=recursive, shown=path)
        self._staging.discard(located)
        return 1

    @hookimpl
    def polystore_move(self, source: str, target: str, overwrite: bool) -> int:
        """Rename an array or a whole directory; between file systems, and in object stores, it is copied."""
        here, there = self._remote.pair(source, target, "move")
        if here is not None and there is not None:
            return here.space.move(
                here.key, there.key, overwrite=overwrite, shown=source, shown_target=target
            )
        if here is not None or there is not None:
            count = self._exchange(source, target, here, there, overwrite=overwrite)
            self.polystore_delete(source, recursive=True)
            return count
        old = self._find(source)
        kind = tree.require(old, "move", shown=source)
        new = place_for(self._locate(target), kind)
        check_target(new, kind, overwrite=overwrite, shown=target)
        groups.make_parents(new, self._staging, shown=target, zarr_format=format_of(old))
        if kind == "directory":
            self._plates.leave(old)
        move_to(old, new, kind, self._staging, overwrite=overwrite, shown=target)
        self._plates.enter_below(new)
        return tree.count_arrays(new, kind)

    @hookimpl
    def polystore_copy(self, source: str, target: str, overwrite: bool) -> int:
        """Copy an array or a whole directory without decoding."""
        here, there = self._remote.pair(source, target, "copy")
        if here is not None and there is not None:
            return here.space.copy(
                here.key, there.key, overwrite=overwrite, shown=source, shown_target=target
            )
        if here is not None or there is not None:
            return self._exchange(source, target, here, there, overwrite=overwrite)
        old = self._find(source)
        kind = tree.require(old, "copy", shown=source)
        new = place_for(self._locate(target), kind)
        check_target(new, kind, overwrite=overwrite, shown=target)
        groups.make_parents(new, self._staging, shown=target, zarr_format=format_of(old))
        copy_to(old, new, kind, self._staging, overwrite=overwrite, shown=target)
        self._plates.enter_below(new)
        return tree.count_arrays(new, kind)

    @hookimpl
    def polystore_make_directory(self, path: str) -> bool:
        """Create a directory and its parents: groups, if in a store."""
        spot = self._remote.spot(path)
        if spot is not None:
            return spot.space.make_directory(spot.key, shown=path)
        return groups.make_directory(self._locate(path), self._staging, shown=path)

    def _read(
        self,
        path: str,
        *,
        threads: int,
        max_bytes: int | None = None,
        missing: Missing = "error",
        lazy: bool = False,
        region: Region = None,
        engine: Engine | None = None,
    ) -> Any:
        limit = self._max_bytes if max_bytes is None else max_bytes
        if lazy and (region is not None or engine is not None):
            raise InvalidOption("with lazy=True slice what is loaded; leave region= and engine= out")
        spot = self._remote.spot(path)
        if spot is not None:
            return spot.space.read(
                spot.key,
                shown=path,
                max_bytes=limit,
                missing=missing,
                lazy=lazy,
                region=_as_tuple(region),
                threads=threads,
            )
        located = self._find(path)
        try:
            if lazy:
                return lazy_array(located, shown=path, fill=missing == "fill")
            array = read_array(
                located,
                shown=path,
                max_bytes=limit,
                missing=missing,
                region=_as_tuple(region),
                engine=self._checked_engine(engine),
                threads=threads,
            )
        except NotADirectoryError as error:
            if isinstance(error, NotADirectory):
                raise
            raise PathNotFound(f"cannot read {path!r}: there is no such array", path=path) from error
        except IsADirectoryError:
            tree.require(located, "read", shown=path)
            raise
        return array

    def _write(
        self,
        data: Data,
        path: str,
        *,
        overwrite: bool,
        threads: int,
        chunks: Sequence[int] | None = None,
        shards: Sequence[int] | None = None,
        compression: Compression | None = None,
        level: int | None = None,
        codecs: Sequence[Mapping[str, Any]] | None = None,
        engine: Engine | None = None,
        durability: Durability | None = None,
        region: Region = None,
        shape: Sequence[int] | None = None,
        on_conflict: OnConflict = "refuse",
    ) -> int:
        attributes = None
        if is_rois(data):
            if region is not None:
                raise InvalidOption("region= is for arrays; a list of regions is saved whole")
            data, attributes = pack(data, threads=threads), ROIS
        if not isinstance(data, np.ndarray):
            raise UnsupportedData(
                f"backend 'zarr' holds arrays and lists of ROIs, not {data_kind_of(data)}; "
                "save it to backend 'disk'",
                path=path,
            )
        check_dtype(data.dtype)
        form = Form(
            chunks=chunks,
            shards=shards,
            compression=compression,
            level=level,
            codecs=codecs,
            engine=self._checked_engine(engine),
            durability=durability or self._durability,
            attributes=attributes,
        )
        if region is None and shape is not None:
            raise InvalidOption("shape= is that of the array that region= is a part of; pass region=")
        selection = _as_tuple(region)
        spot = self._remote.spot(path)
        if spot is not None:
            if selection is not None:
                from polystore_zarr._remote._filling import save_region as save_remote_region

                return save_remote_region(
                    data,
                    spot.space,
                    spot.key,
                    selection,
                    form,
                    shape=shape,
                    overwrite=overwrite,
                    on_conflict=on_conflict,
                    shown=path,
                    threads=threads,
                )
            return spot.space.write(
                data,
                spot.key,
                grid=grid_of(data.shape, data.itemsize, chunks=chunks, shards=shards),
                encoding=form.encoding(data.itemsize),
                attributes=attributes,
                overwrite=overwrite,
                shown=path,
                threads=threads,
            )
        target = place_for(self._locate(path), "array")
        if selection is None:
            return save_array(
                data, target, form, self._staging, overwrite=overwrite, shown=path, threads=threads
            )
        return save_region(
            data,
            target,
            selection,
            form,
            self._staging,
            shape=shape,
            overwrite=overwrite,
            on_conflict=on_conflict,
            shown=path,
            threads=threads,
        )

    def _checked_engine(self, engine: Engine | None) -> Engine:
        """Return the engine to use: the configured one unless another is asked for."""
        chosen = engine or self._engine
        check_engine(chosen)
        return chosen

    def _exchange(
        self, source: str, target: str, here: Spot | None, there: Spot | None, *, overwrite: bool
    ) -> int:
        """Copy between a directory and an object store."""
        from polystore_zarr._remote._exchange import download, upload

        if there is not None:
            old = self._find(source)
            kind = tree.require(old, "copy", shown=source)
            return upload(old, kind, there.space, there.key, overwrite=overwrite, shown=target)
        assert here is not None
        node = here.space.require(here.key, "copy", shown=source)
        new = place_for(self._locate(target), node.kind)
        check_target(new, node.kind, overwrite=overwrite, shown=target)
        zarr_format = zarr_format_of(ngff_of(node.document))
        groups.make_parents(new, self._staging, shown=target, zarr_format=zarr_format)
        count = download(here.space, here.key, node, new, self._staging, overwrite=overwrite, shown=target)
        self._plates.enter_below(new)
        return count

    def _write_plate(self, request: WriteRequest) -> list[int]:
        """Write the planes of a batch field by field; what happens to a field happens to all its planes."""
        check_options(PlateOptions, request.options, owner="a save into a plate")
        options = PlateOptions(**request.options)
        options = replace(
            options,
            engine=self._checked_engine(options.engine),
            durability=options.durability or self._durability,
        )
        check_planes(request.data, request.paths)
        target = self._plate_target(normalize_path(options.store))
        writer = field_writer(target, request.paths, options, overwrite=request.overwrite)
        places = list(writer.fields)
        threads = max(1, request.batch.threads // len(places))

        def write(number: int) -> int:
            members = writer.fields[places[number]]
            planes = [request.data[index] for index in members]
            return writer.write(
                places[number],
                cast("list[np.ndarray[Any, Any]]", planes),
                [request.paths[index] for index in members],
                threads=threads,
            )

        sizes = run_groups(request.batch, request.paths, list(writer.fields.values()), write)
        shares = {index: size // len(members) for size, members in sizes for index in members}
        return [shares[index] for index in range(len(request.paths))]

    def _plate_target(self, store: str) -> PlateTarget:
        """Return the plate of a store, to write to."""
        spot = self._remote.spot(store)
        if spot is not None:
            return self._remote.target(spot)
        return self._plates.target(self._locate(store))

    def _read_plane(
        self,
        path: str,
        *,
        threads: int,
        store: str,
        pattern: str | PathPattern | None = None,
        labels: str | None = None,
        level: int = 0,
        acquisition: int | None = None,
        max_bytes: int | None = None,
        lazy: bool = False,
    ) -> Any:
        plate = self._plate(store)
        limit = self._max_bytes if max_bytes is None else max_bytes
        known = None if pattern is None else PathPattern.of(pattern)
        part = Part(labels, level, acquisition, limit, lazy, threads)
        return read_part(plate, wanted_plane(plate, path, known), part)

    def _read_at(
        self,
        path: str,
        *,
        threads: int,
        at: Mapping[str, Any],
        labels: str | None = None,
        level: int = 0,
        max_bytes: int | None = None,
        lazy: bool = False,
    ) -> Any:
        limit = self._max_bytes if max_bytes is None else max_bytes
        part = Part(labels, level, None, limit, lazy, threads)
        return read_part(self._plate(path), wanted_at(at, path), part)

    def _plate(self, store: str) -> PlateSource:
        """Return the plate of a store, to read from."""
        path = normalize_path(store)
        spot = self._remote.spot(path)
        if spot is not None:
            return spot.plate(store)
        return LocalPlate(self._locate(path), store)

    def _locate(self, path: str) -> str:
        """Return the path for the operating system, below the root if there is one."""
        return path if self._root is None else locate_below(self._root, path)

    def _find(self, path: str) -> str:
        """Return where the array or directory of a name is."""
        located = self._locate(path)
        return located if located == self._root else find(located)


def _as_tuple(region: Region) -> tuple[slice | int | EllipsisType, ...] | None:
    """Return a region of one axis like those of several."""
    if region is None:
        return None
    return tuple(region) if isinstance(region, Sequence) else (region,)
