"""Taking over mappings that another program wrote."""

from __future__ import annotations

import os

from polystore_core import CorruptData, InvalidOption
from polystore_core.paths import normalize_path
from polystore_workspace._document import METADATA_NAME, Workspace, entries, put_entry, read_document
from polystore_workspace._target import Target, decode_target

__all__ = ["migrate_workspaces"]


def migrate_workspaces(
    file: str | os.PathLike[str],
    *,
    plate: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    allow_outside: bool = False,
    metadata: str = METADATA_NAME,
) -> list[Workspace]:
    """Write the mappings in a metadata file anew, in the short form, into the metadata of a plate.

    Understands ``subdirectories -> NAME -> workspace_mapping`` with targets as plain paths or as objects
    with the fields ``backend``, ``backend_address`` and ``source_axis_indices``, as the other project
    called ``polystore`` and the programs built on it write them. Such a file can also be read as it is;
    migrating is for a file of another name, and makes it a third of the size. In a file that is migrated
    in place those programs no longer find their mapping.

    Parameters
    ----------
    file
        The metadata file. It stays, unless it is the target.
    plate
        Directory of the plate; by default the one that holds the file.
    overwrite
        Replaces workspaces of the same names.
    allow_outside
        As in :func:`create_workspace`.
    metadata
        Name of the metadata file to write.

    Returns
    -------
    list of Workspace
        One for each entry with a mapping; its directory is the plate, because such mappings name files
        by their path below the plate.

    Raises
    ------
    PathNotFound, CorruptData
        If the file is missing or damaged.
    InvalidOption
        If it has no mapping.
    PathExists, AccessDenied
        As in :func:`create_workspace`.

    Examples
    --------
    >>> import json, pathlib
    >>> shown = {"backend": "disk", "backend_address": "raw/a.tif", "source_axis_indices": [2]}
    >>> entry = {"workspace_mapping": {"A01_z3.tif": shown}}
    >>> _ = pathlib.Path("old_metadata.json").write_text(json.dumps({"subdirectories": {".": entry}}))
    >>> migrate_workspaces("old_metadata.json")
    [Workspace(directory='.', files=1, metadata='polystore_metadata.json')]
    """
    path = normalize_path(file)
    directory = normalize_path(os.path.dirname(path) or ".") if plate is None else normalize_path(plate)
    found = {name: mapping for name, mapping in entries(read_document(path), path) if mapping}
    if not found:
        raise InvalidOption(
            f"{path!r} has no workspace_mapping in any of its subdirectories; nothing was written"
        )
    in_place = os.path.realpath(path) == os.path.realpath(os.path.join(directory, metadata))
    return [
        put_entry(
            directory,
            name,
            {virtual: _decoded(virtual, value, path) for virtual, value in mapping.items()},
            overwrite=overwrite or in_place,
            allow_outside=allow_outside,
            metadata=metadata,
        )._replace(directory=directory)
        for name, mapping in found.items()
    ]


def _decoded(virtual: str, value: object, file: str) -> Target:
    try:
        return decode_target(value)
    except ValueError as error:
        raise CorruptData(f"{virtual!r} in {file!r}: {error}", path=file) from error
