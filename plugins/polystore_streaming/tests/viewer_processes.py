"""Viewers of every kind in processes of their own, for the tests of senders and of viewer plugins.

The tests of any plugin can import it: pytest has this folder on its path. A ``conftest.py`` that imports the
fixtures ``recorders`` and ``viewers`` makes them known to the tests beside it.
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
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from polystore_core import BackendRegistry, FileManager
from polystore_streaming.processes import RuntimeFiles, is_running, lower_priority, read_record
from polystore_streaming.testing import virtual_screen

HERE = Path(__file__).parent
PATIENCE = 60.0
"""Seconds after which something that should happen counts as not happening, on a loaded machine."""

_ENTRY_POINTS = "[polystore.backends]\n{name} = {reference} [write,stream,flush,metrics]\n"


def nothing_more() -> contextlib.AbstractContextManager[Mapping[str, str]]:
    """What a viewer without a screen needs."""
    return contextlib.nullcontext({})


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
    environment: Callable[[], contextlib.AbstractContextManager[Mapping[str, str]]] = nothing_more

    @property
    def backend(self) -> str:
        return f"{self.name}_stream"


RECORDER = ViewerKind("recorder", "recorder:RecorderBackend")


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
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

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

    @contextlib.contextmanager
    def stopped(self, name: str = "") -> Iterator[int]:
        """Have the running viewer stand still for the length of a block."""
        pid = self.signal(signal.SIGSTOP, name)
        try:
            yield pid
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def start(self, name: str = "", *more: str) -> subprocess.Popen[bytes]:
        """Start a viewer by hand and wait until it runs."""
        files = self.files(name)
        command = [sys.executable, "-m", "polystore_streaming.viewer", self.backend, "--name", files.name]
        with files.log.open("ab") as log:
            process = subprocess.Popen(
                [*command, *more], stdout=log, stderr=log, env=self.environment, start_new_session=True
            )
        lower_priority(process.pid)  # as a sender does
        self.started.append(process)
        # The record of one that was killed stays until the next writes its own.
        eventually(lambda: getattr(read_record(files), "pid", 0) == process.pid or process.poll() is not None)
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
        """End all viewers, and the senders that could still start one; let all file managers go."""
        eventually(lambda: not self._kill_everybody())
        for process in self.started:
            process.wait()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for manager in self.managers:
                manager.close()
        self.managers.clear()
        # What was killed before it had shown anything may have been followed by another one.
        eventually(lambda: not self._kill_everybody())

    def processes(self) -> list[int]:
        """Return all viewer processes of this runtime directory, starting ones included."""
        return [
            process.pid
            for process in self._everybody()
            if "polystore_streaming.viewer" in _command_of(process)
        ]

    def _kill_everybody(self) -> list[psutil.Process]:
        found = self._everybody()
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return found

    def _everybody(self) -> list[psutil.Process]:
        """Return the processes that were started with this runtime directory."""
        return [
            process
            for process in psutil.process_iter()
            if _environment_of(process).get("POLYSTORE_RUNTIME_DIR") == str(self.folder)
            and process.pid != os.getpid()
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


@contextlib.contextmanager
def a_screen() -> Iterator[Mapping[str, str]]:
    """What a viewer with a window needs."""
    with virtual_screen() as display:
        yield {"DISPLAY": display}


KINDS = [RECORDER, ViewerKind("napari", environment=a_screen), ViewerKind("fiji", environment=a_screen)]
"""What the suite of faults runs with; another viewer is one more line."""

SLOW_KINDS = [
    ViewerKind("slow_recorder", "slow_viewers:SlowRecorderBackend"),
    ViewerKind("slow_napari", "slow_viewers:SlowNapariBackend", a_screen),
    ViewerKind("slow_fiji", "slow_viewers:SlowFijiBackend", a_screen),
]
"""The same viewers, if they show one image a second."""


@pytest.fixture
def recorders() -> Iterator[Viewers]:
    """Viewers without a window, in a runtime directory of their own."""
    with viewers_of(RECORDER) as viewers:
        yield viewers


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def viewers(request: pytest.FixtureRequest) -> Iterator[Viewers]:
    """Viewers of every kind."""
    with viewers_of(request.param) as found:
        yield found


@pytest.fixture(params=SLOW_KINDS, ids=lambda kind: kind.name)
def slow_viewers(request: pytest.FixtureRequest) -> Iterator[Viewers]:
    """Viewers of every kind that show one image a second."""
    with viewers_of(request.param) as found:
        yield found
