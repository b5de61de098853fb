"""Checking a store, describing it, and mending what a killed writer left."""

from __future__ import annotations

import os
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_core import NotADirectory, PathNotFound
from polystore_core.files import is_temporary_name, sweep_temporaries
from polystore_core.paths import natural_sorted
from polystore_zarr._names import find
from polystore_zarr._nodes import document_of, kind_of
from polystore_zarr._plate_listing import PlateListing
from polystore_zarr._plate_places import FieldPlace, Layout
from polystore_zarr._staging import Staging
from polystore_zarr._tree import list_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Problem", "describe", "inspect", "mend"]


class Problem(NamedTuple):
    """What is wrong with a node of a store.

    Attributes
    ----------
    node
        Path in the store; ``"."`` is the store itself.
    what
        What is wrong, and what to do.
    """

    node: str
    what: str


def inspect(store: str) -> list[Problem]:
    """Check every document and the presence of every chunk; nothing is decoded and nothing changed.

    Parameters
    ----------
    store
        Directory of a Zarr store or array.

    Raises
    ------
    PathNotFound, NotADirectory
        If there is no store.
    """
    _require(store)
    problems = list(_left_aside(store))
    if kind_of(store) == "array":
        return problems + list(_array_problems(store, "."))
    for file in natural_sorted(list_tree(store, recursive=True).files):
        problems += _array_problems(find(f"{store}/{file}"), file)
    return problems + list(_plate_problems(store))


def mend(store: str) -> list[str]:
    """Remove what killed writers left beside a store, and list fields that are whole but not listed.

    Returns
    -------
    list of str
        What was done, a line for each.
    """
    _require(store)
    removed = sweep_temporaries(os.path.dirname(store) or ".", directories=True)
    done = [f"removed {removed} unfinished {'node' if removed == 1 else 'nodes'}"] if removed else []
    listing = PlateListing(store, Staging())
    for place in _unlisted(store):
        listing.enter(place, Layout(place.row + 1, place.column + 1), shown=store)
        done.append(f"listed field {place.path}")
    return done


def describe(store: str) -> Iterator[str]:
    """Describe a store line by line: its plate if it is one, else its arrays as a tree."""
    _require(store)
    attributes = _attributes(store)
    if "plate" not in attributes.get("ome", {}):
        yield from _tree_lines(store)
        return
    plate = attributes["ome"]["plate"]
    wells = _wells(attributes)
    fields = [f"{well}/{name}" for well in wells for name in _listed_fields(f"{store}/{well}")]
    version = attributes["ome"].get("version")
    yield f"{os.path.basename(store)}: plate {plate.get('name', '')!r}, OME-NGFF {version}"
    yield f"  {len(plate['rows'])} x {len(plate['columns'])}, {len(wells)} wells, {len(fields)} fields"
    for field in fields[:1]:
        yield f"  field {field}, as an example:"
        yield from (f"    {line}" for line in _image_lines(f"{store}/{field}"))


def _require(store: str) -> None:
    kind = kind_of(store)
    if kind is None:
        raise PathNotFound(f"there is no store {store!r}", path=store)
    if kind == "foreign":
        raise NotADirectory(f"{store!r} is a file, not a Zarr store", path=store)


def _left_aside(store: str) -> Iterator[Problem]:
    count = sum(is_temporary_name(name) for name in os.listdir(os.path.dirname(store) or "."))
    if count:
        yield Problem(
            ".",
            f"{count} unfinished beside it; 'polystore zarr repair' removes what killed writers left",
        )


def _array_problems(path: str, node: str) -> Iterator[Problem]:
    from zarr.core.metadata import ArrayV3Metadata

    if not os.path.exists(f"{path}/zarr.json"):
        return
    try:
        metadata = ArrayV3Metadata.from_dict(document_of(path))
        steps = metadata.chunk_grid.chunk_shape  # type: ignore[attr-defined]
        counts = [-(-size // step) for size, step in zip(metadata.shape, steps, strict=True)]
    except Exception as error:
        yield Problem(node, f"zarr.json cannot be read: {error}")
        return
    present = sum(name != "zarr.json" for _, _, names in os.walk(path) for name in names)
    if present < prod(counts):
        missing = prod(counts) - present
        yield Problem(node, f"{missing} of {prod(counts)} chunks are missing; save the array again")


def _plate_problems(store: str) -> Iterator[Problem]:
    from ome_zarr_models.v05.hcs import HCSAttrs
    from ome_zarr_models.v05.well import WellAttrs

    attributes = _attributes(store)
    if "ome" not in attributes or "plate" not in attributes["ome"]:
        return
    yield from _checked(".", partial(HCSAttrs.model_validate, attributes["ome"]))
    for well in _wells(attributes):
        ome = _attributes(f"{store}/{well}").get("ome", {})
        yield from _checked(well, partial(WellAttrs.model_validate, ome))
        for name in _listed_fields(f"{store}/{well}"):
            field = f"{well}/{name}"
            yield from _checked(field, partial(_check_image, f"{store}/{field}"))
    for place in _unlisted(store):
        yield Problem(place.path, "the field is whole but not listed; polystore zarr repair lists it")


def _checked(node: str, check: Callable[[], object]) -> Iterator[Problem]:
    try:
        check()
    except Exception as error:
        yield Problem(node, f"not valid OME-NGFF: {type(error).__name__}: {' '.join(str(error).split())}")


def _unlisted(store: str) -> Iterator[FieldPlace]:
    """Yield the fields that are in their place and that their well, or the plate, does not list."""
    attributes = _attributes(store)
    if "plate" not in attributes.get("ome", {}):
        return
    plate, wells = attributes["ome"]["plate"], _wells(attributes)
    rows = {row["name"]: index for index, row in enumerate(plate.get("rows", []))}
    for row in list_tree(store, recursive=False).directories:
        for column in list_tree(f"{store}/{row}", recursive=False).directories:
            well = f"{row}/{column}"
            listed = _listed_fields(f"{store}/{well}") if well in wells else []
            for name in list_tree(f"{store}/{well}", recursive=False).directories:
                whole = "multiscales" in _attributes(f"{store}/{well}/{name}").get("ome", {})
                if whole and name not in listed and row in rows and column.isdecimal():
                    yield FieldPlace(rows[row], int(column) - 1, name)


def _wells(attributes: dict[str, Any]) -> list[str]:
    paths = [str(well.get("path")) for well in attributes["ome"]["plate"].get("wells", [])]
    return [path for path in paths if ".." not in path.split("/") and not path.startswith("/")]


def _listed_fields(well: str) -> list[str]:
    images = _attributes(well).get("ome", {}).get("well", {}).get("images", [])
    names = [str(image.get("path")) for image in images]
    return [name for name in names if name.isalnum()]


def _attributes(path: str) -> dict[str, Any]:
    try:
        attributes = document_of(path).get("attributes", {})
    except (OSError, ValueError):
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _check_image(path: str) -> None:
    import zarr
    from ome_zarr_models.v05.image import Image

    Image.from_zarr(zarr.open_group(path, mode="r"))


def _tree_lines(store: str) -> Iterator[str]:
    yield os.path.basename(store)
    if kind_of(store) == "array":
        yield f"  {_array_line(store)}"
        return
    listing = list_tree(store, recursive=True)
    for node in natural_sorted([*listing.files, *listing.directories]):
        indent = "  " * (node.count("/") + 1)
        about = f"  {_array_line(find(f'{store}/{node}'))}" if node in listing.files else "/"
        yield f"{indent}{node.rpartition('/')[2]}{about}"


def _image_lines(path: str) -> Iterator[str]:
    ome = _attributes(path).get("ome", {})
    for multiscale in ome.get("multiscales", []):
        for dataset in multiscale["datasets"]:
            level = dataset["path"]
            yield f"level {level}: {_array_line(f'{path}/{level}')}"
        scale = multiscale["datasets"][0]["coordinateTransformations"][0]["scale"]
        for axis, step in zip(multiscale["axes"], scale, strict=True):
            if axis["type"] != "channel":
                yield f"{axis['name']}: {step:g} {axis.get('unit', 'pixel')}"
    for channel in ome.get("omero", {}).get("channels", []):
        yield f"channel {channel.get('label')}: #{channel['color']}"


def _array_line(path: str) -> str:
    try:
        document = document_of(path)
        shape, grid = document["shape"], document["chunk_grid"]["configuration"]["chunk_shape"]
        codecs = ", ".join(codec["name"] for codec in document["codecs"])
        names = document.get("dimension_names") or []
    except (OSError, ValueError, LookupError, TypeError):
        return "damaged"
    axes = f" ({', '.join(map(str, names))})" if names else ""
    sizes, files = " x ".join(map(str, shape)), " x ".join(map(str, grid))
    return f"{sizes}{axes} {document['data_type']}, files of {files}, {codecs}"
