"""A display in a process of its own, driven by the test through a pipe.

The process runs the display as the viewer server does: what the test asks is done within ``Host.deliver``,
and answered after the display has called ``Host.painted``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import traceback
from collections import Counter
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60


class FijiProcess:
    """The test's end: methods of the display are called by name and return what they return."""

    def __init__(
        self,
        screen: str | None,
        home: Path,
        *,
        variables: dict[str, str] | None = None,
        command: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        ours, theirs = Pipe()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYSTORE_")}
        environment |= {"HOME": str(home), "_JAVA_OPTIONS": f"-Duser.home={home}", **(variables or {})}
        environment.pop("DISPLAY", None)
        if screen is not None:
            environment["DISPLAY"] = screen
        with theirs:
            self.process = subprocess.Popen(
                [*command, sys.executable, __file__, str(theirs.fileno())],
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

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the display from its loop; return after the paint."""
        self._connection.send((method, arguments))
        return self._answer()

    def java(self, expression: str, **names: Any) -> Any:
        """Evaluate an expression beside the display; ``ij`` gives Java classes, ``imp`` images by title."""
        return self.call("evaluate", expression, names)

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
        from polystore_fiji._display import FijiDisplay

        self.connection = connection
        self.counts: Counter[str] = Counter()
        self.answer: tuple[bool, Any] | None = None
        self.request: tuple[str, tuple[Any, ...]] | None = None
        self.display = FijiDisplay("PolyStore", **connection.recv())
        connection.send((True, None))

    def listen(self) -> None:
        while True:
            try:
                self.request = self.connection.recv()
            except EOFError:
                return
            self.display.wake()

    def deliver(self) -> bool:
        if self.request is not None:
            (method, arguments), self.request = self.request, None
            try:
                act = self.evaluate if method == "evaluate" else getattr(self.display, method)
                self.answer = True, act(*arguments)
            except Exception as error:
                traceback.print_exc()
                self.answer = False, error
        return False

    def painted(self) -> None:
        if self.answer is not None:
            answer, self.answer = self.answer, None
            self.connection.send(answer)

    def evaluate(self, expression: str, names: dict[str, Any]) -> Any:
        from polystore_fiji._java import java

        def image(title: str) -> Any:
            return java("ij.WindowManager").getImage(title)

        helpers = {"ij": java, "imp": image, "listener": self.listener, "settled": self.settled}
        return _plain(eval(expression, {**helpers, **names}))

    def listener(self, name: str) -> Any:
        """Make an ``ij.ImageListener`` that counts updates under a name."""
        import jpype

        counts = self.counts

        def count(_imp: object) -> None:
            counts[name] += 1

        def ignore(_imp: object) -> None:
            pass

        methods = {"imageUpdated": count, "imageOpened": ignore, "imageClosed": ignore}
        return jpype.JProxy("ij.ImageListener", dict=methods)

    def settled(self, name: str) -> int:
        """Count of a listener, after everything that waits for the event thread."""
        from polystore_fiji._java import on_event_thread

        on_event_thread(lambda: None)
        return self.counts[name]


def _plain(value: Any) -> Any:
    """Java's values as Python's own, which travel through a pipe."""
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, (tuple, list)):
        return type(value)(map(_plain, value))
    return None if value is None else str(value)


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
    print("SIGTERM is", signal.getsignal(signal.SIGTERM), file=sys.stderr)


if __name__ == "__main__":
    main()
