"""Making a workspace from the names of files."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from polystore_core import (
    IMAGE_EXTENSIONS,
    BackendRegistry,
    InvalidOption,
    InvalidPath,
    PathNotFound,
    PathPattern,
)
from polystore_core.paths import Coordinates, natural_sorted, normalize_path, standard_axis
from polystore_core.plugins import Listing, ListRequest, ask
from polystore_workspace._confinement import relative_to, resolve
from polystore_workspace._document import METADATA_NAME, Workspace, write_mapping
from polystore_workspace._naming import default_pattern, virtual_values
from polystore_workspace._target import Target

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

__all__ = ["create_workspace"]

_MOST_SHOWN = 5


def create_workspace(
    plate: str | os.PathLike[str],
    *,
    pattern: PathPattern | str,
    to: PathPattern | str | None = None,
    name: str = "workspace",
    source: str = ".",
    backend: str = "disk",
    axes: Mapping[str, int | Sequence[int | str]] | None = None,
    extensions: Sequence[str] = IMAGE_EXTENSIONS,
    skip_unmatched: bool = False,
    overwrite: bool = False,
    allow_outside: bool = False,
    metadata: str = METADATA_NAME,
    registry: BackendRegistry | None = None,
) -> Workspace:
    """Show the images of a plate under other names: no file is copied, moved or read.

    Parameters
    ----------
    plate
        Directory of the plate; the mapping is kept in its metadata file.
    pattern
        How the source files are named: a pattern, its text or the name of a preset.
    to
        How they shall be named below the virtual directory. By default a directory per well and in it
        ``s{field:03d}_t{t:03d}_w{channel:d}_z{z:03d}``, with the axes that there are and the suffix of
        the source files.
    name
        Virtual directory below the plate.
    source
        Directory to look into, with everything below it: relative to the plate, or absolute.
    backend
        Backend that holds the source files.
    axes
        Leading axes of every source array, outermost first, for files that hold stacks: axis -> the
        coordinates along it, or a number n for 0 to n-1. An array of shape (C, Z, Y, X) is shown plane
        by plane with ``{"channel": ["DAPI", "GFP"], "z": range(1, 31)}``.
    extensions
        Files with other suffixes are not looked at.
    skip_unmatched
        Leaves out files that do not fit ``pattern`` instead of refusing them.
    overwrite
        Replaces a workspace of that name.
    allow_outside
        Accepts a source outside the plate's directory; such targets can be read only by a backend that is
        configured to read them.
    metadata
        Name of the metadata file.
    registry
        Where ``backend`` is found; by default among everything installed.

    Returns
    -------
    Workspace
        Its virtual directory, the number of files and the metadata file.

    Raises
    ------
    InvalidPath
        If files do not fit the pattern, or two would get the same virtual name.
    PathNotFound
        If there is no directory, or no image in it.
    InvalidOption
        If ``to`` needs a coordinate that neither the names nor ``axes`` give.
    PathExists
        If there is a workspace of that name.
    AccessDenied
        If the source is outside the plate.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_core import FileManager
    >>> from polystore_workspace import create_workspace
    >>> fm = FileManager()
    >>> for site in (1, 2):
    ...     fm.save(np.full((2, 2), site), f"plate/raw/r01c02f{site:02d}-ch3.tif", backend="disk")
    >>> create_workspace(
    ...     "plate",
    ...     pattern="r{row:02d}c{column:02d}f{field:02d}-ch{channel:d}.tif",
    ...     to="{well}_s{site:d}_w{channel:d}.tif",
    ...     name="by_site",
    ... )
    Workspace(directory='plate/by_site', files=2, metadata='plate/polystore_metadata.json')
    >>> fm.list_files("plate/by_site", backend="virtual_workspace")
    ['plate/by_site/A02_s1_w3.tif', 'plate/by_site/A02_s2_w3.tif']
    """
    origin = PathPattern.of(pattern)
    registry = BackendRegistry() if registry is None else registry
    folder = relative_to(normalize_path(plate), source)
    files = _image_files(registry, backend, resolve(normalize_path(plate), folder), extensions)
    places = _coordinates(files, origin, skip_unmatched=skip_unmatched)
    stacked = _axis_values(axes or {}, origin)
    values = [virtual_values(place) for place in places.values()]
    target = default_pattern(values, stacked, files) if to is None else PathPattern.of(to)
    mapping: dict[str, Target] = {}
    for file, known in zip(places, values, strict=True):
        address = file if folder == "." else f"{folder.rstrip('/')}/{file}"
        for position in product(*(enumerate(along) for along in stacked.values())):
            index = tuple(number for number, _ in position)
            given = known | dict(zip(stacked, (value for _, value in position), strict=True))
            virtual = target.format({axis: value for axis, value in given.items() if axis in target.axes})
            shown = Target(address, backend, index)
            other = mapping.setdefault(virtual, shown)
            if other is not shown:
                raise InvalidPath(
                    f"{_described(other)} and {_described(shown)} would both be {virtual!r}; give to= with a "
                    "field that tells them apart, or source= with a directory that holds only one of them",
                    path=virtual,
                )
    about = {"pattern": origin.text, "to": target.text, "source": folder}
    return write_mapping(
        plate,
        mapping,
        name=name,
        overwrite=overwrite,
        allow_outside=allow_outside,
        metadata=metadata,
        about=about,
    )


def _image_files(
    registry: BackendRegistry, backend: str, directory: str, extensions: Sequence[str]
) -> list[str]:
    request = ListRequest(directory, recursive=True)
    listing: Listing = ask(registry.open(backend), "list", directory, request=request)
    suffixes = tuple(suffix.lower() for suffix in extensions)
    files = [name for name in natural_sorted(listing.files) if name.lower().endswith(suffixes)]
    if not files:
        raise PathNotFound(
            f"no images in {directory!r}: none of {len(listing.files)} files ends with {', '.join(suffixes)}",
            path=directory,
        )
    return files


def _coordinates(
    files: Sequence[str], pattern: PathPattern, *, skip_unmatched: bool
) -> dict[str, Coordinates]:
    found = {file: pattern.match(file) for file in files}
    places = {file: place for file, place in found.items() if place is not None}
    unmatched = [file for file, place in found.items() if place is None]
    if unmatched and (not places or not skip_unmatched):
        some = ", ".join(map(repr, unmatched[:_MOST_SHOWN]))
        more = f" and {len(unmatched) - _MOST_SHOWN} more" if len(unmatched) > _MOST_SHOWN else ""
        leave = "; leave them out with skip_unmatched=True" if places else ""
        raise InvalidPath(
            f"{len(unmatched)} of {len(files)} images do not fit the pattern {pattern.text!r}: {some}{more}"
            f"; a name that fits is {pattern.example!r}{leave}",
            path=unmatched[0],
        )
    return places


def _axis_values(
    axes: Mapping[str, int | Sequence[int | str]], pattern: PathPattern
) -> dict[str, Sequence[int | str]]:
    values: dict[str, Sequence[int | str]] = {}
    for name, along in axes.items():
        axis = standard_axis(name)
        if axis in pattern.axes or axis in values:
            raise InvalidOption(
                f"the axis {name!r} is a field of the pattern {pattern.text!r} or given twice"
            )
        values[axis] = range(along) if isinstance(along, int) else along
        if not values[axis] or isinstance(along, str):
            raise InvalidOption(f"axis {name!r} takes a length or a list of coordinates; got {along!r}")
    return values


def _described(target: Target) -> str:
    return f"{target.address!r}" + (f" at {list(target.index)}" if target.index else "")
