"""One bucket of an object store, by obstore."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from polystore_core import (
    AccessDenied,
    BackendUnavailable,
    InvalidOption,
    InvalidPath,
    StorageError,
    UnsupportedOperation,
)
from polystore_zarr._snapshot import Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from obstore import ObjectMeta, PutResult, UpdateVersion
    from obstore.store import ObjectStore

__all__ = ["Bucket", "Content", "at_once", "open_bucket"]

T = TypeVar("T")
S = TypeVar("S")

_AT_ONCE = 16
"""Requests that a call has under way at most; they wait, they do not compute."""

_owner: int | None = None


class Content(NamedTuple):
    """What an object holds, and what tells this state of it from any other."""

    data: bytes
    token: UpdateVersion


class Children(NamedTuple):
    """What lies directly below a key: names of prefixes, and of objects."""

    prefixes: Sequence[str]
    objects: Sequence[str]


class Bucket:
    """Objects by key. A missing object is a :class:`FileNotFoundError`, other failures are errors of ours.

    Parameters
    ----------
    url
        Of the bucket: ``"s3://bucket"``.
    store
        Of obstore.
    options
        What the store was made with; that is how a bucket pickles.
    """

    def __init__(self, url: str, store: ObjectStore, options: Mapping[str, Any]) -> None:
        self.url = url
        self._store = store
        self._options = dict(options)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.url.startswith("memory://"):
            raise UnsupportedOperation(
                f"{self.url!r} is in the memory of this process and cannot be sent to another one"
            )
        return open_bucket, (self.url, self._options)

    def get(self, key: str, most_bytes: int | None = None) -> Content:
        """Read an object.

        Raises
        ------
        ValueError
            If it has more than ``most_bytes``.
        """
        import obstore

        with self._translated(key):
            result = obstore.get(self._store, key)
            meta = result.meta
            if most_bytes is not None and meta["size"] > most_bytes:
                raise ValueError(f"it has more than {most_bytes} bytes")
            return Content(result.bytes().to_bytes(), _token(meta))

    def read(self, key: str, start: int, length: int | None, most: int) -> Piece:
        """Read a part of an object; a negative ``start`` counts from its end.

        Parameters
        ----------
        key
            Of the object.
        start, length
            The part.
        most
            Bytes that are asked for at most; the size of the object tells whether there were more.
        """
        import obstore

        if length == 0:
            return Piece(b"", 0)
        try:
            with self._translated(key):
                result = obstore.get(self._store, key, options=_ranged(start, length, most))
                meta = result.meta
                return Piece(result.bytes().to_bytes(), meta["size"], _token(meta))
        except StorageError:
            if not self._ends_before(key, start):
                raise
            return Piece(b"", 0)

    async def read_async(self, key: str, start: int, length: int | None, most: int) -> Piece:
        """Read as :meth:`read`, while others read."""
        import obstore

        if length == 0:
            return Piece(b"", 0)
        try:
            with self._translated(key):
                result = await obstore.get_async(self._store, key, options=_ranged(start, length, most))
                meta = result.meta
                return Piece((await result.bytes_async()).to_bytes(), meta["size"], _token(meta))
        except StorageError:
            if not self._ends_before(key, start):
                raise
            return Piece(b"", 0)

    def _ends_before(self, key: str, start: int) -> bool:
        """Whether a part was refused because there is none of the object."""
        size = self.head(key)["size"]
        return size <= start or size == 0

    def head(self, key: str) -> ObjectMeta:
        """Describe an object."""
        import obstore

        with self._translated(key):
            return obstore.head(self._store, key)

    def token(self, key: str) -> UpdateVersion | None:
        """Return what tells the state of an object; ``None`` if there is none."""
        try:
            return _token(self.head(key))
        except FileNotFoundError:
            return None

    def put(self, key: str, data: bytes) -> None:
        """Write an object, or replace it."""
        import obstore

        with self._translated(key):
            obstore.put(self._store, key, data)

    async def put_async(self, key: str, data: bytes) -> None:
        """Write as :meth:`put`, while others write."""
        import obstore

        with self._translated(key):
            await obstore.put_async(self._store, key, data)

    def create(self, key: str, data: bytes) -> UpdateVersion | None:
        """Write an object that must be new, and return its token; ``None`` if there is one already."""
        return self._put_if(key, data, "create")

    def replace(self, key: str, data: bytes, token: UpdateVersion) -> UpdateVersion | None:
        """Replace an object in the state that a token tells; ``None`` if it is in another one by now."""
        return self._put_if(key, data, token)

    def _put_if(self, key: str, data: bytes, mode: Any) -> UpdateVersion | None:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._translated(key):
            try:
                result = obstore.put(self._store, key, data, mode=mode, use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return None
            except FileNotFoundError:
                if mode == "create":
                    raise
                return None
            return _token(result)

    def children(self, key: str) -> Children:
        """List what lies directly below a key."""
        import obstore

        prefix = f"{key}/" if key else ""
        with self._translated(key):
            found = obstore.list_with_delimiter(self._store, prefix or None)
            return Children(
                [path.removeprefix(prefix) for path in found["common_prefixes"]],
                [meta["path"].removeprefix(prefix) for meta in found["objects"]],
            )

    def walk(self, key: str) -> list[ObjectMeta]:
        """Describe all objects below a key."""
        import obstore

        with self._translated(key):
            found = [meta for page in obstore.list(self._store, f"{key}/" if key else None) for meta in page]
            return [meta for meta in found if not key or meta["path"].startswith(f"{key}/")]

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are no error."""
        import obstore

        with self._translated(keys[0] if keys else ""), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, list(keys))

    def copy(self, source: str, target: str) -> None:
        """Copy an object within the store, over what is there."""
        import obstore

        with self._translated(source):
            obstore.copy(self._store, source, target)

    @contextlib.contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        """Turn what obstore raises into errors of ours."""
        from obstore import exceptions

        self._refuse_fork()
        shown = f"{self.url}/{key}"
        try:
            yield
        except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
            raise AccessDenied(f"{shown!r}: the object store refuses access: {_first_line(error)}") from error
        except PermissionError as error:
            raise AccessDenied(f"{shown!r}: the object store refuses access: {_first_line(error)}") from error
        except (exceptions.NotSupportedError, NotImplementedError) as error:
            raise UnsupportedOperation(f"{shown!r}: the object store cannot: {_first_line(error)}") from error
        except exceptions.BaseError as error:
            raise StorageError(f"{shown!r}: the object store failed: {_first_line(error)}") from error
        except ValueError as error:
            if "path" not in str(error):
                raise
            raise InvalidPath(f"{shown!r} cannot be the name of an object: {_first_line(error)}") from error

    def _refuse_fork(self) -> None:
        """Refuse to wait for the threads of obstore in a process that has not got them."""
        global _owner
        if _owner is None:
            _owner = os.getpid()
        elif _owner != os.getpid():
            raise UnsupportedOperation(
                "an object store cannot be used in a process that was forked from one that has used it; "
                "start workers by the method 'spawn' or 'forkserver'"
            )


def open_bucket(url: str, options: Mapping[str, Any]) -> Bucket:
    """Open a bucket; nothing is asked of it yet.

    Parameters
    ----------
    url
        Of the bucket.
    options
        What :func:`obstore.store.from_url` takes: ``endpoint``, ``region``, ``access_key_id``,
        ``client_options`` and so on. What is not given is taken from environment variables, as obstore does.

    Raises
    ------
    BackendUnavailable
        If obstore is not installed.
    InvalidOption
        If an option does not fit the kind of store.
    """
    try:
        from obstore import exceptions
        from obstore.store import MemoryStore, from_url
    except ImportError as error:
        raise BackendUnavailable(
            f'{url!r} needs obstore; pip install "polystore[zarr-remote]"', path=url
        ) from error
    try:
        store = MemoryStore() if url.startswith("memory://") else from_url(url, **options)
    except (exceptions.BaseError, TypeError, ValueError) as error:
        raise InvalidOption(f"storage_options do not fit {url!r}: {_first_line(error)}") from error
    return Bucket(url, store, options)


def at_once(task: Callable[[S], T], values: Iterable[S]) -> list[T]:
    """Call a task for every value, several at a time, and return the results in order."""
    given = list(values)
    if len(given) < 2:
        return [task(value) for value in given]
    with ThreadPoolExecutor(min(_AT_ONCE, len(given)), "polystore-zarr") as pool:
        return list(pool.map(task, given))


def _ranged(start: int, length: int | None, most: int) -> Any:
    wanted = most if length is None else min(length, most)
    return {"range": {"suffix": min(-start, wanted)} if start < 0 else (start, start + wanted)}


def _token(meta: ObjectMeta | PutResult) -> UpdateVersion:
    token: UpdateVersion = {}
    if meta["e_tag"] is not None:
        token["e_tag"] = meta["e_tag"]
    if meta["version"] is not None:
        token["version"] = meta["version"]
    return token


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
