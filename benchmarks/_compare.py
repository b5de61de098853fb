"""Timing one way of doing something against another, in turn."""

from __future__ import annotations

import gc
import math
import time
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Case", "Disagreement", "Row", "Target", "added", "compare", "ratio"]


class Disagreement(AssertionError):
    """Both sides of a comparison did not come to the same result, so their times mean nothing."""


class Target(NamedTuple):
    """What the project promises: at most ``limit`` times the peer, or with a unit, ``limit`` more than it."""

    limit: float
    unit: str = ""


def ratio(limit: float) -> Target:
    """Ours takes at most `limit` times as long as the peer."""
    return Target(limit)


def added(limit: float, unit: str) -> Target:
    """Ours takes at most `limit` ``"us"`` or ``"ms"`` longer than the peer."""
    return Target(limit, unit)


_PER_SECOND = {"us": 1e6, "ms": 1e3}


def nothing() -> None:
    """Prepare nothing."""


def equal(ours: Any, peer: Any) -> bool:
    """Whether two results are equal, arrays and lists and tables of arrays by dtype and value."""
    if isinstance(peer, list | tuple):
        return len(ours) == len(peer) and all(map(equal, ours, peer))
    if isinstance(peer, dict):
        return ours.keys() == peer.keys() and all(equal(ours[key], peer[key]) for key in peer)
    if isinstance(peer, np.ndarray):
        return bool(ours.dtype == peer.dtype and np.array_equal(ours, peer))
    return bool(ours == peer)


class Case(NamedTuple):
    """Two ways of doing the same.

    Attributes
    ----------
    name
        What is done.
    ours, peer
        Do it; what they return must be the same.
    target
        What is promised; ``None`` where a case is shown for information.
    same
        Whether two results are the same.
    prepare
        Called before each measurement, not timed.
    calls
        How often it is done in one measurement; the time reported is that of one call.
    """

    name: str
    ours: Callable[[], Any]
    peer: Callable[[], Any]
    target: Target | None
    same: Callable[[Any, Any], bool] = equal
    prepare: Callable[[], object] = nothing
    calls: int = 1


class Row(NamedTuple):
    """What came out.

    Attributes
    ----------
    ours, peer
        Median seconds of one call.
    median
        Median of the ratios of neighbouring measurements.
    best
        Ratio of the two minima: on a busy machine the steadier number.
    repetitions
        How many pairs were measured.
    added
        Difference of the two minima, in the target's unit; ``None`` if the target is a ratio.
    """

    name: str
    ours: float
    peer: float
    median: float
    best: float
    repetitions: int
    target: Target | None
    added: float | None

    @property
    def holds(self) -> bool:
        """Whether the better of the two numbers is within the target; True without one."""
        if self.target is None:
            return True
        reached = min(self.median, self.best) if self.added is None else self.added
        return reached <= self.target.limit


def compare(case: Case, *, seconds: float, at_least: int = 3) -> Row:
    """Measure both sides in turn until the time is up, the order of a pair swapped each time.

    Raises
    ------
    Disagreement
        If the results differ.
    """
    case.prepare()
    if not case.same(case.ours(), case.peer()):
        raise Disagreement(f"{case.name}: the two sides do not give the same result")
    ours: list[float] = []
    peer: list[float] = []
    end = time.perf_counter() + seconds
    while len(ours) < at_least or time.perf_counter() < end:
        sides = [(ours, case.ours), (peer, case.peer)]
        for times, function in sides if len(ours) % 2 else reversed(sides):
            case.prepare()
            times.append(_seconds(function, case.calls))
    difference = None
    if case.target is not None and case.target.unit:
        difference = (min(ours) - min(peer)) * _PER_SECOND[case.target.unit]
    return Row(
        case.name,
        median(ours),
        median(peer),
        median(a / b for a, b in zip(ours, peer, strict=True)),
        min(ours) / min(peer),
        len(ours),
        case.target,
        difference,
    )


def _seconds(function: Callable[[], object], calls: int) -> float:
    collecting = gc.isenabled()
    gc.disable()
    try:
        begin = time.perf_counter()
        for _ in range(calls):
            function()
        elapsed = (time.perf_counter() - begin) / calls
    finally:
        if collecting:
            gc.enable()
    return max(elapsed, math.ulp(1.0))
