"""An ImageJ in a process of its own; see ``display_process``."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from display_process import DisplayProcess, Driver, drive

if TYPE_CHECKING:
    from pathlib import Path


class FijiProcess(DisplayProcess):
    """The test's end."""

    def __init__(
        self,
        screen: str | None,
        home: Path,
        *,
        variables: dict[str, str] | None = None,
        command: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        own = {"HOME": str(home), "_JAVA_OPTIONS": f"-Duser.home={home}"}
        super().__init__(__file__, screen, *command, variables={**own, **(variables or {})}, **options)

    def java(self, expression: str, **names: Any) -> Any:
        """Evaluate an expression beside the display; ``ij`` gives Java classes, ``imp`` images by title."""
        return self.call("evaluate", expression, names)


class FijiDriver(Driver):
    """The host behind ImageJ."""

    own = ("evaluate",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._counts: Counter[str] = Counter()

    def evaluate(self, expression: str, names: dict[str, Any]) -> Any:
        """Evaluate an expression."""
        from polystore_fiji._java import java

        def image(title: str) -> Any:
            return java("ij.WindowManager").getImage(title)

        helpers = {"ij": java, "imp": image, "listener": self.listener, "settled": self.settled}
        return _plain(eval(expression, {**helpers, **names}))

    def listener(self, name: str) -> Any:
        """Make an ``ij.ImageListener`` that counts updates under a name."""
        import jpype

        def count(_imp: object) -> None:
            self._counts[name] += 1

        def ignore(_imp: object) -> None:
            pass

        methods = {"imageUpdated": count, "imageOpened": ignore, "imageClosed": ignore}
        return jpype.JProxy("ij.ImageListener", dict=methods)

    def settled(self, name: str) -> int:
        """Count of a listener, after everything that waits for the event thread."""
        from polystore_fiji._java import on_event_thread

        on_event_thread(lambda: None)
        return self._counts[name]


def _plain(value: Any) -> Any:
    """Java's values as Python's own, which travel through a pipe."""
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, (tuple, list)):
        return type(value)(map(_plain, value))
    return None if value is None else str(value)


if __name__ == "__main__":
    from polystore_fiji._display import FijiDisplay

    drive(FijiDriver, FijiDisplay, "PolyStore")
    print("SIGTERM is", signal.getsignal(signal.SIGTERM), file=sys.stderr)
