"""Saving and loading arrays, whole or by regions, in directories and object stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core import (
    InvalidOption,
    NotADirectory,
    PathNotFound,
    UnsupportedData,
)
from polystore_core.data import is_rois
from polystore_core.data import kind_of as data_kind_of
from polystore_core.files import Durability  # noqa: TC001
from polystore_zarr import _tree as tree
from polystore_zarr._array_reading import Missing, read_array
from polystore_zarr._blocks import OnConflict  # noqa: TC001
from polystore_zarr._codecs import Compression  # noqa: TC001
from polystore_zarr._dtypes import check_dtype
from polystore_zarr._engine import Engine  # noqa: TC001
from polystore_zarr._grid import grid_of
from polystore_zarr._lazy import lazy_array
from polystore_zarr._names import place_for
from polystore_zarr._rois import ROIS, pack
from polystore_zarr._saving import Form, save_array, save_region

if TYPE_CHECKING:
    from polystore_core.data import Data
    from polystore_zarr._setup import Setup

__all__ = ["Arrays"]

Region = Sequence[slice | int | EllipsisType] | slice | int | EllipsisType | None


class Arrays:
    """The arrays of a backend; the keyword arguments of its methods are options of a save and a load.

    Parameters
    ----------
    setup
        Of the backend.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def read(
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
        """Read an array."""
        limit = self._setup.limit(max_bytes)
        if lazy and (region is not None or engine is not None):
            raise InvalidOption("with lazy=True slice what is loaded; leave region= and engine= out")
        spot = self._setup.remote.spot(path)
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
        located = self._setup.find_node(path)
        try:
            if lazy:
                return lazy_array(located, shown=path, fill=missing == "fill")
            array = read_array(
                located,
                shown=path,
                max_bytes=limit,
                missing=missing,
                region=_as_tuple(region),
                engine=self._setup.checked_engine(engine),
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

    def write(
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
        """Write an array, aside and then in its place in one step; return the bytes stored."""
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
            engine=self._setup.checked_engine(engine),
            durability=durability or self._setup.durability,
            attributes=attributes,
        )
        if region is None and shape is not None:
            raise InvalidOption("shape= is that of the array that region= is a part of; pass region=")
        selection = _as_tuple(region)
        spot = self._setup.remote.spot(path)
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
        target = place_for(self._setup.locate(path), "array")
        if selection is None:
            return save_array(
                data,
                target,
                form,
                self._setup.staging,
                self._setup.plates,
                overwrite=overwrite,
                shown=path,
                threads=threads,
            )
        return save_region(
            data,
            target,
            selection,
            form,
            self._setup.staging,
            shape=shape,
            overwrite=overwrite,
            on_conflict=on_conflict,
            shown=path,
            threads=threads,
        )


def _as_tuple(region: Region) -> tuple[slice | int | EllipsisType, ...] | None:
    """Return a region of one axis like those of several."""
    if region is None:
        return None
    return tuple(region) if isinstance(region, Sequence) else (region,)
