"""Checking a store: its documents, its chunks, and what OME-NGFF asks of a plate."""

from __future__ import annotations

import os
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_core import NotADirectory, PathNotFound, PolyStoreError
from polystore_core.files import is_temporary_name
from polystore_core.paths import natural_sorted
from polystore_zarr._array_reading import described, read_array
from polystore_zarr._declaration import is_by_region
from polystore_zarr._grid import Grid
from polystore_zarr._layout_on_disk import attributes_of, fields_there, listed_fields, listed_wells
from polystore_zarr._names import find
from polystore_zarr._ngff import ngff_of, ome_of
from polystore_zarr._nodes import ASIDE, document_of, has_document, kind_of
from polystore_zarr._regions import file_parts
from polystore_zarr._snapshot import Snapshot
from polystore_zarr._tree import list_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from polystore_zarr._plate_places import FieldPlace

__all__ = ["Problem", "inspect", "require_store", "torn_chunks", "unlisted"]


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


def inspect(store: str, *, decode: bool = False) -> list[Problem]:
    """Check every document, and that every chunk is there; nothing is changed.

    Parameters
    ----------
    store
        Directory of a Zarr store or array.
    decode
        Whether every chunk is decoded too, to find those that are torn; that reads the whole store.

    Raises
    ------
    PathNotFound, NotADirectory
        If there is no store.
    """
    require_store(store)
    problems = list(_left_aside(store))
    if kind_of(store) == "array":
        return problems + list(_array_problems(store, ".", decode=decode)) + list(_unlisted_problems(store))
    for file in natural_sorted(list_tree(store, recursive=True).files):
        problems += _array_problems(find(f"{store}/{file}"), file, decode=decode)
    return problems + list(_plate_problems(store)) + list(_unlisted_problems(store))


def require_store(store: str) -> None:
    """Refuse what is no store, also a directory that holds nothing of Zarr.

    Raises
    ------
    PathNotFound, NotADirectory
    """
    kind = kind_of(store)
    if kind is None:
        raise PathNotFound(f"there is no store {store!r}", path=store)
    if kind == "foreign":
        raise NotADirectory(f"{store!r} is a file, not a Zarr store", path=store)
    plain = kind == "directory" and not has_document(store) and ".zarr/" not in f"{store}/"
    if plain and not list_tree(store, recursive=True).files:
        raise PathNotFound(f"{store!r} is a directory that holds no Zarr array", path=store)


def torn_chunks(path: str) -> Iterator[tuple[str, str]]:
    """Yield the keys of the chunks and shards of an array that cannot be decoded, and why.

    Raises
    ------
    CorruptData, IsADirectory
        If the documents of the array cannot be read.
    """
    with Snapshot(path) as snapshot:
        metadata, steps = described(snapshot, shown=path)
    whole = tuple(slice(0, size) for size in metadata.shape)
    for part in file_parts(whole, Grid(metadata.shape, steps)):
        key = metadata.encode_chunk_key(part.position)
        if os.path.exists(f"{path}/{key}"):
            try:
                read_array(path, shown=key, max_bytes=None, region=part.extent)
            except PolyStoreError as error:
                yield key, str(error)


def unlisted(store: str) -> Iterator[FieldPlace]:
    """Yield the fields that are in their place and that their well, or the plate, does not list."""
    wells = set(listed_wells(store))
    for place in fields_there(store):
        if place.well not in wells or place.name not in listed_fields(store, place.well):
            yield place


def _left_aside(store: str) -> Iterator[Problem]:
    count = sum(is_temporary_name(name) for name in os.listdir(os.path.dirname(store) or "."))
    if count:
        yield Problem(".", f"{count} unfinished beside it; polystore repair removes what killed writers left")


def _array_problems(path: str, node: str, *, decode: bool) -> Iterator[Problem]:
    try:
        with Snapshot(path) as snapshot:
            metadata, steps = described(snapshot, shown=node)
    except PolyStoreError as error:
        yield Problem(node, str(error))
        return
    whole = tuple(slice(0, size) for size in metadata.shape)
    parts = file_parts(whole, Grid(metadata.shape, steps))
    keys = [metadata.encode_chunk_key(part.position) for part in parts] if prod(metadata.shape) else []
    missing = sum(not os.path.exists(f"{path}/{key}") for key in keys)
    if missing and is_by_region(metadata.attributes):
        yield Problem(node, f"{missing} of {len(keys)} chunks are not written yet; save their regions")
    elif missing:
        yield Problem(node, f"{missing} of {len(keys)} chunks are missing; save the array again")
    if os.path.isdir(f"{path}/{ASIDE}"):
        left = sum(is_temporary_name(name) for name in os.listdir(f"{path}/{ASIDE}"))
        if left:
            yield Problem(node, f"{left} unfinished in it; polystore repair removes what killed writers left")
    if decode:
        for key, reason in torn_chunks(path):
            yield Problem(node, f"chunk {key!r} is torn ({reason}); polystore repair sets it aside")


def _plate_problems(store: str) -> Iterator[Problem]:
    from ome_zarr_models import v04, v05

    ome = ome_of(attributes_of(store))
    if "plate" not in ome:
        return
    models: Any = v04 if ngff_of(document_of(store)) == "0.4" else v05
    yield from _checked(".", partial(models.hcs.HCSAttrs.model_validate, ome))
    for well in listed_wells(store):
        found = ome_of(attributes_of(f"{store}/{well}"))
        yield from _checked(well, partial(models.well.WellAttrs.model_validate, found))
        for name in listed_fields(store, well):
            field = f"{well}/{name}"
            yield from _checked(field, partial(_check_image, models.image.Image, f"{store}/{field}"))


def _unlisted_problems(store: str) -> Iterator[Problem]:
    wells = dict.fromkeys(place.well for place in fields_there(store))
    for node in dict.fromkeys(node for well in wells for node in (well.split("/")[0], well)):
        if not has_document(f"{store}/{node}"):
            yield Problem(node, "its document is missing; polystore repair makes it anew")
    for place in unlisted(store):
        yield Problem(place.path, "the field is whole but not listed; polystore repair lists it")


def _checked(node: str, check: Callable[[], object]) -> Iterator[Problem]:
    try:
        check()
    except Exception as error:
        yield Problem(node, f"not valid OME-NGFF: {type(error).__name__}: {' '.join(str(error).split())}")


def _check_image(model: Any, path: str) -> None:
    import zarr

    model.from_zarr(zarr.open_group(path, mode="r"))
