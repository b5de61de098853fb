"""The one writer that every file of the project goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from polystore_core.files._staged import Durability, StagedFile

if TYPE_CHECKING:
    import os
    from types import TracebackType

__all__ = ["atomic_writer"]


class atomic_writer:  # noqa: N801 - reads as a function
    """Write a file so that whoever looks, now or after a crash, finds the old content or the new.

    The block receives an empty temporary beside the target. When the block ends it becomes the target
    in one step; when it raises, the temporary is removed and the old file stays. A process that is
    killed leaves a temporary behind that :func:`sweep_temporaries` recognises.

    Parameters
    ----------
    path
        Target; missing parents are created. If it is a symbolic link the file it points to is written
        and the link stays. An existing file's permission bits are kept, a new file gets those the umask
        allows. Owner, access lists, extended attributes and hard links of a replaced file are not kept.
    overwrite
        False lets nothing be replaced, whoever creates the target meanwhile.
    durability
        ``"atomic"``: old or new after any end of the process. ``"durable"``: the new content also
        survives the loss of power once the block has ended; file, directory and new parents are
        forced to the medium. A failed ``fsync`` is reported and never tried again. On NFS a rename is
        atomic for all clients, but one that has the old file open may see ``ESTALE``.
    root
        Directory that neither the path nor a link in it may leave; see :func:`locate`.

    Returns
    -------
    context manager of BinaryIO
        A buffered file in mode ``w+b``; ``seek`` and ``fileno`` work. Closing it inside the block is allowed.

    Raises
    ------
    PathExists
        With ``overwrite=False``, if there is a file.
    IsADirectory, NotADirectory
        If the target is a directory, or one of its parents a file.
    StorageFull
        If the disk, quota or file-size limit is reached, also by a write inside the block.
    AccessDenied
        If the operating system forbids it, or ``path`` leaves ``root``.
    StorageError
        For any other error of the operating system.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "plate", "A01.bin")
    >>> with atomic_writer(path) as file:
    ...     _ = file.write(b"pixels")
    >>> os.path.getsize(path)
    6
    """

    __slots__ = ("_arguments", "_durability", "_path", "_staged")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = True,
        durability: Durability = "atomic",
        root: str | os.PathLike[str] | None = None,
    ) -> None:
        self._path = path
        self._durability = durability
        self._arguments = overwrite, root

    def __enter__(self) -> BinaryIO:
        overwrite, root = self._arguments
        self._staged = StagedFile(self._path, overwrite=overwrite, durability=self._durability, root=root)
        return self._staged.file

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        staged = self._staged
        try:
            if exc is None:
                self._complete(staged)
                return
            translated = staged.translate(exc)
            staged.discard()
            if translated is not exc:
                raise translated from exc
        finally:
            staged.close()

    def _complete(self, staged: StagedFile) -> None:
        try:
            staged.finish()
            if self._durability == "durable":
                staged.sync()
            staged.publish()
            if self._durability == "durable":
                staged.sync_directory()
        except BaseException as error:
            translated = staged.translate(error)
            staged.discard()
            if translated is error:
                raise
            raise translated from error
