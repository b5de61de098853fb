"""Making every error that leaves the file manager a PolyStore error that says where it happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from polystore_core._os_errors import translate_os_error
from polystore_core.errors import BatchError, InvalidOption, PolyStoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["as_batch_error", "located"]


def located(error: Exception, *, backend: str, operation: str, path: str | None) -> PolyStoreError:
    """Return the error to raise: ``error`` itself if it is ours, else one of ours made from it.

    Foreign exceptions are wrapped once. Inside a batch error each member is treated so. The operation is
    the one that the caller asked for, not a step of it.
    """
    if isinstance(error, BatchError):
        error = _located_members(error, backend=backend, operation=operation)
    elif not isinstance(error, PolyStoreError):
        error = _wrapped(error, backend=backend, operation=operation, path=path)
    error.locate(backend=backend, operation=operation, path=path)
    error.operation = operation
    return error


def as_batch_error(error: PolyStoreError, paths: Sequence[str]) -> PolyStoreError:
    """Return a batch error for an error about one path of a batch; one about the call stays itself.

    An option that no path can be given is an error about the call.
    """
    failed = tuple(error.failed.values()) if isinstance(error, BatchError) else (error,)
    if len(failed) == len(paths) and all(isinstance(member, InvalidOption) for member in failed):
        return cast("PolyStoreError", failed[0])
    if isinstance(error, BatchError) or error.path is None or error.path not in paths:
        return error
    batch_error = BatchError.from_outcome(
        done=(), failed={error.path: error}, not_started=[path for path in paths if path != error.path]
    )
    batch_error.backend, batch_error.operation = error.backend, error.operation
    return batch_error


def _located_members(error: BatchError, *, backend: str, operation: str) -> BatchError:
    if not error.failed:
        return error
    return BatchError.from_outcome(
        done=error.done,
        failed={
            path: located(member, backend=backend, operation=operation, path=path)
            for path, member in error.failed.items()
        },
        not_started=error.not_started,
    )


def _wrapped(error: Exception, *, backend: str, operation: str, path: str | None) -> PolyStoreError:
    if isinstance(error, OSError):
        wrapped = translate_os_error(error, path=path or error.filename or "", operation=operation)
    else:
        about = f" {path!r}" if path else ""
        wrapped = PolyStoreError(
            f"backend {backend!r} failed to {operation}{about}: {type(error).__name__}: {error}"
        )
    wrapped.__cause__ = error
    return wrapped
