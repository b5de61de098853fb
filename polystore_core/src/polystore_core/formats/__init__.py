"""File formats: the codec protocol, finding the codec of a path, and what codecs share."""

from polystore_core.formats._archives import check_member
from polystore_core.formats._files import (
    file_size,
    is_real_failure,
    read_all,
    require_room,
    write_all,
    write_pieces,
)
from polystore_core.formats._format import Format
from polystore_core.formats._lookup import FormatRegistry

__all__ = [
    "Format",
    "FormatRegistry",
    "check_member",
    "file_size",
    "is_real_failure",
    "read_all",
    "require_room",
    "write_all",
    "write_pieces",
]
