"""Java classes, and work for the event thread of its windows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import jpype

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["java", "message", "on_event_thread"]


@cache
def java(name: str) -> Any:
    """Return a Java class by its full name; the virtual machine must run."""
    return jpype.JClass(name)


def on_event_thread(action: Callable[[], None]) -> None:
    """Have the event thread call a function, and wait for it.

    Raises
    ------
    Exception
        What the function raised.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:
            raised.append(error)

    runnable = jpype.JProxy("java.lang.Runnable", dict={"run": run})
    java("java.awt.EventQueue").invokeAndWait(runnable)
    if raised:
        raise raised[0]


def message(error: BaseException) -> str:
    """Return what a Java exception says, down to its deepest cause."""
    texts: list[str] = []
    seen: Any = error
    while seen is not None and len(texts) < 5:
        text = str(seen.toString()) if isinstance(seen, jpype.JException) else str(seen)
        if text not in texts:
            texts.append(text)
        seen = seen.getCause() if isinstance(seen, jpype.JException) else None
    return "; ".join(texts)
