"""Running a function in a process of its own, for the tests of files."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any


def in_child(function: Callable[..., Any], *args: Any, method: str = "fork") -> Any:
    """Call the function in a new process; return what it returns, raise what it raises."""
    child = Child(function, *args, method=method)
    outcome = child.receive()
    child.join()
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


class Child:
    """A process that runs ``function(connection, *args)`` if ``talks``, else ``function(*args)``."""

    def __init__(
        self, function: Callable[..., Any], *args: Any, method: str = "fork", talks: bool = False
    ) -> None:
        context: Any = multiprocessing.get_context(method)
        self._mine, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, function, args, talks), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def send(self, message: object = None) -> None:
        self._mine.send(message)

    def receive(self) -> Any:
        assert self._mine.poll(60), "the child process says nothing"
        return self._mine.recv()

    def received(self) -> list[Any]:
        """Everything said so far, also by a process that has ended."""
        messages = []
        try:
            while self._mine.poll(0):
                messages.append(self._mine.recv())
        except EOFError:
            pass
        return messages

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._process.join()

    def join(self) -> None:
        self._process.join(60)
        assert self._process.exitcode == 0
        self._mine.close()

    def close(self) -> None:
        if self._process.is_alive():
            self.kill()
        self._mine.close()
        self._process.close()


def _run(connection: Connection, function: Callable[..., Any], args: tuple[Any, ...], talks: bool) -> None:
    try:
        outcome = function(connection, *args) if talks else function(*args)
    except Exception as error:
        outcome = error
    connection.send(outcome)
    connection.close()
