"""Telling what a target cannot hold."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from polystore_core.errors import UnsupportedData

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from polystore_roi._roi import Roi

__all__ = ["Loss", "LossReport", "RoiLossWarning"]


class RoiLossWarning(UserWarning):
    """Something of a region could not be held by the file it was saved to or loaded from."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing of one region that a target cannot hold.

    Attributes
    ----------
    index
        Place of the region in the list.
    name
        Its name.
    what
        What the target cannot hold, and what it holds instead.
    kept
        True if the way back still gives the region as it was: the exact one travels beside what is shown.
    """

    index: int
    name: str
    what: str
    kept: bool = False

    def __str__(self) -> str:
        who = f"region {self.index}" + (f" ({self.name})" if self.name else "")
        return f"{who}: {self.what}" + ("; the way back restores it" if self.kept else "")


@dataclass(frozen=True, slots=True)
class LossReport:
    """What a conversion could not hold; false if that is nothing.

    Attributes
    ----------
    target
        What was converted to or from.
    losses
        Each thing that it cannot hold.

    Examples
    --------
    >>> from polystore_roi import Loss, LossReport
    >>> print(LossReport("a label image", (Loss(0, "axis", "a line covers no pixels"),)))
    a label image cannot hold everything: region 0 (axis): a line covers no pixels
    """

    target: str
    losses: tuple[Loss, ...] = ()

    @classmethod
    def of(
        cls, target: str, regions: Iterable[tuple[Roi, Iterable[str]]], *, kept: bool = False
    ) -> LossReport:
        """Report what a target cannot hold of each region of a list.

        Parameters
        ----------
        target
            What was converted to or from.
        regions
            Each region, with what cannot be held of it.
        kept
            As for :class:`Loss`, for all of them.
        """
        losses = [
            Loss(index, roi.name, what, kept)
            for index, (roi, missing) in enumerate(regions)
            for what in missing
        ]
        return cls(target, tuple(losses))

    def __bool__(self) -> bool:
        return bool(self.losses)

    def __len__(self) -> int:
        return len(self.losses)

    def __iter__(self) -> Iterator[Loss]:
        return iter(self.losses)

    @property
    def for_good(self) -> LossReport:
        """The part that the way back does not restore."""
        return LossReport(self.target, tuple(loss for loss in self.losses if not loss.kept))

    def __str__(self) -> str:
        if not self.losses:
            return f"{self.target} holds everything"
        shown = "; ".join(map(str, self.losses[:3]))
        more = f"; and {len(self.losses) - 3} more" if len(self.losses) > 3 else ""
        return f"{self.target} cannot hold everything: {shown}{more}"

    def settle(self, *, strict: bool | None = None) -> None:
        """Warn of the losses, refuse them, or accept them: what the option ``strict`` of all formats does.

        Parameters
        ----------
        strict
            ``None`` warns (:class:`RoiLossWarning`), ``True`` refuses, ``False`` accepts without a word.

        Raises
        ------
        UnsupportedData
            If there are losses and ``strict`` is true.
        """
        if not self.losses or strict is False:
            return
        if strict:
            raise UnsupportedData(f"{self}. Pass strict=False if that will do")
        warnings.warn(f"{self}. Pass strict=False if that will do", RoiLossWarning, stacklevel=3)
