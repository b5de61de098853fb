"""Colours and contrast of one channel: what the stream wants, and what the user changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from polystore_fiji._lookup_tables import same_colors

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Look"]


@dataclass(slots=True)
class Look:
    """Wanted and shown look of a channel.

    Attributes
    ----------
    table
        Makes the lookup table; ``None`` leaves it to the place of the channel.
    color
        What the caller, or the name of the stain, calls that table.
    limits
        Wanted display range; ``None`` before the first is known.
    given
        Whether the limits were given by the caller, and hold as they are.
    """

    table: Callable[[], Any] | None = None
    color: str | None = None
    limits: tuple[float, float] | None = None
    given: bool = False
    _shown: Any = None

    def want(self, limits: tuple[float, float] | None, *, given: bool) -> bool:
        """Take the limits of a frame: given ones hold, estimated ones widen; True if something changed."""
        if limits is None or (self.given and not given):
            return False
        before = self.limits
        if given or before is None:
            self.limits = limits
        else:
            self.limits = min(before[0], limits[0]), max(before[1], limits[1])
        self.given = given
        return self.limits != before

    def render(self, current: Any, default: Callable[[], Any]) -> Any:
        """Return the ``ij.process.LUT`` to show, display range included.

        Parameters
        ----------
        current
            What is shown now; where it differs from what was shown last, the user changed it, and it stays.
        default
            Makes the table of a channel that has none of its own.
        """
        made = (self.table or default)()
        if self.limits is not None:
            made.min, made.max = self.limits
        if self._shown is not None and current is not None:
            if not same_colors(current, self._shown):
                made = current.clone()
                self.table = made.clone
                if self.limits is not None:
                    made.min, made.max = self.limits
            if (current.min, current.max) != (self._shown.min, self._shown.max):
                self.limits, self.given = (current.min, current.max), True
                made.min, made.max = self.limits
        return made

    def remember(self, shown: Any) -> None:
        """Keep what ImageJ shows now, as it rounds it, to tell later changes from it."""
        self._shown = shown.clone()
