"""What a path is: an array (a file, to the file manager), a directory, or nothing of ours."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_zarr._ngff import ZarrFormat

__all__ = [
    "ASIDE",
    "DOCUMENTS",
    "MOST_BYTES",
    "NodeKind",
    "document_of",
    "format_of",
    "group_files",
    "has_document",
    "kind_of",
    "parents_of",
    "parsed",
    "store_of",
]

NodeKind = Literal["array", "directory", "foreign"]

DOCUMENTS = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
"""The files in which Zarr v3, and Zarr v2, say what a directory is."""

ASIDE = ".polystore"
"""Directory in an array that is written by regions: its lock, and what is not a whole chunk yet."""

MOST_BYTES = 64 * 2**20
"""What the document of a node may hold; a plate of 1536 wells has 0.2 MB."""


def kind_of(path: str) -> NodeKind | None:
    """Tell what there is under a path; ``None`` if nothing.

    A directory is a Zarr group or a plain directory. A node whose document cannot be understood counts as
    an array: it can be deleted and replaced, and loading it says what is wrong. ``"foreign"`` is a file
    that has nothing to do with Zarr.
    """
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return "foreign" if os.path.islink(path) else None
    if not stat.S_ISDIR(status.st_mode):
        return "foreign"
    if not has_document(path) and os.access(path, os.X_OK):
        return "directory"
    try:
        document = document_of(path)
    except (FileNotFoundError, NotADirectoryError):  # something else is there by now
        return kind_of(path) if has_document(path) or not os.path.isdir(path) else "directory"
    except ValueError:
        return "array"
    return "directory" if document.get("node_type") == "group" else "array"


def has_document(path: str) -> bool:
    """Whether a directory says that it is a node, of Zarr v3 or v2; False too if it cannot be looked into."""
    return any(os.access(f"{path}/{name}", os.F_OK) for name in ("zarr.json", ".zgroup", ".zarray"))


def document_of(path: str) -> dict[str, Any]:
    """Read ``zarr.json``, or what Zarr v2 says in ``.zarray`` or ``.zgroup`` and ``.zattrs`` in that form.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is none.
    ValueError
        If it is no JSON object.
    """
    try:
        return parsed(_content_of(f"{path}/zarr.json"))
    except FileNotFoundError:
        return _document_of_v2(path)


def format_of(path: str) -> ZarrFormat:
    """Return the version of Zarr that a node is of; 3 for a plain directory."""
    try:
        return 2 if document_of(path).get("zarr_format") == 2 else 3
    except (OSError, ValueError):
        return 3


def _document_of_v2(path: str) -> dict[str, Any]:
    for name, node_type in ((".zgroup", "group"), (".zarray", "array")):
        with contextlib.suppress(FileNotFoundError):
            document = parsed(_content_of(f"{path}/{name}"))
            attributes: dict[str, Any] = {}
            with contextlib.suppress(FileNotFoundError):
                attributes = parsed(_content_of(f"{path}/.zattrs"))
            return {**document, "zarr_format": 2, "node_type": node_type, "attributes": attributes}
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"{path}/zarr.json")


def group_files(attributes: Mapping[str, Any], zarr_format: ZarrFormat) -> dict[str, bytes]:
    """Return name and content of the files that make a directory a group; the last one decides."""
    if zarr_format == 2:
        return {".zgroup": _text({"zarr_format": 2}), ".zattrs": _text(attributes)}
    return {"zarr.json": _text({"zarr_format": 3, "node_type": "group", "attributes": dict(attributes)})}


def _text(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, allow_nan=False, ensure_ascii=False).encode()


def _content_of(file_path: str) -> bytes:
    with open(file_path, "rb") as file:
        return file.read(MOST_BYTES + 1)


def parsed(content: bytes) -> dict[str, Any]:
    """Return what a document says.

    Raises
    ------
    ValueError
        If it is no JSON object.
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES} bytes")
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
