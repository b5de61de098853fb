"""Viewers of every kind in processes of their own, for the tests of senders and of viewer plugins.

``from viewer_processes import ...`` works wherever this folder is on the path. The fixtures are plain functions
over :class:`Viewers`, so that another plugin can build its own upon it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from polystore_core import BackendRegistry, FileManager
from polystore_streaming.processes import RuntimeFiles, is_running, read_record

HERE = Path(__file__).parent
PATIENCE = 60.0
"""Seconds after which something that should happen counts as not happening, on a loaded machine."""

_ENTRY_POINTS = "[polystore.backends]\n{name} = {reference} [write,stream,flush,metrics]\n"


@dataclass(frozen=True)
class ViewerKind:
    """One viewer to test with.

    Attributes
    ----------
    name
        Kind of the viewer; the backend is ``{name}_stream``.
    reference
        ``"module:class"`` of a backend that no distribution brings; empty for an installed one.
    environment
        A context manager that yields variables for the viewer, an X server for example.
    """

    name: str
    reference: str = ""
    environment: Callable[[], contextlib.AbstractContextManager[Mapping[str, str]]] = contextlib.nullcontext

    @property
    def backend(self) -> str:
        return f"{self.name}_stream"


RECORDER = ViewerKind("recorder", "recorder:RecorderBackend", lambda: contextlib.nullcontext({}))


def eventually(condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Return what the condition says as soon as it is true; fail if it never is."""
    pause = threading.Event()
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {patience} s: {condition}"
        pause.wait(0.01)
    return value


@dataclass
class Viewers:
    """A runtime directory of its own with the viewers of one kind in it.

    Attributes
    ----------
    kind
        The kind.
    folder
        The runtime directory.
    variables
        What a process needs to know to find them.
    """

    kind: ViewerKind
    folder: Path
    variables: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict)
    managers: list[FileManager] = field(default_factory=list)

    @property
    def backend(self) -> str:
        return self.kind.backend

    def manager(self, **configuration: Any) -> FileManager:
        """Return a file manager whose backend is configured like that."""
        configuration = {"linger": PATIENCE, **self.options, **configuration}
        manager = FileManager(BackendRegistry({self.backend: configuration}))
        self.managers.append(manager)
        return manager

    def files(self, name: str = "") -> RuntimeFiles:
        """Return the files of a viewer of this kind."""
        return RuntimeFiles.of(f"{self.kind.name}.{name}" if name else self.kind.name)

    def pid(self, name: str = "") -> int:
        """Return the process of the running viewer."""
        record = eventually(lambda: read_record(self.files(name)))
        return int(record.pid)

    def signal(self, number: int, name: str = "") -> int:
        """Send a signal to the running viewer; return its process."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def kill(self, name: str = "") -> None:
        """Kill the running viewer and wait until it is gone."""
        pid = self.signal(signal.SIGKILL, name)
        eventually(lambda: not is_running(self.files(name)))
        eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie")

    def start(self, name: str = "", *more: str) -> subprocess.Popen[bytes]:
        """Start a viewer by hand and wait until it runs."""
        files = self.files(name)
        command = [sys.executable, "-m", "polystore_streaming.viewer", self.backend, "--name", files.name]
        with files.log.open("ab") as log:
            process = subprocess.Popen(
                [*command, *more], stdout=log, stderr=log, env=self.environment, start_new_session=True
            )
        eventually(lambda: read_record(files) or process.poll() is not None)
        assert process.poll() is None, files.log.read_text()
        return process

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.variables}

    def run(self, script: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a script in a process of its own."""
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", script, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
            **options,
        )

    def spawn(self, script: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start a script in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            env=self.environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def end(self) -> None:
        """End all viewers and let all file managers go."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for manager in self.managers:
            manager.close()
        self.managers.clear()

    def processes(self) -> list[int]:
        """Return all viewer processes of this runtime directory, starting ones included."""
        return [
            process.pid
            for process in psutil.process_iter()
            if (files := _environment_of(process))
            and files.get("POLYSTORE_RUNTIME_DIR") == str(self.folder)
            and process.pid != os.getpid()
            and "polystore_streaming.viewer" in _command_of(process)
        ]


def _environment_of(process: psutil.Process) -> Mapping[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextlib.contextmanager
def viewers_of(kind: ViewerKind) -> Iterator[Viewers]:
    """Make a runtime directory, and the kind's backend known to this process and its children."""
    folder = Path(tempfile.mkdtemp(prefix="psv", dir="/tmp"))
    runtime = folder / "r"
    runtime.mkdir(mode=0o700)
    path = [str(HERE)]
    if kind.reference:
        installed = folder / "site"
        information = installed / f"{kind.name}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {kind.name}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(
            _ENTRY_POINTS.format(name=kind.backend, reference=kind.reference)
        )
        path.insert(0, str(installed))
    with kind.environment() as more:
        variables = {
            "POLYSTORE_RUNTIME_DIR": str(runtime),
            "PYTHONPATH": os.pathsep.join([*path, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
            **more,
        }
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        sys.path[:0] = path
        viewers = Viewers(kind, runtime, variables)
        try:
            yield viewers
        finally:
            viewers.end()
            for entry in path:
                sys.path.remove(entry)
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
            shutil.rmtree(folder, ignore_errors=True)
