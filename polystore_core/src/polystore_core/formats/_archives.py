"""What a member of a ZIP archive claims, checked before any of it is unpacked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_core.errors import CorruptData

if TYPE_CHECKING:
    from zipfile import ZipInfo

__all__ = ["check_member"]

_DEFLATE_LIMIT = 1032
"""Most bytes that one byte of deflated data can stand for."""


def check_member(member: ZipInfo, archive_size: int) -> None:
    """Refuse a member that no archive of that size can hold, or that is packed in an uncommon way.

    Parameters
    ----------
    member
        As the directory of the archive describes it.
    archive_size
        Bytes of the archive.

    Raises
    ------
    CorruptData
        If it is encrypted, neither stored nor deflated, or claims more bytes than it can hold.

    Examples
    --------
    >>> import zipfile
    >>> from polystore_core.formats import check_member
    >>> member = zipfile.ZipInfo("a.roi")
    >>> member.compress_size, member.file_size = 10, 2**20
    >>> check_member(member, 100)
    Traceback (most recent call last):
        ...
    polystore_core.errors.CorruptData: the member 'a.roi' claims 1,048,576 bytes, more than it can hold
    """
    import zipfile

    name = member.filename
    if member.flag_bits & 0x1:
        raise CorruptData(f"the member {name!r} is encrypted")
    if member.compress_type == zipfile.ZIP_STORED:
        possible = member.compress_size
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        possible = member.compress_size * _DEFLATE_LIMIT
    else:
        raise CorruptData(
            f"the member {name!r} is packed by method {member.compress_type}, not stored or deflated"
        )
    if member.compress_size > archive_size or member.file_size > possible:
        raise CorruptData(f"the member {name!r} claims {member.file_size:,} bytes, more than it can hold")
