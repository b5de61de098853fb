"""One plane out of a plate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from polystore_core import CorruptData, InvalidOption, PathNotFound
from polystore_core.paths import PathPattern
from polystore_zarr._arrays import consistently, read_snapshot
from polystore_zarr._images import AXES
from polystore_zarr._nodes import document_of
from polystore_zarr._plate_places import check_label_name, field_place, plane_index

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from polystore_zarr._plate_places import FieldPlace
    from polystore_zarr._snapshot import Snapshot

    Array = np.ndarray[Any, Any]

__all__ = ["read_plane"]


def read_plane(
    store: str,
    path: str,
    pattern: PathPattern | None,
    *,
    shown: str,
    max_bytes: int | None,
    labels: str | None = None,
) -> Array:
    """Read one plane by its original path; only its chunks are opened.

    Raises
    ------
    PathNotFound
        If there is no such field, or no such plane in it.
    CorruptData
        If the field is damaged.
    """
    if pattern is None:
        pattern = _stored_pattern(store, shown=shown)
    coordinates = pattern.parse(path)
    place = field_place(coordinates, shown=path)

    inside = ""
    if labels is not None:
        check_label_name(labels)
        inside = f"/labels/{labels}"

    def read(snapshot: Snapshot) -> Array:
        values = _stored_values(snapshot, place, shown=shown)
        index = plane_index(coordinates, values)
        if index is None:
            there = "; ".join(f"{axis} {', '.join(map(str, known))}" for axis, known in values.items())
            raise PathNotFound(
                f"{path!r} is not in field {place.path!r} of {shown!r}, which has {there or 'one plane'}",
                path=path,
            )
        part = snapshot.part("0")
        return read_snapshot(
            part, shown=path, max_bytes=max_bytes, fill=False, selection=(*index, ...), threads=1
        )

    try:
        array: Array = consistently(f"{store}/{place.path}{inside}", read)
    except FileNotFoundError as error:
        if isinstance(error, PathNotFound):
            raise
        raise PathNotFound(
            f"cannot read {path!r}: plate {shown!r} has no field {place.path + inside!r}", path=path
        ) from error
    return array


def _stored_values(snapshot: Snapshot, place: FieldPlace, *, shown: str) -> Mapping[str, Sequence[int | str]]:
    try:
        values: Mapping[str, Sequence[int | str]]
        values = json.loads(snapshot.read("zarr.json"))["attributes"]["polystore"]["values"]
        if all(axis in AXES and isinstance(known, list) for axis, known in values.items()):
            return values
    except FileNotFoundError:
        pass
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise CorruptData(
        f"field {place.path!r} of {shown!r} does not say which planes it holds; load its levels as arrays: "
        f"'{shown}/{place.path}/0'",
        path=shown,
    )


def _stored_pattern(store: str, *, shown: str) -> PathPattern:
    try:
        return PathPattern.of(str(document_of(store)["attributes"]["polystore"]["pattern"]))
    except FileNotFoundError as error:
        raise PathNotFound(f"there is no plate {shown!r}", path=shown) from error
    except (LookupError, TypeError, ValueError) as error:
        raise InvalidOption(
            f"plate {shown!r} does not tell how its planes were named; pass pattern="
        ) from error
