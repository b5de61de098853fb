"""From ``progress=`` to a function that is told how far a batch is."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from polystore_core.errors import BackendUnavailable, InvalidOption
from polystore_core.plugins._discovery import PROGRESS, discover, load_plugin, only_claimant

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore_core.plugins import Progress

    Bar = Callable[[str, int], AbstractContextManager[Progress]]

__all__ = ["reporting"]

_SILENCE = nullcontext()


def reporting(
    progress: bool | Progress, description: str, total: int
) -> AbstractContextManager[Progress | None]:
    """Enter what a batch shall call: nothing, the caller's function, or the bar of the installed facade.

    The core draws nothing itself; ``progress=True`` takes the bar registered in the entry-point group
    ``polystore.progress``.
    """
    if progress is False or progress is None:
        return _SILENCE
    if progress is True:
        return _bar()(description, total)
    if callable(progress):
        return nullcontext(progress)
    raise InvalidOption(f"progress takes True, False or a function (done, total); got {progress!r}")


def _bar() -> Bar:
    for claimants in discover(PROGRESS).values():
        bar: Bar = load_plugin(only_claimant("progress bar", claimants))  # type: ignore[assignment]
        return bar
    raise BackendUnavailable(
        'progress=True needs a progress bar; pip install "polystore", or pass a function'
    )
