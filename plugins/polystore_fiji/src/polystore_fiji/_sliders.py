"""Which axis goes along which of ImageJ's three sliders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sliders", "share_out"]

_OWN = {"channel": "channels", "c": "channels", "z": "slices", "t": "frames"}


@dataclass(frozen=True, slots=True)
class Sliders:
    """The axes along each slider, outermost first.

    Attributes
    ----------
    channels, slices, frames
        Axes along ImageJ's C, Z and T.
    """

    channels: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()

    @property
    def axes(self) -> tuple[str, ...]:
        """All axes, in the order of ImageJ's stacks: T is the outermost, C the innermost."""
        return self.frames + self.slices + self.channels


def share_out(axes: Sequence[str]) -> Sliders:
    """Share axes out among the sliders.

    Channel, z and t take their own. The others, such as well and field, take what is free of T and Z, one
    each as long as that is enough; else they share T, which then runs through all their combinations.

    Parameters
    ----------
    axes
        Names, outermost first.

    Examples
    --------
    >>> share_out(["well", "channel", "z"])
    Sliders(channels=('channel',), slices=('z',), frames=('well',))
    >>> share_out(["well", "field", "channel", "t"])
    Sliders(channels=('channel',), slices=('well', 'field'), frames=('t',))
    >>> share_out(["well", "field", "z", "t"]).frames
    ('well', 'field', 't')
    """
    named: dict[str, tuple[str, ...]] = {"channels": (), "slices": (), "frames": ()}
    others: tuple[str, ...] = ()
    for axis in axes:
        slider = _OWN.get(axis)
        if slider is not None and not named[slider]:
            named[slider] = (axis,)
        else:
            others += (axis,)
    free = [slider for slider in ("frames", "slices") if not named[slider]]
    match free:
        case ["frames", "slices"] if len(others) > 1:
            named["frames"], named["slices"] = others[:-1], others[-1:]
        case [first, *_]:
            named[first] = others
        case _:
            named["frames"] = others + named["frames"]
    return Sliders(**named)
