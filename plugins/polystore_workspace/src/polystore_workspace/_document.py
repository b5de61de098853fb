"""The mappings of a plate, as they lie in its metadata file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_core import CorruptData, InvalidPath, PathExists
from polystore_core.files import AtomicMetadataWriter, atomic_update_json
from polystore_core.paths import normalize_path
from polystore_workspace._confinement import require_inside
from polystore_workspace._target import Target, decode_target, encode_target, is_foreign

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    JsonObject = dict[str, Any]

__all__ = ["METADATA_NAME", "Workspace", "mappings", "read_document", "read_mapping", "virtual_path", "write_mapping"]

METADATA_NAME = "polystore_metadata.json"
"""Name of the metadata file of a plate, in the plate's own directory."""

_ENTRIES = "subdirectories"
_MAPPING = "workspace_mapping"


class Workspace(NamedTuple):
    """What was made by :func:`create_workspace` or :func:`write_mapping`.

    Attributes
    ----------
    directory
        Virtual directory that holds its files: the plate as it was given, and the name.
    files
        Number of virtual files.
    metadata
        Path of the metadata file that holds the mapping.
    """

    directory: str
    files: int
    metadata: str


def write_mapping(
    plate: str | os.PathLike[str],
    mapping: Mapping[str, Target],
    *,
    name: str = "workspace",
    overwrite: bool = False,
    allow_outside: bool = False,
    metadata: str = METADATA_NAME,
    about: Mapping[str, Any] | None = None,
) -> Workspace:
    """Keep a mapping of virtual paths as a workspace of a plate.

    Other metadata in the file, and other workspaces, stay. Nothing is read from the targets.

    Parameters
    ----------
    plate
        Directory of the plate.
    mapping
        Path below the virtual directory -> what it shows.
    name
        Virtual directory below the plate; ``"."`` shows the files in the plate's directory itself.
    overwrite
        Replaces a workspace of that name.
    allow_outside
        Accepts targets outside the plate's directory; they can be read only by a backend that is
        configured to read them.
    metadata
        Name of the metadata file.
    about
        Further facts to note in the workspace's entry; they are not used for reading.

    Raises
    ------
    PathExists
        If there is a workspace of that name, unless ``overwrite``.
    AccessDenied
        If a target is outside the plate, unless ``allow_outside``.
    InvalidPath
        If a virtual path is not a relative path below the workspace, or is another's directory.
    CorruptData
        If the metadata file is damaged; it is left as it is.

    Examples
    --------
    >>> from polystore_workspace import Target, read_mapping, write_mapping
    >>> write_mapping("plate", {"A01.tif": Target("raw/stack.tif", index=(3,))}, name="planes")
    Workspace(directory='plate/planes', files=1, metadata='plate/polystore_metadata.json')
    >>> read_mapping("plate")
    {'planes/A01.tif': Target(address='raw/stack.tif', backend='disk', index=(3,))}
    """
    root = normalize_path(plate)
    entry = _entry_name(name)
    prefix = "" if entry == "." else f"{entry}/"
    encoded: JsonObject = {}
    for path, target in mapping.items():
        if not allow_outside:
            require_inside(root, target.address, shown=path)
        decode_target(encode_target(target))
        encoded[virtual_path(prefix + path)] = encode_target(target)
    directories = {parent for path in encoded for parent in _parents(path)}
    for path in directories & encoded.keys():
        raise InvalidPath(f"{path!r} would be a file and a directory of the workspace", path=path)
    file = join(root, metadata)

    def put(document: JsonObject) -> JsonObject:
        entries = document.setdefault(_ENTRIES, {})
        list(mappings(document, file))
        present = entries.setdefault(entry, {})
        if present.get(_MAPPING) and not overwrite:
            raise PathExists(
                f"plate {root!r} has a workspace {name!r} already; pass overwrite=True to replace it, or "
                "another name",
                path=join(root, entry),
            )
        present.pop("about", None)
        present[_MAPPING] = encoded
        if about is not None:
            present["about"] = dict(about)
        return document

    atomic_update_json(file, put, default={})
    return Workspace(normalize_path(join(root, entry)), len(encoded), file)


def read_mapping(
    plate: str | os.PathLike[str], *, metadata: str = METADATA_NAME
) -> dict[str, Target]:
    """Return what every virtual file of a plate shows, by path relative to the plate.

    Raises
    ------
    PathNotFound
        If there is no metadata file.
    CorruptData
        If it is damaged.
    """
    file = join(normalize_path(plate), metadata)
    found: dict[str, Target] = {}
    for path, value in mappings(read_document(file), file):
        try:
            found[path] = decode_target(value)
        except ValueError as error:
            raise CorruptData(f"{path!r} in {file!r}: {error}", path=file) from error
    return found


def read_document(file: str) -> JsonObject:
    """Read a metadata file as it is now."""
    return AtomicMetadataWriter().read(file)


def mappings(document: JsonObject, file: str) -> Iterator[tuple[str, object]]:
    """Yield the virtual paths of all workspaces, relative to the plate, with what they show, still as JSON.

    Raises
    ------
    CorruptData
        If the document is not built as it must be, or two entries claim one path.
    """
    seen: dict[str, object] = {}
    for name, entry in _object(document.get(_ENTRIES, {}), repr(_ENTRIES), file).items():
        mapping = _object(entry, f"the entry {name!r}", file).get(_MAPPING)
        if mapping is None:
            continue
        for key, value in _object(mapping, f"{_MAPPING!r} of {name!r}", file).items():
            try:
                path = virtual_path(key.replace("\\", "/") if is_foreign(value) else key)
            except InvalidPath as error:
                raise CorruptData(f"{_MAPPING!r} of {name!r} in {file!r}: {error}", path=file) from error
            if path not in seen:
                seen[path] = value
                yield path, value
            elif seen[path] != value:
                raise CorruptData(f"{path!r} is there twice in {file!r}, with different targets", path=file)


def virtual_path(path: str) -> str:
    """Give the normal form of a virtual path relative to the plate.

    Raises
    ------
    InvalidPath
        If it is absolute, empty or leads out of the plate.
    """
    normal = normalize_path(path)
    if normal[0] in "/." and (normal in {".", ".."} or normal.startswith(("/", "../"))):
        raise InvalidPath(f"{path!r} is no virtual path: name a file below the plate, 'A01/z1.tif'", path=path)
    return normal


def join(directory: str, path: str) -> str:
    """Join two normalised paths, the second relative."""
    if directory == ".":
        return path
    return f"{directory.rstrip('/')}/{path}"


def _entry_name(name: str) -> str:
    return "." if normalize_path(name) == "." else virtual_path(name)


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _object(value: object, what: str, file: str) -> JsonObject:
    if not isinstance(value, dict):
        raise CorruptData(
            f"{what} in {file!r} is {type(value).__name__}, not an object; the file was left as it is",
            path=file,
        )
    return value
