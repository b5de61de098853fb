"""The commands ``polystore viewer``, ``polystore viewers`` and ``polystore view``."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from polystore_core import PolyStoreError
from polystore_streaming.processes import running_viewers
from polystore_streaming.sender import Stream, targets
from polystore_streaming.wire import Request

if TYPE_CHECKING:
    from polystore_streaming.processes import ViewerRecord

__all__ = ["view", "viewer", "viewers"]

_ANSWER_SECONDS = 5.0
_COLUMNS = ("name", "backend", "process", "since", "senders", "received", "shown", "dropped", "latency")


@click.command()
@click.argument("kind")
@click.option("--name", help="Name of a further viewer of this kind; senders say viewers='NAME'.")
@click.option("--listen", metavar="tcp://ADDRESS:PORT", help="Listen on the network too.")
@click.option(
    "--secret-key",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The viewer's CURVE key, made if there is no such file; needed for any address but loopback.",
)
@click.option(
    "-o", "--option", "options", multiple=True, metavar="KEY=VALUE", help="Option of the display. Repeatable."
)
def viewer(
    kind: str, name: str | None, listen: str | None, secret_key: Path | None, options: tuple[str, ...]
) -> None:
    """Run the live viewer KIND, such as napari, until its window is closed."""
    from polystore_streaming.viewer import Listener, read_or_make_key, run_viewer

    listeners = []
    if listen is not None:
        public, secret = read_or_make_key(secret_key) if secret_key else ("", "")
        listeners = [Listener(listen, secret_key=secret)]
        click.echo(f"token: {listeners[0].token}")
        if public:
            click.echo(f"server_key: {public}")
    kind = kind.removesuffix("_stream")
    code = run_viewer(
        f"{kind}_stream",
        name=f"{kind}.{name}" if name else None,
        options=dict(map(_option, options)),
        listeners=listeners,
    )
    raise SystemExit(code)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--stop", "to_stop", multiple=True, metavar="NAME", help="Close this viewer. Repeatable.")
def viewers(as_json: bool, to_stop: tuple[str, ...]) -> None:
    """List the live viewers that run on this machine and what they have shown."""
    running = {record.name: record for record in running_viewers()}
    unknown = [name for name in to_stop if name not in running]
    if unknown:
        raise click.UsageError(
            f"no viewer {unknown[0]!r} runs; running: {', '.join(running) or 'none'}",
        )
    if to_stop:
        for name in to_stop:
            _ask(running[name], "close")
            click.echo(f"closed {name}")
        return
    found = [(record, _status(record)) for record in running.values()]
    if as_json:
        click.echo(json.dumps([{**_facts(record), "status": status} for record, status in found], indent=2))
    elif found:
        _print_aligned([_COLUMNS, *(_row(record, status) for record, status in found)])
    else:
        click.echo("no viewer runs; start one by `polystore viewer napari`, or by a save to its backend")


@click.command()
@click.argument("path", type=click.Path())
@click.option("-b", "--backend", required=True, help="Backend that has stored it.")
@click.option("--in", "viewer_backend", default="napari_stream", show_default=True, help="Where to show it.")
@click.option(
    "-o", "--option", "options", multiple=True, metavar="KEY=VALUE", help="Option of the load. Repeatable."
)
@click.pass_obj
def view(manager: Any, path: str, backend: str, viewer_backend: str, options: tuple[str, ...]) -> None:
    """Show PATH, stored by a backend, in a live viewer, which reads no more than it shows."""
    manager.stat(path, backend=backend)
    local = os.path.abspath(path) if "://" not in path else path
    with manager.stream(backend=viewer_backend) as sink:
        sink.open_stored(local, backend, timeout=120.0, **dict(map(_option, options)))
    click.echo(f"{path} is shown")


def _ask(record: ViewerRecord, what: Any) -> Any:
    """Ask a running viewer one thing."""
    kind = record.name.partition(".")[0]
    stream = Stream(
        record.backend,
        targets(kind, record.name),
        max_bytes=1,
        autostart=False,
        linger=0.0,
        display_options={},
    )
    try:
        value, _ = stream.ask(lambda number: Request(id=number, what=what), _ANSWER_SECONDS)
    finally:
        stream.close()
    return value


def _status(record: ViewerRecord) -> dict[str, Any] | None:
    try:
        status: dict[str, Any] = _ask(record, "status")
    except PolyStoreError:
        return None
    return status


def _facts(record: ViewerRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "backend": record.backend,
        "process": record.pid,
        "since": datetime.fromtimestamp(record.started).astimezone().isoformat(timespec="seconds"),
        "endpoint": record.endpoint,
        "token": record.token or None,
    }


def _row(record: ViewerRecord, status: dict[str, Any] | None) -> tuple[str, ...]:
    facts = _facts(record)
    known = tuple(str(facts[name]) for name in _COLUMNS[:4])
    if status is None:
        return (*known, "does not answer")
    latency = status["latency"]
    counts = tuple(str(status[name]) for name in _COLUMNS[4:8])
    return (*known, *counts, "-" if latency is None else f"{latency * 1000:.0f} ms")


def _print_aligned(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[place]) for row in rows if place < len(row)) for place in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise click.UsageError(f"-o takes KEY=VALUE; got {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
