"""``polystore cp``."""

from __future__ import annotations

import click

from polystore.cli import _options
from polystore.progress import bar
from polystore_core import FileManager, InvalidPath, IsADirectory, PathExists, PathNotFound, PathPattern
from polystore_core.paths import lies_in, normalize_path
from polystore_core.plugins import Batch

__all__ = ["cp"]


@click.command()
@click.argument("source")
@click.argument("target")
@_options.backend("--from", help="Backend of SOURCE.")
@_options.optional_backend("--to", help="Backend of TARGET, if it is another one.")
@_options.choice_of_files
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@click.option("--workers", type=click.IntRange(min=1), help="Threads; by default one per processor.")
@click.pass_obj
def cp(
    manager: FileManager,
    *,
    source: str,
    target: str,
    backend: str,
    target_backend: str | None,
    pattern: str | PathPattern | None,
    extensions: list[str] | None,
    overwrite: bool,
    workers: int | None,
) -> None:
    """Copy a file or directory, also from one backend to another.

    A file becomes TARGET, or TARGET/NAME if TARGET ends in a slash. Between two formats (a.tif to a.npy)
    the value is converted. A directory is copied file by file into the directory TARGET, which may exist
    only with --overwrite; what else it holds stays. Directories without files are left out.

    Every file is tried, also after another one failed.
    """
    receiver = target_backend or backend
    if not (manager.can("stat", backend=backend) and manager.is_dir(source, backend=backend)):
        if target.endswith("/"):
            target += source.rpartition("/")[2]
        elif manager.can("stat", backend=receiver) and manager.is_dir(target, backend=receiver):
            raise IsADirectory(f"{target!r} is a directory; type {target}/ to copy into it", path=target)
        manager.copy(source, target, backend=backend, target_backend=receiver, overwrite=overwrite)
        return
    target = target.rstrip("/") or "/"
    if receiver == backend and lies_in(normalize_path(target), normalize_path(source)):
        raise InvalidPath(f"{source!r} cannot be copied into itself, at {target!r}", path=target)
    if not overwrite and manager.can("stat", backend=receiver) and manager.exists(target, backend=receiver):
        raise PathExists(f"{target!r} exists already; pass --overwrite to copy into it", path=target)
    files = manager.list_files(
        source, backend=backend, pattern=pattern, extensions=extensions, recursive=True
    )
    if not files:
        raise PathNotFound(f"{source!r} holds no file to be copied", path=source)
    names = [file[len(source.rstrip("/")) :].lstrip("/") for file in files]

    def copy(index: int) -> None:
        manager.copy(
            files[index],
            f"{target.rstrip('/')}/{names[index]}",
            backend=backend,
            target_backend=receiver,
            overwrite=overwrite,
        )

    with bar(f"{backend} to {receiver}", len(files)) as report:
        Batch(workers, report).run(files, copy)
