"""What a path is: an array (a file, to the file manager), a directory, or nothing of ours."""

from __future__ import annotations

import json
import os
from typing import Any, Literal

__all__ = ["GROUP", "NodeKind", "document_of", "kind_of", "parents_of", "store_of"]

NodeKind = Literal["array", "directory", "foreign"]

GROUP: dict[str, Any] = {"zarr_format": 3, "node_type": "group", "attributes": {}}

_MOST_BYTES = 64 * 2**20
"""What the document of a node may hold; a plate of 1536 wells has 0.2 MB."""


def kind_of(path: str) -> NodeKind | None:
    """Tell what there is under a path; ``None`` if nothing.

    A directory is a Zarr group or a plain directory. A node whose document cannot be understood counts as
    an array: it can be deleted and replaced, and loading it says what is wrong. ``"foreign"`` is a file
    that has nothing to do with Zarr.
    """
    try:
        document = document_of(path)
    except FileNotFoundError:
        return _kind_without_document(path)
    except NotADirectoryError:
        return "foreign" if os.path.lexists(path) else None
    except ValueError:
        return "array"
    return "directory" if document.get("node_type") == "group" else "array"


def _kind_without_document(path: str) -> NodeKind | None:
    """Tell what there is under a path that had no document; look again at what appears meanwhile."""
    if not os.path.isdir(path):
        if not os.path.lexists(path):
            return None
        return _kind_without_document(path) if os.path.isdir(path) else "foreign"
    if os.path.exists(f"{path}/zarr.json"):
        return kind_of(path)
    return "array" if os.path.exists(f"{path}/.zarray") else "directory"


def document_of(path: str) -> dict[str, Any]:
    """Read ``zarr.json``.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is none.
    ValueError
        If it is no JSON object.
    """
    with open(f"{path}/zarr.json", "rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES} bytes")
    try:
        document = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004
    return document


def store_of(path: str) -> str | None:
    """Return the outermost component that ends in ``.zarr``, with what is before it.

    Examples
    --------
    >>> store_of("data/plate.ome.zarr/A/1/0"), store_of("data/image.npy")
    ('data/plate.ome.zarr', None)
    """
    if ".zarr" not in path:
        return None
    parts = path.split("/")
    for count, part in enumerate(parts, start=1):
        if part.endswith(".zarr") and part != ".zarr":
            return "/".join(parts[:count])
    return None


def parents_of(path: str) -> list[str]:
    """Return the directories above a path, outermost first.

    Examples
    --------
    >>> parents_of("/a/b/c"), parents_of("a/b")
    (['/a', '/a/b'], ['a'])
    """
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts)) if parts[count - 1]]
