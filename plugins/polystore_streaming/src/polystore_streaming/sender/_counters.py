"""What became of the frames, per viewer."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Counters"]


@dataclass(slots=True)
class Counters:
    """Counts of one viewer; at every moment ``offered == sent + dropped + waiting``.

    Attributes
    ----------
    offered
        Frames that were appended.
    sent
        Frames that were sent at least once.
    dropped
        Frames that never were, because a newer one took their place or there was no room.
    replayed
        Frames that were sent again to a viewer that came back.
    shown, superseded, refused
        What the viewer said of those sent: shown, replaced there by a newer one of the same path before
        they were shown, or refused.
    """

    offered: int = 0
    sent: int = 0
    dropped: int = 0
    replayed: int = 0
    shown: int = 0
    superseded: int = 0
    refused: int = 0
