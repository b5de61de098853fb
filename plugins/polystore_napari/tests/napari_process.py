"""A display in a process of its own, driven by the test through a pipe.

The process runs the display as the viewer server does: what the test asks is done within one
``Host.deliver``, and answered within the next, when the window shows it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import traceback
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 120


class NapariProcess:
    """The test's end: methods of the display are called by name and return what they return."""

    def __init__(self, screen: str | None, home: Path, **variables: str) -> None:
        ours, theirs = Pipe()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYSTORE_")}
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "NAPARI_CONFIG"):
            environment.pop(name, None)
        environment |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), **variables}
        if screen is not None:
            environment["DISPLAY"] = screen
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()], env=environment
            )
        self._connection = ours
        try:
            self._answer()
        except BaseException:
            self.end()
            raise

    def _answer(self) -> Any:
        if not self._connection.poll(PATIENCE_SECONDS):
            raise TimeoutError("the display does not answer")
        ok, value = self._connection.recv()
        if not ok:
            raise value
        return value

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the display from its loop; return when the window shows it."""
        self._connection.send((method, arguments))
        return self._answer()

    def layer(self, name: str) -> dict[str, Any]:
        """Return the description of one layer."""
        return next(layer for layer in self.call("layers") if layer["name"] == name)

    def python(self, statements: str, **names: Any) -> Any:
        """Run statements beside the ``viewer``, as the user's hands; return what they call ``answer``."""
        return self.call("execute", statements, names)

    def wait(self) -> int:
        """Wait for the end of the process; return its exit status."""
        return self.process.wait(PATIENCE_SECONDS)

    def end(self) -> None:
        """End the process, whatever it does."""
        self._connection.close()
        self.process.kill()
        self.process.wait()


class _Driver:
    """The host behind the display: one request at a time."""

    def __init__(self, connection: Connection) -> None:
        from polystore_napari._display import NapariDisplay

        self.connection = connection
        self.answer: tuple[bool, Any] | None = None
        self.request: tuple[str, tuple[Any, ...]] | None = None
        self.display = NapariDisplay("PolyStore test")
        connection.send((True, None))

    def listen(self) -> None:
        while True:
            try:
                self.request = self.connection.recv()
            except EOFError:
                return
            self.display.wake()

    def deliver(self) -> bool:
        if self.answer is not None:
            answer, self.answer = self.answer, None
            self.connection.send(answer)
        if self.request is not None:
            (method, arguments), self.request = self.request, None
            try:
                act = self.execute if method == "execute" else getattr(self.display, method)
                self.answer = True, act(*arguments)
            except Exception as error:
                traceback.print_exc()
                self.answer = False, error
        return self.answer is not None

    def painted(self) -> None:
        """Nothing waits for a paint here."""

    def execute(self, statements: str, names: dict[str, Any]) -> Any:
        import numpy

        space = {"viewer": self.display._window.viewer, "display": self.display, "np": numpy, **names}
        exec(statements, space)
        return space.get("answer")


def main() -> None:
    """Run a display until it ends."""
    connection = Connection(int(sys.argv[1]))
    try:
        driver = _Driver(connection)
    except Exception as error:
        connection.send((False, error))
        return
    threading.Thread(target=driver.listen, daemon=True).start()
    driver.display.run(driver)


if __name__ == "__main__":
    main()
