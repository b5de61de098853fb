"""The command line: ``polystore COMMAND``.

Other distributions add commands through the entry-point group ``polystore.commands``: each names a click
command, whose context object (``click.pass_obj``) is the configured :class:`polystore_core.FileManager`.
"""

from polystore.cli._main import main

__all__ = ["main"]
