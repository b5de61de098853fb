"""Saving and loading the planes of plates, in directories and object stores."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from polystore_core.paths import PathPattern, normalize_path
from polystore_core.plugins import check_options
from polystore_zarr._grouped import run_groups
from polystore_zarr._plate import check_planes, field_writer
from polystore_zarr._plate_options import PlateOptions
from polystore_zarr._plate_reading import LocalPlate, Part, read_part, wanted_at, wanted_plane
from polystore_zarr._units import check_length

if TYPE_CHECKING:
    import numpy as np

    from polystore_core.plugins import WriteRequest
    from polystore_zarr._plate_reading import PlateSource
    from polystore_zarr._plate_targets import PlateTarget
    from polystore_zarr._setup import Setup

__all__ = ["PlatePlanes"]


class PlatePlanes:
    """The planes of the plates of a backend; the keyword arguments of its readers are options of a load.

    Parameters
    ----------
    setup
        Of the backend.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def write(self, request: WriteRequest) -> list[int]:
        """Write the planes of a batch field by field; what happens to a field happens to all its planes."""
        check_options(PlateOptions, request.options, owner="a save into a plate")
        options = PlateOptions(**request.options)
        if options.unit is not None:
            check_length(options.unit)
        options = replace(
            options,
            engine=self._setup.checked_engine(options.engine),
            durability=options.durability or self._setup.durability,
        )
        check_planes(request.data, request.paths)
        target = self._plate_target(normalize_path(options.store))
        writer = field_writer(target, request.paths, options, overwrite=request.overwrite)
        places = list(writer.fields)
        threads = request.batch.threads_each(len(places))

        def write(number: int) -> int:
            members = writer.fields[places[number]]
            planes = [request.data[index] for index in members]
            return writer.write(
                places[number],
                cast("list[np.ndarray[Any, Any]]", planes),
                [request.paths[index] for index in members],
                threads=threads,
            )

        sizes = run_groups(
            request.batch, request.paths, list(writer.fields.values()), write, nbytes=request.known_bytes
        )
        shares = {index: size // len(members) for size, members in sizes for index in members}
        return [shares[index] for index in range(len(request.paths))]

    def _plate_target(self, store: str) -> PlateTarget:
        """Return the plate of a store, to write to."""
        spot = self._setup.remote.spot(store)
        if spot is not None:
            return self._setup.remote.target(spot)
        return self._setup.plates.target(self._setup.locate(store))

    def read_by_path(
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
        limit = self._setup.limit(max_bytes)
        known = None if pattern is None else PathPattern.of(pattern)
        part = Part(labels, level, acquisition, limit, lazy, threads)
        return read_part(plate, wanted_plane(plate, path, known), part)

    def read_by_coordinates(
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
        limit = self._setup.limit(max_bytes)
        part = Part(labels, level, None, limit, lazy, threads)
        return read_part(self._plate(path), wanted_at(at, path), part)

    def _plate(self, store: str) -> PlateSource:
        """Return the plate of a store, to read from."""
        path = normalize_path(store)
        spot = self._setup.remote.spot(path)
        if spot is not None:
            return spot.plate(store)
        return LocalPlate(self._setup.locate(path), store)
