"""A display in a process of its own, driven by the test through a pipe.

The process runs the display as the viewer server does: what the test asks is done within one
``Host.deliver``, and answered when the window shows it: after a paint, or within the next one. A viewer's own
module brings a :class:`Driver` and calls :func:`drive` when it is run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import traceback
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, ClassVar

HERE = Path(__file__).parent
PATIENCE_SECONDS = 120


class DisplayProcess:
    """The test's end: methods of the display are called by name and return what they return.

    Parameters
    ----------
    module
        File that calls :func:`drive`.
    screen
        Its ``DISPLAY``; ``None`` for none.
    variables
        Of its environment.
    command
        What runs the interpreter.
    **options
        Of the display.
    """

    def __init__(
        self, module: str, screen: str | None, *command: str, variables: dict[str, str], **options: Any
    ) -> None:
        ours, theirs = Pipe()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYSTORE_")}
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "NAPARI_CONFIG"):
            environment.pop(name, None)
        environment |= {"PYTHONPATH": str(HERE), **variables}
        if screen is not None:
            environment["DISPLAY"] = screen
        with theirs:
            self.process = subprocess.Popen(
                [*command, sys.executable, module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
            )
        self._connection = ours
        try:
            ours.send(options)
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

    def say(self, method: str, *arguments: Any) -> None:
        """Call a method of the display from its loop; do not wait."""
        self._connection.send((method, arguments))

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the display from its loop; return when the window shows it."""
        self.say(method, *arguments)
        return self._answer()

    def wait(self) -> int:
        """Wait for the end of the process; return its exit status."""
        return self.process.wait(PATIENCE_SECONDS)

    def end(self) -> None:
        """End the process, whatever it does."""
        self._connection.close()
        self.process.kill()
        self.process.wait()


class Driver:
    """The host behind the display: one request at a time.

    Methods named in ``own`` are called instead of those of the display.
    """

    own: ClassVar[tuple[str, ...]] = ()

    def __init__(self, connection: Connection, display: Any) -> None:
        self.display = display
        self._connection = connection
        self._answer: tuple[bool, Any] | None = None
        self._request: tuple[str, tuple[Any, ...]] | None = None

    def listen(self) -> None:
        while True:
            try:
                self._request = self._connection.recv()
            except EOFError:
                return
            self.display.wake()

    def deliver(self) -> bool:
        self.painted()
        if self._request is not None:
            (method, arguments), self._request = self._request, None
            try:
                act = getattr(self if method in self.own else self.display, method)
                self._answer = True, act(*arguments)
            except Exception as error:
                traceback.print_exc()
                self._answer = False, error
        return self._answer is not None

    def painted(self) -> None:
        if self._answer is not None:
            answer, self._answer = self._answer, None
            self._connection.send(answer)


def drive(driver_class: type[Driver], display_class: Any, title: str) -> None:
    """Run a display until it ends."""
    connection = Connection(int(sys.argv[1]))
    try:
        driver = driver_class(connection, display_class(title, **connection.recv()))
    except Exception as error:
        connection.send((False, error))
        return
    connection.send((True, None))
    threading.Thread(target=driver.listen, daemon=True).start()
    driver.display.run(driver)
