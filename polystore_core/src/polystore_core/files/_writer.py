"""Letting somebody write a staged file, whole or piece by piece, and putting away what fails."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from types import TracebackType

    from polystore_core.files._staged import StagedFile

__all__ = ["Writer"]


class Writer(ABC):
    """Writes one file: all at once by :meth:`write`, or in a ``with`` block that receives an open file.

    Nothing is touched before either of them. An error leaves the target as it was.
    """

    __slots__ = ("_staged",)

    def write(self, content: bytes | memoryview) -> int:
        """Make ``content``, a flat view of bytes, the whole content of the file.

        Returns
        -------
        int
            The number of bytes.
        """
        self._staged = staged = self._stage()
        try:
            count = staged.write(content)
            self._complete(staged)
        except BaseException as error:
            self._abandon(error)
            raise
        return count

    def __enter__(self) -> BinaryIO:
        self._staged = self._stage()
        return self._staged.file

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if exc is not None:
            self._abandon(exc)
            return
        try:
            self._complete(self._staged)
        except BaseException as error:
            self._abandon(error)
            raise

    @abstractmethod
    def _stage(self) -> StagedFile:
        """Open the temporary."""

    @abstractmethod
    def _complete(self, staged: StagedFile) -> None:
        """Do with a written temporary what is to be done, and close it in the end."""

    def _abandon(self, error: BaseException) -> None:
        """Remove the temporary; raise what a user can act on, if that is another error."""
        staged = self._staged
        translated = staged.translate(error)
        staged.discard()
        staged.close()
        if translated is not error:
            raise translated from error
