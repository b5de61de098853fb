"""The open end of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import os
    from types import TracebackType

    from polystore_core.data import SupportedData

__all__ = ["Sink"]


@runtime_checkable
class Sink(Protocol):
    """Where a producer appends values that keep coming; a context manager that flushes and closes.

    A sink is an object and not a hook argument because a pluggy wrapper can replace a result but
    not an argument: a wrapper around ``polystore_stream`` may return a sink around the sink.
    """

    def append(self, data: SupportedData, path: str | os.PathLike[str], **options: Any) -> None:
        """Hand over one value under its path; whether it is copied, and when, is the backend's to say."""

    def flush(self, timeout: float | None = None) -> int:
        """Wait up to ``timeout`` seconds until what was appended has arrived; return how many have not."""

    def close(self) -> None:
        """Release the stream; appending afterwards is an error. Closing twice is harmless."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
