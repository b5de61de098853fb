"""The progress bar that ``progress=True`` shows."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["bar"]


@contextmanager
def bar(description: str, total: int) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error while the block runs; where nobody looks (a file, a pipe) show nothing.

    Parameters
    ----------
    description
        What is going on, left of the bar.
    total
        Number of steps expected.

    Yields
    ------
    callable
        To be called as ``report(done, total)`` after each step.

    Examples
    --------
    >>> from polystore.progress import bar
    >>> with bar("save to disk", 2) as report:
    ...     report(1, 2)
    ...     report(2, 2)
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        yield lambda *_: None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console) as display:
        task = display.add_task(description, total=total)

        def report(done: int, total: int) -> None:
            display.update(task, completed=done, total=total)

        yield report
