"""Planes and fields out of a plate, by the path of a plane or by coordinates."""

from __future__ import annotations

import contextlib
import numbers
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from polystore_core import CorruptData, InvalidOption, InvalidPath, PathNotFound
from polystore_core.paths import Coordinates, PathPattern, standard_axis
from polystore_zarr._array_reading import read_snapshot
from polystore_zarr._images import AXES
from polystore_zarr._lazy import lazy_array
from polystore_zarr._ngff import ome_of
from polystore_zarr._nodes import DOCUMENTS, MOST_BYTES, document_of, parsed
from polystore_zarr._plate_places import check_label_name, field_place
from polystore_zarr._snapshot import consistently

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_zarr._snapshot import SnapshotLike, SnapshotSource

__all__ = [
    "LocalPlate",
    "Part",
    "PlateSource",
    "Wanted",
    "document_in",
    "read_part",
    "wanted_at",
    "wanted_plane",
]

_PLACES = ("well", "row", "column", "field", "acquisition")


class PlateSource(Protocol):
    """Where a plate is read from."""

    @property
    def shown(self) -> str:
        """The store as the caller named it."""

    def document(self, node: str) -> Mapping[str, Any]:
        """Read the document of a group, ``""`` for the plate itself; FileNotFoundError, ValueError."""

    def node(self, path: str) -> str | SnapshotSource:
        """Return what to take snapshots of a node from."""


class LocalPlate(NamedTuple):
    """A plate in a directory."""

    store: str
    shown: str

    def document(self, node: str) -> Mapping[str, Any]:
        """Read the document of a group."""
        return document_of(f"{self.store}/{node}" if node else self.store)

    def node(self, path: str) -> str:
        """Return the directory of a node."""
        return f"{self.store}/{path}"


class Wanted(NamedTuple):
    """What is asked for.

    Attributes
    ----------
    coordinates
        Of one plane; with ``partial`` fewer, and the axes without one are kept.
    partial
        Whether coordinates may be left out.
    shown
        What the caller named it by.
    path
        For errors: the path that the caller gave.
    """

    coordinates: Coordinates
    partial: bool
    shown: str
    path: str


class Part(NamedTuple):
    """Which image of a field, and how it is read.

    Attributes
    ----------
    labels
        Name of a label image, instead of the image.
    level
        Of the pyramid.
    acquisition
        Of the field, if the coordinates do not tell.
    max_bytes
        What it may decode to.
    lazy
        Whether to return a dask array that reads when it is computed.
    threads
        How many chunks may be decoded at a time.
    """

    labels: str | None = None
    level: int = 0
    acquisition: int | None = None
    max_bytes: int | None = None
    lazy: bool = False
    threads: int = 1


def wanted_plane(plate: PlateSource, path: str, pattern: PathPattern | None) -> Wanted:
    """Return what the path of a plane asks for.

    Raises
    ------
    PathNotFound, InvalidOption
        If there is no such plate, or it does not tell how its planes were named.
    InvalidPath
        If the path does not fit the pattern.
    """
    known = pattern or _stored_pattern(plate)
    return Wanted(known.parse(path), partial=False, shown=repr(path), path=path)


def wanted_at(at: Mapping[str, Any], path: str) -> Wanted:
    """Return what coordinates ask for.

    Raises
    ------
    InvalidOption
        If there is an axis that plates have not, or a value that is neither a whole number nor text.
    InvalidPath
        If they tell no well.
    """
    values: dict[str, int | str] = {}
    for name, value in at.items():
        if standard_axis(str(name)) not in (*_PLACES, *AXES):
            raise InvalidOption(
                "at= takes coordinates along well (or row and column), field, acquisition, t, channel and z; "
                f"got {name!r}"
            )
        if isinstance(value, bool) or not isinstance(value, (str, numbers.Integral)):
            raise InvalidOption(f"at= takes whole numbers and text; got {name}={value!r}")
        values[standard_axis(str(name))] = value if isinstance(value, str) else int(value)
    shown = ", ".join(f"{axis} {value}" for axis, value in values.items())
    coordinates = Coordinates(values)
    if coordinates.well is None:
        raise InvalidPath(f"at={dict(at)!r} names no well; add 'well', or 'row' and 'column'", path=path)
    return Wanted(coordinates, partial=True, shown=shown, path=path)


def read_part(plate: PlateSource, wanted: Wanted, part: Part) -> Any:
    """Read a plane, or what is asked for of a field; only its chunks are opened.

    Raises
    ------
    PathNotFound
        If there is no such field, or no such plane in it.
    InvalidOption
        If the coordinates do not tell one field, or there is no such level.
    CorruptData
        If the field is damaged.
    """
    field = _field_of(plate, wanted, part)
    inside = ""
    if part.labels is not None:
        check_label_name(part.labels)
        inside = f"/labels/{part.labels}"
    source = plate.node(field + inside)

    def find(snapshot: SnapshotLike) -> tuple[str, tuple[Any, ...]]:
        attributes = document_in(snapshot).get("attributes", {})
        ome = ome_of(attributes)
        index = _index_of(wanted, _stored_values(attributes, plate, field), ome, field, plate.shown)
        return _level_path(ome, part.level, field, plate.shown), index

    def read(snapshot: SnapshotLike) -> Any:
        level, index = find(snapshot)
        selection = (*index, ...) if any(isinstance(place, int) for place in index) else ...
        return read_snapshot(
            snapshot.part(level),
            shown=wanted.path,
            max_bytes=part.max_bytes,
            fill=False,
            selection=selection,
            threads=part.threads,
        )

    try:
        if not part.lazy:
            return consistently(source, read)
        level, index = consistently(source, find)
        return lazy_array(source, shown=wanted.path, fill=False, inside=level)[(*index, ...)]
    except (FileNotFoundError, NotADirectoryError) as error:
        if isinstance(error, PathNotFound):
            raise
        what = f"field {field!r}"
        if part.labels is not None and _is_there(plate, field):
            what = f"labels {part.labels!r} in {what}"
        raise _missing(what, plate, wanted) from error


def _missing(what: str, plate: PlateSource, wanted: Wanted) -> PathNotFound:
    """Return the error that tells what a plate has not, or that there is no plate."""
    message = f"cannot read {wanted.shown}: plate {plate.shown!r} has no {what}"
    if not _is_there(plate, ""):
        message = f"there is no plate {plate.shown!r}"
    return PathNotFound(message, path=wanted.path)


def _is_there(plate: PlateSource, node: str) -> bool:
    try:
        plate.document(node)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except ValueError:
        return True
    return True


def document_in(snapshot: SnapshotLike) -> dict[str, Any]:
    """Read the document of a group from a snapshot of it.

    Raises
    ------
    FileNotFoundError
        If there is none.
    CorruptData
        If it cannot be read.
    """
    for name in (DOCUMENTS[0], DOCUMENTS[-1]):
        with contextlib.suppress(FileNotFoundError):
            content = snapshot.read(name, MOST_BYTES)
            try:
                document = parsed(content)
            except ValueError as error:
                raise CorruptData(f"{snapshot.path}/{name} cannot be read: {error}") from error
            return document if name == DOCUMENTS[0] else {"zarr_format": 2, "attributes": document}
    raise FileNotFoundError(snapshot.path)


def _field_of(plate: PlateSource, wanted: Wanted, part: Part) -> str:
    """Return the path of a field in its plate; one that is not told must be the only one of its well."""
    coordinates = wanted.coordinates
    if not wanted.partial or "field" in coordinates:
        place = field_place(coordinates, shown=wanted.shown, acquisition=part.acquisition)
        return place.path
    place = field_place(coordinates, shown=wanted.shown, acquisition=part.acquisition)
    try:
        images = ome_of(plate.document(place.well)["attributes"])["well"]["images"]
        names = [
            str(image["path"]) for image in images if place.acquisition in (None, image.get("acquisition"))
        ]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing(f"well {place.well!r}", plate, wanted) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CorruptData(
            f"well {place.well!r} of {plate.shown!r} cannot be read: {error}", path=wanted.path
        ) from error
    if len(names) != 1 or not names[0].isalnum():
        raise InvalidOption(
            f"well {place.well!r} of {plate.shown!r} has the fields {', '.join(names) or '(none)'}; name one "
            "in at="
        )
    return f"{place.well}/{names[0]}"


def _index_of(
    wanted: Wanted,
    values: Mapping[str, Sequence[int | str]],
    ome: Mapping[str, Any],
    field: str,
    shown: str,
) -> tuple[int | slice, ...]:
    """Return the index along the axes of a field; an axis that is not told is kept whole."""
    told = wanted.coordinates.by_axis()
    index: list[int | slice] = []
    for axis, known in values.items():
        if axis in told and told[axis] in known:
            index.append(list(known).index(told[axis]))
        elif axis == "channel" and told.get(axis) in (names := _channel_names(ome)):
            index.append(names.index(told[axis]))
        elif axis not in told and wanted.partial:
            index.append(slice(None))
        else:
            raise _no_such_plane(wanted, values, field, shown)
    strange = [axis for axis in told if axis in AXES and axis not in values]
    if strange and wanted.partial:
        raise _no_such_plane(wanted, values, field, shown)
    return tuple(index)


def _no_such_plane(
    wanted: Wanted, values: Mapping[str, Sequence[int | str]], field: str, shown: str
) -> PathNotFound:
    there = "; ".join(f"{axis} {', '.join(map(str, known))}" for axis, known in values.items())
    return PathNotFound(
        f"{wanted.shown} is not in field {field!r} of {shown!r}, which has {there or 'one plane'}",
        path=wanted.path,
    )


def _channel_names(ome: Mapping[str, Any]) -> list[Any]:
    try:
        return [channel.get("label") for channel in ome["omero"]["channels"]]
    except (LookupError, TypeError, AttributeError):
        return []


def _level_path(ome: Mapping[str, Any], level: int, field: str, shown: str) -> str:
    """Return the path of a level in the group of its image, which it may not leave."""
    try:
        paths = [str(dataset["path"]) for dataset in ome["multiscales"][0]["datasets"]]
    except (LookupError, TypeError) as error:
        raise CorruptData(f"field {field!r} of {shown!r} does not say where its levels are") from error
    if not 0 <= level < len(paths):
        raise InvalidOption(f"level takes 0 to {len(paths) - 1} for field {field!r}; got {level}")
    if not all(part.strip(".") for part in paths[level].split("/")) or "\0" in paths[level]:
        raise CorruptData(
            f"field {field!r} of {shown!r} names the level {paths[level]!r}, which leads out of it"
        )
    return paths[level]


def _stored_values(
    attributes: Mapping[str, Any], plate: PlateSource, field: str
) -> Mapping[str, Sequence[int | str]]:
    with contextlib.suppress(LookupError, TypeError, AttributeError):
        values: Mapping[str, Sequence[int | str]] = attributes["polystore"]["values"]
        if all(axis in AXES and isinstance(known, list) for axis, known in values.items()):
            return values
    raise CorruptData(
        f"field {field!r} of {plate.shown!r} does not say which planes it holds; load its levels as arrays: "
        f"'{plate.shown}/{field}/0'",
        path=plate.shown,
    )


def _stored_pattern(plate: PlateSource) -> PathPattern:
    try:
        document = plate.document("")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PathNotFound(f"there is no plate {plate.shown!r}", path=plate.shown) from error
    except ValueError as error:
        raise CorruptData(
            f"the document of plate {plate.shown!r} cannot be read: {error}. It was left as it is",
            path=plate.shown,
        ) from error
    try:
        return PathPattern.of(str(document["attributes"]["polystore"]["pattern"]))
    except (LookupError, TypeError, ValueError) as error:
        raise InvalidOption(
            f"plate {plate.shown!r} does not tell how its planes were named; pass pattern="
        ) from error
