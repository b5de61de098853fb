"""Finding what somebody meant to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["did_you_mean", "listed"]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Say which of the words that there are somebody may have meant, to be put behind an error message.

    Parameters
    ----------
    word
        What was typed.
    known
        What could have been typed.

    Returns
    -------
    str
        ``" Did you mean 'x'?"``, or nothing when no known word is near.

    Examples
    --------
    >>> from polystore_core.plugins import did_you_mean
    >>> did_you_mean("dsik", ["disk", "memory"]), did_you_mean("zarr", ["disk", "memory"])
    (" Did you mean 'disk'?", '')
    """
    from difflib import get_close_matches

    matches = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def listed(words: Iterable[str]) -> str:
    """Join words for a message; ``none`` when there are none."""
    return ", ".join(words) or "none"
