"""What a virtual file shows, and how that is written in JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Target", "decode_target", "encode_target", "is_foreign"]

_OWN = frozenset({"backend", "address", "index"})
_FOREIGN = frozenset({"backend", "backend_address", "source_axis_indices"})


@dataclass(frozen=True, slots=True)
class Target:
    """The data behind one virtual file.

    Attributes
    ----------
    address
        Path on the target's backend: relative to the plate, or absolute.
    backend
        Name of the backend that reads it.
    index
        Position along the leading axes of the array found there, from 0: ``(1, 4)`` of an array of
        shape (C, Z, Y, X) is channel 1, plane 4, of shape (Y, X). Empty shows the whole value.

    Examples
    --------
    >>> from polystore_workspace import Target
    >>> Target("raw/A01.tif", index=(1, 4))
    Target(address='raw/A01.tif', backend='disk', index=(1, 4))
    """

    address: str
    backend: str = "disk"
    index: tuple[int, ...] = ()


def encode_target(target: Target) -> str | list[str | int] | dict[str, Any]:
    """Write a target in its shortest form.

    Examples
    --------
    >>> encode_target(Target("raw/A01.tif"))
    'raw/A01.tif'
    >>> encode_target(Target("raw/A01.tif", index=(1, 4)))
    ['raw/A01.tif', 1, 4]
    >>> encode_target(Target("plate.zarr/A/01", "zarr", (0,)))
    {'backend': 'zarr', 'address': 'plate.zarr/A/01', 'index': [0]}
    """
    if target.backend != "disk":
        return {"backend": target.backend, "address": target.address, "index": list(target.index)}
    return [target.address, *target.index] if target.index else target.address


def decode_target(value: object) -> Target:
    """Read a target in any of its forms, that of the other project called ``polystore`` included.

    Raises
    ------
    ValueError
        If it has none of them; the message says what is wrong.

    Examples
    --------
    >>> decode_target(["raw/A01.tif", 1, 4])
    Target(address='raw/A01.tif', backend='disk', index=(1, 4))
    >>> decode_target({"backend": "disk", "backend_address": "A01.tif", "source_axis_indices": [2]})
    Target(address='A01.tif', backend='disk', index=(2,))
    """
    if isinstance(value, str):
        return _checked("disk", value, ())
    if isinstance(value, list) and value:
        return _checked("disk", value[0], value[1:])
    if isinstance(value, dict):
        if is_foreign(value):
            address = value["backend_address"]
            portable = address.replace("\\", "/") if isinstance(address, str) else address
            backend = value["backend"].strip().lower() if isinstance(value["backend"], str) else None
            return _checked(backend, portable, value["source_axis_indices"])
        if "address" in value and value.keys() <= _OWN:
            return _checked(value.get("backend", "disk"), value["address"], value.get("index", []))
    raise ValueError(
        f"{value!r:.80} is no target: that is an address, [address, index...] or an object with address, "
        "backend and index"
    )


def is_foreign(value: object) -> bool:
    """Whether a target has the three fields of the other project."""
    return isinstance(value, dict) and value.keys() == _FOREIGN


def _checked(backend: object, address: object, index: object) -> Target:
    if not isinstance(backend, str) or not backend.strip():
        raise ValueError(f"the backend {backend!r:.80} is not a name")
    if not isinstance(address, str) or not address.strip() or "\0" in address:
        raise ValueError(f"the address {address!r:.80} is not a path")
    if not isinstance(index, (list, tuple)) or not _are_positions(index):
        raise ValueError(f"the index {index!r:.80} is not a list of whole numbers from 0")
    return Target(address, backend, tuple(index))


def _are_positions(index: Iterable[object]) -> bool:
    return all(isinstance(item, int) and not isinstance(item, bool) and item >= 0 for item in index)
