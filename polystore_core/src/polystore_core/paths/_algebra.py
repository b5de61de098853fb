"""The path algebra: one normal form for every path on every backend.

A path is text whose components are separated by ``/``. Two spellings that differ only as below name
the same entry, and :func:`normalize_path` gives both the same normal form:

====================  ==================  =====================================================
spelling              normal form         rule
====================  ==================  =====================================================
``a//b``              ``a/b``             empty components vanish
``./a/./b``           ``a/b``             ``.`` components vanish
``a/b/``              ``a/b``             a trailing separator vanishes
``a/../b``            ``b``               ``..`` takes back the component before it, by name only
``../a``              ``../a``            a leading ``..`` of a relative path is kept
``.``, ``a/..``       ``.``               the place the path is relative to
``/``, ``//a``        ``/``, ``/a``       one root
``/..``               refused             nothing lies above the root
``""``, NUL           refused             no file system can hold them
``s3://b//k/../x``    ``s3://b/x``        a URL keeps its scheme; nothing lies above what that names
``a\\b``               ``a\\b``             ``\\`` is a separator on Windows only, there it is ``a/b``
====================  ==================  =====================================================

Letter case and Unicode composition are kept as given. ``..`` is resolved by name: symbolic links are not
looked at. On Windows a drive (``C:``) or share (``//host/share``) stays in front.

Stores with a root of their own (memory, Zarr) know no working directory: :func:`store_path` makes ``a``
and ``/a`` one entry and refuses a leading ``..``.

A scheme is a letter and at least one more letter or digit before ``://`` (RFC 3986, without its ``+``, ``-``
and ``.``), so that a Windows drive is none. Path objects of :mod:`pathlib` cannot hold a URL: they drop a
slash, and ``s3:/b/x`` is a path like any other.
"""

from __future__ import annotations

import os
import re

from polystore_core.errors import AccessDenied, InvalidOption, InvalidPath

__all__ = ["check_several", "is_url", "lies_in", "normalize_path", "store_path"]

_WINDOWS = os.name == "nt"
_scheme = re.compile("[A-Za-z][A-Za-z0-9]+://").match


def normalize_path(path: str | os.PathLike[str]) -> str:
    r"""Give a path its normal form; see :mod:`polystore_core.paths` for the rules.

    Parameters
    ----------
    path
        A file or directory, absolute or relative, as text or as a path object.

    Returns
    -------
    str
        The same path with ``/`` between components; a path in normal form is returned as it is.

    Raises
    ------
    InvalidOption
        If ``path`` is neither text nor a path object (bytes are refused: decode with :func:`os.fsdecode`).
    InvalidPath
        If it is empty, holds a NUL character or leads above ``/``.

    Examples
    --------
    >>> from pathlib import PurePosixPath
    >>> from polystore_core.paths import normalize_path
    >>> normalize_path("./plate//A01/../B02/image.tif")
    'plate/B02/image.tif'
    >>> normalize_path(PurePosixPath("/data/plate"))
    '/data/plate'
    >>> normalize_path("s3://bucket//plate/../other")
    's3://bucket/other'
    """
    text = path if type(path) is str else _text(path)
    if (
        text
        and "//" not in text
        and "/." not in text
        and text[0] != "."
        and text[-1] != "/"
        and "\0" not in text
        and not (_WINDOWS and "\\" in text)
    ):
        return text
    return _normalize(text)


def is_url(path: str) -> bool:
    """Whether a path is a URL, of any scheme.

    Examples
    --------
    >>> from polystore_core.paths import is_url
    >>> is_url("s3://bucket/plate.zarr"), is_url("data/plate.zarr"), is_url("C:/plate.zarr")
    (True, False, False)
    """
    return _scheme(path) is not None


def store_path(path: str) -> str:
    """Give a normalised path relative to the root of a store that knows no working directory.

    Parameters
    ----------
    path
        What :func:`normalize_path` returned.

    Returns
    -------
    str
        The path without a leading ``/``; ``""`` is the root itself.

    Raises
    ------
    AccessDenied
        If the path leads out of the store.

    Examples
    --------
    >>> from polystore_core.paths import store_path
    >>> store_path("/plate/A01.npy"), store_path("plate/A01.npy"), store_path(".")
    ('plate/A01.npy', 'plate/A01.npy', '')
    """
    first = path[:1]
    if first == "/":
        return path[1:]
    if "://" in path and is_url(path):
        return path.replace("://", ":/", 1)
    if first == ".":
        if path == ".":
            return ""
        if path == ".." or path.startswith("../"):
            raise AccessDenied(
                f"{path!r} leads out of the root of its store; name a path below it", path=path
            )
    return path


def lies_in(path: str, directory: str) -> bool:
    """Whether a path lies in a directory, as far as their names tell.

    Parameters
    ----------
    path, directory
        What :func:`normalize_path` returned. Whether an absolute path or one that leads up lies in ``"."``
        only the file system knows; here it does not.

    Examples
    --------
    >>> from polystore_core.paths import lies_in
    >>> lies_in("plate/A01", "plate"), lies_in("plates", "plate"), lies_in("plate", "plate")
    (True, False, False)
    >>> lies_in("plate", "."), lies_in("../plate", "."), lies_in("s3://bucket/plate", ".")
    (True, False, False)
    """
    if directory == ".":
        return path not in (".", "..") and not path.startswith(("/", "../")) and not is_url(path)
    return path.startswith(directory.rstrip("/") + "/")


def check_several(paths: object) -> None:
    """Refuse a single path where several are expected; the letters of a text are no paths."""
    if isinstance(paths, (str, bytes, os.PathLike)):
        raise InvalidOption(f"paths takes a list of paths; got the single path {os.fspath(paths)!r}")


def _text(path: object) -> str:
    if isinstance(path, os.PathLike):
        path = path.__fspath__()
    if isinstance(path, str):
        return str.__str__(path)
    hint = ""
    if isinstance(path, bytes | bytearray):
        hint = "; decode it with os.fsdecode(path)"
    elif hasattr(path, "shape"):
        hint = "; the data come first: save(data, path, backend=...)"
    shown = repr(path).partition("\n")[0]
    raise InvalidOption(f"a path is text or a path object, not {type(path).__name__} {shown:.60}{hint}")


def _normalize(text: str) -> str:
    if not text:
        raise InvalidPath("the path is empty; '.' is the current directory", path=text)
    if "\0" in text:
        raise InvalidPath(f"path {text!r} holds a NUL character, which no file name may", path=text)
    scheme = _scheme(text)
    if scheme is not None:
        return _normalize_url(scheme[0], text)
    drive, rest = _split_drive(text) if _WINDOWS else ("", text)
    rooted = rest.startswith("/")
    kept: list[str] = []
    for component in rest.split("/"):
        if component in ("", "."):
            continue
        if component != "..":
            kept.append(component)
        elif kept and kept[-1] != "..":
            kept.pop()
        elif rooted:
            raise InvalidPath(f"path {text!r} leads above the root '{drive}/'", path=text)
        else:
            kept.append(component)
    joined = drive + "/" * rooted + "/".join(kept)
    return joined or "."


def _normalize_url(scheme: str, text: str) -> str:
    first, *others = text[len(scheme) :].split("/")
    if not first.strip("."):
        raise InvalidPath(f"URL {text!r} names nothing after '{scheme}'", path=text)
    kept: list[str] = []
    for component in others:
        if component in ("", "."):
            continue
        if component != "..":
            kept.append(component)
        elif kept:
            kept.pop()
        else:
            raise InvalidPath(f"URL {text!r} leads above '{scheme}{first}'", path=text)
    return scheme + "/".join([first, *kept])


def _split_drive(text: str) -> tuple[str, str]:
    """Split a Windows path into drive or share and the rest, both with ``/``."""
    import ntpath

    drive, rest = ntpath.splitdrive(text)
    return drive.replace("\\", "/"), rest.replace("\\", "/")
