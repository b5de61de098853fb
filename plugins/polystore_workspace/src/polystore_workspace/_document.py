"""The mappings of a plate, as they lie in its metadata file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from polystore_core import CorruptData, InvalidPath, PathExists
from polystore_core.files import AtomicMetadataWriter, atomic_update_json
from polystore_core.paths import normalize_path
from polystore_workspace._confinement import require_inside
from polystore_workspace._index import build_index
from polystore_workspace._target import Target, decode_target, encode_target, is_foreign

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

    JsonObject = dict[str, Any]

__all__ = [
    "METADATA_NAME",
    "Workspace",
    "entries",
    "join",
    "mappings",
    "put_entry",
    "read_document",
    "read_mapping",
    "write_mapping",
]

METADATA_NAME = "polystore_metadata.json"
"""Name of the metadata file of a plate, in the plate's own directory."""

_ENTRIES = "subdirectories"
_MAPPING = "workspace_mapping"
_ABOUT = "workspace_about"


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
        If a virtual path is not a relative path below the workspace.
    CorruptData
        If the metadata file is damaged, or would hold a virtual path twice or as file and directory; it
        is left as it is.

    Examples
    --------
    >>> from polystore_workspace import Target, read_mapping, write_mapping
    >>> write_mapping("plate", {"A01.tif": Target("raw/stack.tif", index=(3,))}, name="planes")
    Workspace(directory='plate/planes', files=1, metadata='plate/polystore_metadata.json')
    >>> read_mapping("plate")
    {'planes/A01.tif': Target(address='raw/stack.tif', backend='disk', index=(3,))}
    """
    entry = "." if normalize_path(name) == "." else virtual_path(name)
    prefix = "" if entry == "." else f"{entry}/"
    return put_entry(
        plate,
        entry,
        {virtual_path(prefix + virtual_path(path)): target for path, target in mapping.items()},
        overwrite=overwrite,
        allow_outside=allow_outside,
        metadata=metadata,
        about=about,
    )


def put_entry(
    plate: str | os.PathLike[str],
    entry: str,
    targets: Mapping[str, Target],
    *,
    overwrite: bool,
    allow_outside: bool,
    metadata: str,
    about: Mapping[str, Any] | None = None,
) -> Workspace:
    """Put one entry into the metadata file; its virtual paths are relative to the plate."""
    root = normalize_path(plate)
    if not allow_outside:
        for path, target in targets.items():
            require_inside(root, target.address, shown=path)
    encoded = {path: encode_target(target) for path, target in targets.items()}
    file = join(root, metadata)

    def put(document: JsonObject) -> JsonObject:
        entries = _object(document.setdefault(_ENTRIES, {}), repr(_ENTRIES), file)
        present = _object(entries.setdefault(entry, {}), f"the entry {entry!r}", file)
        if present.get(_MAPPING) and not overwrite:
            raise PathExists(
                f"plate {root!r} has a workspace {entry!r} already; pass overwrite=True to replace it, or "
                "choose another name",
                path=join(root, entry),
            )
        present.pop(_ABOUT, None)
        present |= {_MAPPING: encoded} if about is None else {_MAPPING: encoded, _ABOUT: dict(about)}
        build_index(mappings(document, file), modified=0, file=file)
        return document

    atomic_update_json(file, put, default={})
    return Workspace(normalize_path(join(root, entry)), len(encoded), file)


def read_mapping(plate: str | os.PathLike[str], *, metadata: str = METADATA_NAME) -> dict[str, Target]:
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
        If the document is not built as it must be, or two workspaces claim one path.
    """
    seen: dict[str, object] = {}
    for _, mapping in entries(document, file):
        for path, value in mapping.items():
            if path not in seen:
                seen[path] = value
                yield path, value
            elif seen[path] != value:
                raise CorruptData(f"{path!r} is there twice in {file!r}, with different targets", path=file)


def entries(document: JsonObject, file: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield every workspace of a plate by name, its virtual paths normalised.

    Raises
    ------
    CorruptData
        If the document is not built as it must be.
    """
    for name, entry in _object(document.get(_ENTRIES, {}), repr(_ENTRIES), file).items():
        mapping = _object(entry, f"the entry {name!r}", file).get(_MAPPING)
        if mapping is None:
            continue
        paths: dict[str, object] = {}
        for key, value in _object(mapping, f"{_MAPPING!r} of {name!r}", file).items():
            try:
                path = virtual_path(key.replace("\\", "/") if is_foreign(value) else key)
            except InvalidPath as error:
                raise CorruptData(f"{_MAPPING!r} of {name!r} in {file!r}: {error}", path=file) from error
            if paths.setdefault(path, value) != value:
                raise CorruptData(f"{path!r} is there twice in {file!r}, with different targets", path=file)
        yield name, paths


def virtual_path(path: str) -> str:
    """Give the normal form of a virtual path relative to the plate.

    Raises
    ------
    InvalidPath
        If it is absolute, empty or leads out of the plate.
    """
    normal = normalize_path(path)
    if normal[0] in "/." and (normal in {".", ".."} or normal.startswith(("/", "../"))):
        raise InvalidPath(
            f"{path!r} is no virtual path: name a file below the plate, 'A01/z1.tif'", path=path
        )
    return normal


def join(directory: str, path: str) -> str:
    """Join two normalised paths, the second relative."""
    if directory == ".":
        return path
    return f"{directory.rstrip('/')}/{path}"


def _object(value: object, what: str, file: str) -> JsonObject:
    if not isinstance(value, dict):
        raise CorruptData(
            f"{what} in {file!r} is {type(value).__name__}, not an object; the file was left as it is",
            path=file,
        )
    return value
