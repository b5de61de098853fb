"""From arguments to an exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from polystore.cli._app import app
from polystore.cli._errors import INTERRUPTED, USAGE, explain

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments
        What was typed after ``polystore``; by default that of this process. ``--debug`` may stand anywhere.

    Returns
    -------
    int
        0: done; 1: the operation failed; 2: wrong usage; 130: interrupted; 141: nobody read the output.

    Examples
    --------
    >>> from polystore.cli import main
    >>> main(["--version"])
    polystore ...
    0
    """
    given, debug = _without_debug(list(sys.argv[1:] if arguments is None else arguments))
    try:
        code = app.main(given, prog_name="polystore", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        print("polystore: interrupted", file=sys.stderr)
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return USAGE
    except Exception as error:
        if debug:
            import traceback

            traceback.print_exc()
        message, code = explain(error)
        print(f"polystore: error: {message}", file=sys.stderr)
        return code
    return code if isinstance(code, int) else 0


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """Take ``--debug`` out of what stands before a ``--``."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [argument for argument in arguments[:end] if argument != "--debug"]
    return kept + arguments[end:], len(kept) < end
