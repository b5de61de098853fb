"""``.json``: JSON values, exactly."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, NoReturn

from polystore_core.errors import CorruptData, InvalidOption, UnsupportedData
from polystore_core.formats import read_all, require_room, write_all
from polystore_disk.formats._text import decode_utf8, encode_utf8

if TYPE_CHECKING:
    from polystore_core.data import Data

__all__ = ["Json"]

_BYTES_PER_VALUE = 100
"""Memory that a small Python object takes inside a list or dictionary, generously."""


class Json:
    """The codec of ``.json``: RFC 8259 text in UTF-8; dictionaries keep their order.

    Python's floats and integers come back exactly. What JSON would change is refused: NaN and
    infinities, tuples, keys that are not strings, lone surrogates.

    Examples
    --------
    >>> import io
    >>> from polystore_disk.formats import Json
    >>> file = io.BytesIO()
    >>> Json().encode({"well": "A01", "sites": [1, 2]}, file, threads=1)
    >>> file.getvalue()
    b'{"well":"A01","sites":[1,2]}'
    """

    parallel: ClassVar[bool] = False

    def encode(self, data: Data, file: BinaryIO, *, threads: int, indent: int | None = None) -> None:
        """Write ``data``.

        Parameters
        ----------
        data
            ``None``, bool, int, float, str, list, or dict with string keys, nested up to 200 deep.
        file, threads
            As in :class:`~polystore_core.formats.Format`.
        indent
            Spaces per level; ``None`` writes one line.

        Raises
        ------
        UnsupportedData
            If JSON cannot hold the value exactly.
        """
        if indent is not None and indent < 0:
            raise InvalidOption(f"indent is a number of spaces or None; got {indent}")
        separators = (",", ":") if indent is None else (",", ": ")
        try:
            text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
        except (ValueError, TypeError, RecursionError) as error:
            raise UnsupportedData(f"'.json' cannot hold this value: {error}") from error
        write_all(file, encode_utf8(text, ".json"))

    def decode(self, file: BinaryIO, *, copy: bool, max_bytes: int, threads: int) -> Any:
        """Return the value; a byte-order mark is skipped.

        Raises
        ------
        CorruptData
            If the file is not JSON in UTF-8, is nothing but ``null``, repeats a key, nests too deep,
            holds a number beyond the range of a float, or may need more than ``max_bytes``.
        """
        text = decode_utf8(read_all(file, max_bytes), ".json").removeprefix("\ufeff")
        values = 1 + sum(map(text.count, ",:[{"))
        if len(text) + values * _BYTES_PER_VALUE > max_bytes:
            require_room(4 * len(text) + values * _BYTES_PER_VALUE, max_bytes)
        try:
            value = json.loads(
                text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite
            )
        except json.JSONDecodeError as error:
            raise CorruptData(f"not JSON: {error}") from error
        except RecursionError as error:
            raise CorruptData("not JSON that can be read: it nests too deep") from error
        except CorruptData:
            raise
        except ValueError as error:
            raise CorruptData(f"not JSON that can be read: {error}") from error
        if value is None:
            raise CorruptData("the JSON is null, which is no value that could have been saved")
        return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise CorruptData(f"not JSON with one meaning: the key {twice!r} is repeated in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise CorruptData(f"not JSON: {name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise CorruptData(f"not JSON that can be read: the number {digits} is beyond the range of a float")
    return number
