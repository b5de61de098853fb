"""URLs of object stores."""

from __future__ import annotations

import re
from typing import NamedTuple

from polystore_core import InvalidPath
from polystore_core.paths import is_url

__all__ = ["SCHEMES", "Address", "address_of", "is_remote", "joined"]

SCHEMES = ("s3", "gs", "memory")
_drops_a_slash = re.compile(f"(?:{'|'.join(SCHEMES)}):/[^/]").match


class Address(NamedTuple):
    """A place in an object store.

    Attributes
    ----------
    bucket
        URL of the bucket: ``"s3://bucket"``.
    key
        Path in it; ``""`` is the bucket itself.
    """

    bucket: str
    key: str


def is_remote(path: str) -> bool:
    """Whether a path is the URL of an object store.

    Raises
    ------
    InvalidPath
        If it is the URL of something else, or one that lost a slash.
    """
    if not is_url(path):
        if _drops_a_slash(path):
            raise InvalidPath(
                f"{path!r} is no URL: write 's3://bucket/...' as text, path objects drop a slash", path=path
            )
        return False
    if path.partition("://")[0] not in SCHEMES:
        raise InvalidPath(
            f"{path!r}: backend 'zarr' knows no such URLs; it knows {', '.join(f'{s}://' for s in SCHEMES)}",
            path=path,
        )
    return True


def address_of(url: str) -> Address:
    """Split a normalised URL into bucket and key.

    Examples
    --------
    >>> address_of("s3://bucket/plates/plate.ome.zarr"), address_of("memory://here")
    (Address(bucket='s3://bucket', key='plates/plate.ome.zarr'), Address(bucket='memory://here', key=''))
    """
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    return Address(f"{scheme}://{bucket}", key)


def joined(*parts: str) -> str:
    """Join keys; an empty one adds nothing.

    Examples
    --------
    >>> joined("plates", "", "A"), joined("", "")
    ('plates/A', '')
    """
    return "/".join(part for part in parts if part)
