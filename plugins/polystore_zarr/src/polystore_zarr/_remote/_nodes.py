"""What a key of a bucket is, and which version of it counts."""

from __future__ import annotations

import contextlib
import re
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_zarr._ngff import ome_of
from polystore_zarr._nodes import MOST_BYTES, group_files, parsed
from polystore_zarr._remote._addresses import joined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from obstore import UpdateVersion

    from polystore_zarr._ngff import ZarrFormat
    from polystore_zarr._nodes import NodeKind
    from polystore_zarr._remote._buckets import Bucket

__all__ = [
    "Node",
    "array_pointer",
    "level_names",
    "level_part",
    "new_version",
    "node_of",
    "node_or_claim",
    "pointing",
    "version_in",
    "version_of",
    "without_bare_group",
]

_version_name = re.compile("version-[0-9a-f]{32}").fullmatch
_part_name = re.compile("(version-[0-9a-f]{32})(?:-([0-9]+))?").fullmatch


class Node(NamedTuple):
    """What there is under a key.

    Attributes
    ----------
    kind
        As for a directory: an array, a directory, or something that has nothing to do with Zarr.
    base
        Key that the files of an array are below; of a directory its own.
    decisive
        Key of the document that says so; ``""`` if there is none.
    token
        Of that document.
    document
        What it says; empty if it cannot be understood.
    problem
        Why it cannot.
    raw
        The document as it is stored.
    """

    kind: NodeKind
    base: str
    decisive: str = ""
    token: UpdateVersion | None = None
    document: Mapping[str, Any] = {}
    problem: str | None = None
    raw: bytes = b""

    @property
    def is_claim(self) -> bool:
        """Whether this only says that somebody is writing the first version."""
        ours = self.attributes.get("polystore")
        return isinstance(ours, dict) and "claim" in ours

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Attributes of a group."""
        attributes = self.document.get("attributes")
        return attributes if isinstance(attributes, dict) else {}

    @property
    def version(self) -> str | None:
        """Name of the version that counts, if it is a node with versions."""
        return version_of(self.attributes)


def new_version() -> str:
    """Return a name that nobody has used."""
    return f"version-{uuid.uuid4().hex}"


def version_in(name: str) -> str | None:
    """Return the version that a name is of: that of an array, or of a level of an image.

    Examples
    --------
    >>> version = "version-" + "0" * 32
    >>> version_in(version) == version_in(level_part(version, "1")) == version, version_in("0")
    (True, None)
    """
    match = _part_name(name)
    return None if match is None else match[1]


def level_part(version: str, level: str) -> str:
    """Return the name of a level of an image: beside the others, as some readers look no deeper."""
    return f"{version}-{level}"


def version_of(attributes: Mapping[str, Any]) -> str | None:
    """Return the version that the attributes of a node point to."""
    ours = attributes.get("polystore")
    version = ours.get("version") if isinstance(ours, dict) else None
    return version if isinstance(version, str) and _version_name(version) else None


def pointing(attributes: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return attributes that point to a version."""
    return {**attributes, "polystore": {**attributes.get("polystore", {}), "version": version}}


def array_pointer(version: str) -> bytes:
    """Return the document of an array: a group that says which version counts."""
    attributes = {"polystore": {"node": "array", "version": version}}
    return group_files(attributes, 3)["zarr.json"]


def document_name(zarr_format: ZarrFormat) -> str:
    """Return the name of the document that decides about a group."""
    return ".zattrs" if zarr_format == 2 else "zarr.json"


def without_bare_group(node: Node | None) -> Node | None:
    """Return a node, but none for a group of Zarr v2 that says nothing yet: one is about to be committed."""
    return None if node is not None and node.decisive.endswith(".zgroup") else node


def level_names(node: Node) -> dict[str, str]:
    """Return the levels of an image by name, and where they are below its key."""
    with contextlib.suppress(LookupError, TypeError):
        paths = [str(dataset["path"]) for dataset in ome_of(node.attributes)["multiscales"][0]["datasets"]]
        if node.version is None:
            return {path: path for path in paths if "/" not in path and path.strip(".")}
        parts = [match for match in map(_part_name, paths) if match is not None]
        return {match[2]: match[0] for match in parts if match[1] == node.version and match[2]}
    return {}


def node_of(bucket: Bucket, key: str, *, root: str = "") -> Node | None:
    """Tell what there is under a key; ``None`` if nothing, or nothing that was ever committed.

    Parameters
    ----------
    bucket, key
        Where to look.
    root
        Key above which nothing is looked at; it is a directory, whatever is there.
    """
    found = node_or_claim(bucket, key)
    if found is None and key != root:
        found = _level(bucket, key)
    if found is not None and found.is_claim:
        return None
    if found is None and key == root:
        return Node("directory", key)
    return found


def node_or_claim(bucket: Bucket, key: str) -> Node | None:
    """Tell what there is under a key, also if it only says that somebody is writing the first version."""
    return _documented(bucket, key) or _undocumented(bucket, key)


def _documented(bucket: Bucket, key: str) -> Node | None:
    decisive = joined(key, "zarr.json")
    try:
        content = bucket.get(decisive, MOST_BYTES)
        document = parsed(content.data)
    except FileNotFoundError:
        return None
    except ValueError as error:
        return Node("array", key, decisive, problem=f"zarr.json cannot be read: {error}")
    found = Node("directory", key, decisive, content.token, document, raw=content.data)
    if document.get("node_type") != "group":
        return found._replace(kind="array")
    ours = found.attributes.get("polystore")
    if not isinstance(ours, dict) or ours.get("node") != "array":
        return found
    version = found.version
    if version is None:
        return found._replace(kind="array", problem=f"{ours.get('version')!r} is not the name of a version")
    return found._replace(kind="array", base=joined(key, version))


def _undocumented(bucket: Bucket, key: str) -> Node | None:
    """Tell what there is under a key without a document of Zarr v3, by what lies below it."""
    prefixes, objects = bucket.children(key)
    if "zarr.json" in objects:
        return _documented(bucket, key)
    if ".zarray" in objects:
        return _of_v2(bucket, key, ".zarray", "array")
    if ".zgroup" in objects:
        name = ".zattrs" if ".zattrs" in objects else ".zgroup"
        return _of_v2(bucket, key, name, "directory")
    if objects or any(version_in(name) is None for name in prefixes):
        return Node("directory", key)
    return None


def _of_v2(bucket: Bucket, key: str, name: str, kind: NodeKind) -> Node | None:
    decisive = joined(key, name)
    try:
        content = bucket.get(decisive, MOST_BYTES)
        document = parsed(content.data)
    except FileNotFoundError:
        return None
    except ValueError as error:
        return Node("array", key, decisive, problem=f"{name} cannot be read: {error}")
    if kind == "directory":
        document = {"attributes": document if name == ".zattrs" else {}}
    return Node(kind, key, decisive, content.token, {**document, "zarr_format": 2}, raw=content.data)


def _level(bucket: Bucket, key: str) -> Node | None:
    """Tell whether a key is that of a level of an image with versions, or of an object."""
    parent, _, name = key.rpartition("/")
    image = _documented(bucket, parent) or _undocumented(bucket, parent) if parent else None
    if image is not None and image.kind == "directory":
        place = level_names(image).get(name)
        if place is not None and place != name:
            return image._replace(kind="array", base=joined(parent, place))
    with contextlib.suppress(FileNotFoundError):
        bucket.head(key)
        return Node("foreign", key)
    return None


def children_of(bucket: Bucket, key: str) -> Sequence[str]:
    """Return the names below a key that may be nodes."""
    return [name for name in bucket.children(key).prefixes if version_in(name) is None]
