"""What an error says on the command line, and with which code the command ends."""

from __future__ import annotations

import re

import click

from polystore_core import BatchError, InvalidOption, PolyStoreError, UnknownBackend

__all__ = ["BROKEN_PIPE", "FAILED", "INTERRUPTED", "USAGE", "explain", "one_line"]

FAILED = 1
USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141


def explain(error: Exception) -> tuple[str, int]:
    """Return the line to show for an error and the exit code."""
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "polystore"
        return f"{one_line(error.format_message())} See: {command} --help", USAGE
    if isinstance(error, click.ClickException):
        return one_line(error.format_message()), error.exit_code
    if isinstance(error, (UnknownBackend, InvalidOption)):
        return one_line(error), USAGE
    if isinstance(error, PolyStoreError):
        return one_line(error), FAILED
    return f"{type(error).__name__}: {one_line(error)} (add --debug to see where)", FAILED


def one_line(error: object) -> str:
    """Return a message on one line, with the path it is about, and options named as they are typed here.

    Examples
    --------
    >>> from polystore.cli._errors import one_line
    >>> one_line("'a.npy' exists already; pass overwrite=True to replace it")
    "'a.npy' exists already; pass --overwrite to replace it"
    """
    if isinstance(error, BatchError) and error.failed:
        total = len(error.done) + len(error.failed) + len(error.not_started)
        first = next(iter(error.failed.values()))
        others = f" (and {len(error.failed) - 1} more)" if len(error.failed) > 1 else ""
        text = f"{len(error.failed)} of {total} paths failed{others}: {one_line(first)}"
    else:
        text = " ".join(str(error).split())
        path = getattr(error, "path", None)
        if isinstance(error, PolyStoreError) and path and path not in text:
            text = f"{path!r}: {text}"
    return re.sub(r"\b([a-z_]+)=True\b", lambda found: f"--{found[1].replace('_', '-')}", text)
