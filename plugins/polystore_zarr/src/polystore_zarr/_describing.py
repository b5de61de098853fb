"""Describing a store: its plate, or its arrays as a tree."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from polystore_core.paths import natural_sorted
from polystore_zarr._inspection import require_store
from polystore_zarr._layout_on_disk import attributes_of, listed_fields, listed_wells
from polystore_zarr._names import find
from polystore_zarr._ngff import ngff_of, ome_of
from polystore_zarr._nodes import document_of, kind_of
from polystore_zarr._tree import list_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["describe"]


def describe(store: str) -> Iterator[str]:
    """Describe a store line by line: its plate if it is one, else its arrays as a tree."""
    require_store(store)
    ome = ome_of(attributes_of(store))
    if "plate" not in ome:
        yield from _tree_lines(store)
        return
    plate, wells = ome["plate"], listed_wells(store)
    fields = [f"{well}/{name}" for well in wells for name in listed_fields(store, well)]
    version = ngff_of(document_of(store))
    yield f"{os.path.basename(store)}: plate {plate.get('name', '')!r}, OME-NGFF {version}"
    yield f"  {len(plate['rows'])} x {len(plate['columns'])}, {len(wells)} wells, {len(fields)} fields"
    for field in fields[:1]:
        yield f"  field {field}, as an example:"
        yield from (f"    {line}" for line in _image_lines(f"{store}/{field}"))


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
    ome = ome_of(attributes_of(path))
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
        if document["zarr_format"] == 2:
            return _array_line_v2(document)
        shape, grid = document["shape"], document["chunk_grid"]["configuration"]["chunk_shape"]
        codecs = ", ".join(codec["name"] for codec in document["codecs"])
        names = document.get("dimension_names") or []
    except (OSError, ValueError, LookupError, TypeError):
        return "damaged"
    axes = f" ({', '.join(map(str, names))})" if names else ""
    sizes, files = " x ".join(map(str, shape)), " x ".join(map(str, grid))
    return f"{sizes}{axes} {document['data_type']}, files of {files}, {codecs}"


def _array_line_v2(document: Mapping[str, Any]) -> str:
    sizes, files = (" x ".join(map(str, document[name])) for name in ("shape", "chunks"))
    codecs = [codec["id"] for codec in (*(document["filters"] or ()), document["compressor"]) if codec]
    return f"{sizes} {np.dtype(document['dtype'])}, files of {files}, {', '.join(codecs) or 'raw'}"
