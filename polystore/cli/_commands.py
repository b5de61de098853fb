"""The commands there are: our own, and those that other distributions add. None is imported to be listed."""

from __future__ import annotations

import sys
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from polystore.cli._errors import BROKEN_PIPE
from polystore.cli._output import discard_output
from polystore_core.plugins import did_you_mean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from polystore_core.plugins import Plugin

__all__ = ["BUILT_IN", "COMMANDS", "CommandTable", "load_command"]

COMMANDS = "polystore.commands"
"""Entry-point group: name of the command -> click command."""

BUILT_IN = {
    "backends": ("_backends", "List the backends and what they can do."),
    "cp": ("_cp", "Copy a file or directory, also from one backend to another."),
    "demo": ("_demo", "Move real images through every installed backend."),
    "doctor": ("_doctor", "Say what is installed, what is broken and how to mend it."),
    "info": ("_info", "Describe one file, directory or store."),
    "ls": ("_ls", "List a directory."),
    "repair": ("_repair", "Inspect a damaged JSON document or store, and mend it."),
    "rm": ("_rm", "Remove files or directories."),
}
"""Name -> module that holds the command under that name, and its first line of help."""


class CommandTable(click.Group):
    """A group whose commands are imported when they are called."""

    @cached_property
    def added(self) -> dict[str, tuple[Plugin, ...]]:
        """Commands of other distributions by name, those kept out by the environment left out."""
        from polystore_core.plugins import discover

        return {
            name: claimants
            for name, claimants in discover(COMMANDS).items()
            if name not in BUILT_IN and any(plugin.blocked is None for plugin in claimants)
        }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted({*BUILT_IN, *self.added})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; ``None`` if there is none of that name."""
        if cmd_name in BUILT_IN:
            module = import_module(f"polystore.cli.{BUILT_IN[cmd_name][0]}")
            command: click.Command = getattr(module, cmd_name)
            return command
        return load_command(self.added[cmd_name]) if cmd_name in self.added else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed; a mistyped one is told what it may have meant."""
        name = args[0]
        if not name.startswith("-") and name not in (known := self.list_commands(ctx)):
            ctx.fail(f"no command {name!r}; commands: {', '.join(known)}.{did_you_mean(name, known)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in sorted(BUILT_IN.items())])
        if self.added:
            with formatter.section("Commands of other distributions"):
                formatter.write_dl(
                    [
                        (name, "from " + " and ".join(plugin.distribution for plugin in claimants))
                        for name, claimants in self.added.items()
                    ]
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of commands without importing any."""
        from click.shell_completion import CompletionItem

        commands = [CompletionItem(name) for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; that nobody reads its output any more (``| head``) is no error."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            discard_output()
            ctx.exit(BROKEN_PIPE)
        return result


def load_command(claimants: tuple[Plugin, ...]) -> click.Command:
    """Import the command that an entry point names.

    Raises
    ------
    PluginError
        If two distributions claim the name, the import fails, or it is no click command.
    """
    from polystore_core import PluginError
    from polystore_core.plugins import load_plugin, only_claimant

    plugin = only_claimant("command", claimants)
    loaded = load_plugin(plugin)
    if not isinstance(loaded, click.Command):
        raise PluginError(f"command {plugin} must name a click command; got {type(loaded).__name__}")
    return loaded
