"""Reopening, pickling, other processes, and what an import brings in."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polystore_core.errors import PolyStoreError
from polystore_core.testing._kit import Kit, needs
from polystore_core.testing._samples import assert_same

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from polystore_core.data import Data, DataKind
    from polystore_core.manager import FileManager
    from polystore_core.testing._store import Store

__all__ = ["LazinessTests", "PersistenceTests", "ProcessTests"]

_PATIENCE_SECONDS = 60


class PersistenceTests(Kit):
    """What a new registry finds."""

    @needs("persistent", "write", "read")
    def test_what_was_saved_is_found_after_reopening(self, tmp_path: Path, kind: DataKind) -> None:
        paths = [self.name(stem, kind) for stem in ("a", "d/b", "d/e/c")]
        with self.opened(tmp_path) as store:
            for number, path in enumerate(paths):
                store.save(self.value(9, kind), path)
                store.save(self.value(number, kind), path)
        with self.opened(tmp_path) as store:
            for number, path in enumerate(paths):
                assert_same(store.load(path), self.value(number, kind))

    @needs("persistent", "delete", "write", "list")
    def test_what_was_deleted_stays_deleted_after_reopening(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as store:
            store.put_files(self.name("a"), self.name("b"))
            store.delete(self.name("a"))
        with self.opened(tmp_path) as store:
            assert store.tree() == [self.name("b")]

    @needs("write", "read")
    def test_stores_share_nothing(self, tmp_path: Path) -> None:
        folders = [tmp_path / "one", tmp_path / "two"]
        for folder in folders:
            folder.mkdir()
        with self.opened(folders[0]) as one:
            one.save(self.value(), self.name("a"))
            with self.opened(folders[1]) as two:
                assert not two.exists(self.name("a"))
                two.save(self.value(1), self.name("a"))
            with self.opened(folders[0]) as again:
                assert again.exists(self.name("a")) == self.persistent
            assert_same(one.load(self.name("a")), self.value())

    @needs("write", "read")
    def test_a_pickled_file_manager_works_on(self, store: Store) -> None:
        store.save(self.value(), self.name("a"))
        text = pickle.dumps(store.fm)
        assert len(text) < 10_000, "a file manager must pickle as names and configuration"
        with pickle.loads(text) as fm:
            assert fm.exists(self.name("a"), backend=self.backend) == self.persistent
            fm.save(self.value(1), self.name("b"), backend=self.backend)
            assert_same(fm.load(self.name("b"), backend=self.backend), self.value(1))


class ProcessTests(Kit):
    """What worker processes find."""

    @needs("write", "read")
    def test_a_spawned_worker_works_on(self, store: Store) -> None:
        store.save(self.value(), self.name("a"))
        found, saved = in_worker(
            "spawn", store.fm, self.backend, self.name("a"), self.value(1), self.name("b")
        )
        assert_same(saved, self.value(1))
        if self.shared:
            assert_same(found, self.value())
            assert_same(store.load(self.name("b")), self.value(1))
        else:
            assert found is None

    @needs("write", "read")
    def test_a_forked_worker_works_on(self, store: Store) -> None:
        if not hasattr(os, "fork"):
            return
        store.save(self.value(), self.name("a"))
        found, saved = in_worker(
            "fork", store.fm, self.backend, self.name("a"), self.value(1), self.name("b")
        )
        assert_same(found, self.value())
        assert_same(saved, self.value(1))
        assert store.exists(self.name("b")) == self.shared

    @needs("write", "read")
    def test_a_worker_forked_amid_saves_is_not_blocked(self, store: Store) -> None:
        if not hasattr(os, "fork"):
            return
        store.save(self.value(), self.name("a"))
        with saving_meanwhile(store, self.value(2), [self.name(f"d/{number}") for number in range(3)]):
            for _ in range(5):
                found, saved = in_worker(
                    "fork", store.fm, self.backend, self.name("a"), self.value(1), self.name("b")
                )
                assert_same(found, self.value())
                assert_same(saved, self.value(1))


@contextlib.contextmanager
def saving_meanwhile(store: Store, value: Data, paths: list[str]) -> Iterator[None]:
    """Save to each path over and over, each from a thread of its own."""
    stop = threading.Event()

    def work(path: str) -> None:
        while not stop.is_set():
            store.save(value, path)

    threads = [threading.Thread(target=work, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def in_worker(
    method: str, fm: FileManager, backend: str, source: str, value: Data, target: str
) -> tuple[Any, Any]:
    """Load one path and save another in a new process; return what was loaded from each, None if missing."""
    context: Any = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, fm, backend, source, value, target))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    sender.close()
    try:
        assert receiver.poll(_PATIENCE_SECONDS), f"the {method}ed worker gave no answer"
        answer = receiver.recv()
    except EOFError:
        process.join()
        raise AssertionError(f"the {method}ed worker died with exit code {process.exitcode}") from None
    finally:
        process.kill()
        process.join()
        receiver.close()
    if isinstance(answer, BaseException):
        raise AssertionError(f"the {method}ed worker failed: {answer!r}") from answer
    found, saved = answer
    return found, saved


def _work(sender: Connection, fm: FileManager, backend: str, source: str, value: Data, target: str) -> None:
    try:
        try:
            found = fm.load(source, backend=backend)
        except FileNotFoundError:
            found = None
        fm.save(value, target, backend=backend)
        sender.send((found, fm.load(target, backend=backend)))
    except PolyStoreError as error:
        sender.send(error)


_REPORT = """
import json, sys
modules = json.loads(sys.argv[1])
from polystore_core import BackendRegistry, FileManager
from polystore_core.testing._reference import ReferenceBackend
registry = BackendRegistry()
registry.register("other", ReferenceBackend)
fm = FileManager(registry)
names = [info.name for info in fm.backends()]
fm.save("text", "a.txt", backend="other")
print(json.dumps({"names": names, "imported": [name for name in modules if name in sys.modules]}))
"""


class LazinessTests(Kit):
    """Nobody pays for a backend that is not named."""

    @needs("installed")
    def test_listing_backends_and_using_others_imports_nothing_of_this_one(self) -> None:
        (entry,) = entry_points(group="polystore.backends", name=self.backend)
        modules = [entry.module, *self.heavy_modules]
        done = subprocess.run(
            [sys.executable, "-c", _REPORT, json.dumps(modules)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert self.backend in report["names"]
        assert report["imported"] == []

    @needs("installed")
    def test_its_capabilities_are_known_before_it_is_opened(self, store: Store) -> None:
        (info,) = (info for info in store.fm.backends() if info.name == self.backend)
        assert info.state == "installed"
        assert sorted(info.capabilities) == sorted(self.capabilities)
