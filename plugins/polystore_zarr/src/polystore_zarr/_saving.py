"""Saving one array, or a region of one."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polystore_core import InvalidOption, PathNotFound
from polystore_zarr._array_writing import write_array
from polystore_zarr._chunk_store import ArrayWriter
from polystore_zarr._codecs import encoding_of
from polystore_zarr._declaration import BY_REGION, declare
from polystore_zarr._durable import sync_directory, sync_tree
from polystore_zarr._filling import write_region
from polystore_zarr._grid import grid_of
from polystore_zarr._groups import make_parents
from polystore_zarr._nodes import ASIDE, document_of, kind_of
from polystore_zarr._staging import publish, refuse_to_replace, rename_new

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from polystore_core.files import Durability
    from polystore_zarr._blocks import OnConflict
    from polystore_zarr._codecs import Compression
    from polystore_zarr._engine import Engine
    from polystore_zarr._plate_targets import Plates
    from polystore_zarr._staging import Staging

    Array = np.ndarray[Any, Any]

__all__ = ["Form", "refuse_another", "require_undeclared", "save_array", "save_region"]

_LAYOUT = ("chunks", "shards", "compression", "level", "codecs")
_DECLARED = ("shape", "data_type", "chunk_grid", "codecs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How an array is stored: cut, encoded, and kept.

    Attributes
    ----------
    chunks, shards
        As for :func:`grid_of`.
    compression, level, codecs
        As for :func:`encoding_of`.
    engine
        What encodes.
    durability
        Whether the array survives the loss of power.
    attributes
        Attributes of the array.
    """

    chunks: Sequence[int] | None = None
    shards: Sequence[int] | None = None
    compression: Compression | None = None
    level: int | None = None
    codecs: Sequence[Mapping[str, Any]] | None = None
    engine: Engine = "zarr-python"
    durability: Durability = "atomic"
    attributes: Mapping[str, Any] | None = None

    def encoding(self, itemsize: int) -> Any:
        """Return the codecs for elements of some bytes."""
        return encoding_of(
            compression=self.compression, level=self.level, codecs=self.codecs, itemsize=itemsize
        )


def save_array(
    data: Array,
    target: str,
    form: Form,
    staging: Staging,
    plates: Plates,
    *,
    overwrite: bool,
    shown: str,
    threads: int,
) -> int:
    """Write a whole array aside and put it in its place in one step; return the bytes stored."""
    grid = grid_of(data.shape, data.itemsize, chunks=form.chunks, shards=form.shards)
    encoding = form.encoding(data.itemsize)
    refuse_to_replace(target, overwrite=overwrite, shown=shown)
    make_parents(target, staging, shown=shown, durability=form.durability)
    with staging.directory(target) as staged:
        size = write_array(
            data,
            staged,
            grid=grid,
            encoding=encoding,
            attributes=form.attributes,
            threads=threads,
            engine=form.engine,
        )
        sync_tree(staged, form.durability)
        with plates.undisturbed(target):
            publish(staged, target, overwrite=overwrite, shown=shown)
        sync_directory(os.path.dirname(target), form.durability)
    return size


def save_region(
    data: Array,
    target: str,
    selection: Sequence[Any],
    form: Form,
    staging: Staging,
    *,
    shape: Sequence[int] | None,
    overwrite: bool,
    on_conflict: OnConflict,
    shown: str,
    threads: int,
) -> int:
    """Write a block into an array, which is declared first if its shape is given; return the bytes stored.

    Raises
    ------
    PathNotFound
        If there is no array and no shape is given.
    InvalidOption
        If the array there is not the one that is declared.
    """
    _refuse_levels(target, shown=shown)
    if shape is not None:
        _declare(tuple(shape), data.dtype, target, form, staging, shown=shown)
    else:
        require_undeclared(form, is_there=kind_of(target) == "array", shown=shown)
    return write_region(
        target,
        data,
        selection,
        shown=shown,
        overwrite=overwrite,
        on_conflict=on_conflict,
        engine=form.engine,
        durability=form.durability,
        threads=threads,
    )


def require_undeclared(form: Form, *, is_there: bool, shown: str) -> None:
    """Refuse to write a region without ``shape=`` where there is no array, or with a form for a new one.

    Raises
    ------
    InvalidOption, PathNotFound
    """
    if given := [name for name in _LAYOUT if getattr(form, name) is not None]:
        raise InvalidOption(
            f"{given[0]}= is settled when an array is made: pass shape= too, with which {shown!r} is made if "
            "it is missing, or leave it out"
        )
    if not is_there:
        raise PathNotFound(
            f"there is no array {shown!r} to write a region of; pass shape=, that of all of it, to make it",
            path=shown,
        )


def _declare(
    shape: tuple[int, ...], dtype: np.dtype[Any], target: str, form: Form, staging: Staging, *, shown: str
) -> None:
    """Make an array without chunks, unless it is there; whoever is first makes it for all."""
    grid = grid_of(shape, dtype.itemsize, chunks=form.chunks, shards=form.shards)
    wanted = declare(dtype, grid=grid, encoding=form.encoding(dtype.itemsize), attributes=BY_REGION)
    if kind_of(target) != "array":
        refuse_to_replace(target, overwrite=True, shown=shown)
        make_parents(target, staging, shown=shown, durability=form.durability)
        with staging.directory(target) as staged, contextlib.suppress(FileExistsError):
            store = ArrayWriter(staged)
            os.mkdir(f"{staged}/{ASIDE}")
            store.finish(wanted.documents)
            sync_tree(staged, form.durability)
            rename_new(staged, target)
            sync_directory(os.path.dirname(target), form.durability)
            return
    refuse_another(wanted.metadata.to_dict(), document_of(target), shown=shown)


def refuse_another(wanted: Mapping[str, Any], found: Mapping[str, Any], *, shown: str) -> None:
    """Refuse to write regions into an array that is not the one that is declared.

    Parameters
    ----------
    wanted, found
        What the documents of both say.
    shown
        The path as the caller gave it.

    Raises
    ------
    InvalidOption
    """
    for part in _DECLARED:
        if _plain(wanted[part]) != _plain(found.get(part)):
            raise InvalidOption(
                f"{shown!r} is there already with another {part.replace('_', ' ')}: {found.get(part)}, not "
                f"{wanted[part]}. Leave shape= out to write into it as it is, or delete it first"
            )


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back: tuples are lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _refuse_levels(target: str, *, shown: str) -> None:
    """Refuse one level of an image with several: the others would no longer show the same."""
    try:
        parent: Any = document_of(os.path.dirname(target)).get("attributes", {})
    except (OSError, ValueError):
        return
    ome = parent.get("ome", parent) if isinstance(parent, dict) else {}
    if isinstance(ome, dict) and "multiscales" in ome:
        raise InvalidOption(
            f"{shown!r} is a level of an OME-NGFF image, and all are made together; save the whole field"
        )
