"""The one writer that every file of the project goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_core.files._staged import Durability, StagedFile, check_durability
from polystore_core.files._writer import Writer

if TYPE_CHECKING:
    import os

__all__ = ["atomic_writer"]


class atomic_writer(Writer):  # noqa: N801 - reads as a function
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
    InvalidPath
        If ``path`` is a URL.
    InvalidOption
        If there is no such durability.
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

    What is at hand as a whole is written in one call:

    >>> atomic_writer(path).write(b"more pixels")
    11
    """

    __slots__ = ("_durability", "_overwrite", "_path", "_root")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = True,
        durability: Durability = "atomic",
        root: str | os.PathLike[str] | None = None,
    ) -> None:
        check_durability(durability)
        self._path = path
        self._overwrite = overwrite
        self._durability: Durability = durability
        self._root = root

    def _stage(self) -> StagedFile:
        return StagedFile(self._path, overwrite=self._overwrite, durability=self._durability, root=self._root)

    def _complete(self, staged: StagedFile) -> None:
        if self._durability == "durable":
            staged.finish()
            staged.sync()
        staged.publish()
        if self._durability == "durable":
            staged.sync_directory()
        staged.close()
