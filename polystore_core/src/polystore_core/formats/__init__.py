"""File formats: the codec protocol and finding the codec of a path."""

from polystore_core.formats._format import Format
from polystore_core.formats._lookup import FormatRegistry

__all__ = ["Format", "FormatRegistry"]
