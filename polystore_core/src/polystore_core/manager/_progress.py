"""From ``progress=`` to a function that is told how far a batch is."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from polystore_core.errors import BackendUnavailable, InvalidOption
from polystore_core.plugins._discovery import PROGRESS, discover, load_plugin, only_claimant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from polystore_core.plugins import Progress

    Bar = Callable[[str, int], AbstractContextManager[Progress]]

__all__ = ["reporting"]


@contextmanager
def reporting(progress: bool | Progress, description: str, total: int) -> Iterator[Progress | None]:
    """Yield what a batch shall call: nothing, the caller's function, or the bar of the installed facade.

    The core draws nothing itself; ``progress=True`` takes the bar registered in the entry-point group
    ``polystore.progress``.
    """
    if progress is False or progress is None:
        yield None
    elif progress is True:
        with _bar()(description, total) as report:
            yield report
    elif callable(progress):
        yield progress
    else:
        raise InvalidOption(f"progress takes True, False or a function (done, total); got {progress!r}")


def _bar() -> Bar:
    for claimants in discover(PROGRESS).values():
        bar: Bar = load_plugin(only_claimant("progress bar", claimants))  # type: ignore[assignment]
        return bar
    raise BackendUnavailable(
        'progress=True needs a progress bar; pip install "polystore", or pass a function'
    )
