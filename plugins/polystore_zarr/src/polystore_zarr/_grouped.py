"""Running one task per group of paths, with an outcome for every path."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from polystore_core import BatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polystore_core.plugins import Batch

__all__ = ["run_groups"]

T = TypeVar("T")


def run_groups(
    batch: Batch,
    paths: Sequence[str],
    groups: Sequence[Sequence[int]],
    task: Callable[[int], T],
    *,
    nbytes: Callable[[], int],
) -> list[tuple[T, Sequence[int]]]:
    """Call ``task(number)`` for every group; its result or failure is that of all its paths.

    Parameters
    ----------
    batch
        Thread budget, progress (told in paths) and cancellation.
    paths
        All paths.
    groups
        Positions in ``paths``, each in one group.
    task
        Does the work for one group.
    nbytes
        As for :meth:`Batch.run`.

    Raises
    ------
    BatchError
        As :meth:`Batch.run` raises it, about all paths.
    """
    named = {paths[members[0]]: [paths[index] for index in members] for members in groups}
    tell = batch.progress
    if tell is not None:
        batch = batch._replace(progress=lambda done, total: tell(len(paths) * done // total, len(paths)))
    try:
        results = batch.run(list(named), task, nbytes=nbytes)
    except BatchError as error:
        raise BatchError.from_outcome(
            done=[path for first in error.done for path in named[first]],
            failed={path: reason for first, reason in error.failed.items() for path in named[first]},
            not_started=[path for first in error.not_started for path in named[first]],
        ) from error
    except Exception as error:
        raise BatchError.from_outcome(done=(), failed=dict.fromkeys(paths, error)) from error
    return list(zip(results, groups, strict=True))
