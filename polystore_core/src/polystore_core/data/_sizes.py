"""How much there is to move, told before any of it is looked at."""

from __future__ import annotations

__all__ = ["known_bytes"]


def known_bytes(values: object) -> int:
    """Return the bytes of the arrays among values; what does not say, or cannot, counts as nothing.

    Parameters
    ----------
    values
        A list, a tuple, or what says how many bytes it has itself: an array, the sequence of its first axis.
        Items of another sequence may be made when they are asked for, so they are not.

    Examples
    --------
    >>> import numpy as np
    >>> known_bytes([np.zeros((10, 10), np.uint16), "text"]), known_bytes(np.zeros((3, 5), np.uint8))
    (200, 15)
    """
    if isinstance(values, list | tuple):
        return sum(map(_own_bytes, values))
    return _own_bytes(values)


def _own_bytes(value: object) -> int:
    try:
        size = getattr(value, "nbytes", 0)
    except Exception:  # a closed file, a deleted buffer: its own save says so
        return 0
    return size if isinstance(size, int) else 0
