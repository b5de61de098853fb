"""Object stores keep the promises of every backend, as far as an object store can."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np
import pytest
import zarr
from hypothesis import settings
from s3_server import BUCKET, S3, running
from zarr.storage import ObjectStore

from polystore_core import UnsupportedOperation
from polystore_core.testing import BackendConformance

if TYPE_CHECKING:
    from polystore_core.data import Data
    from polystore_core.testing import Store


REFUSAL = (
    "an object store cannot be used in a process that was forked from one that has used it; start workers by "
    "the method 'spawn' or 'forkserver'"
)


def said_in_fork(work: Callable[[], object]) -> str:
    """Return the message of the error that work raises in a forked child, which has a minute."""
    receiver, sender = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        try:
            work()
        except UnsupportedOperation as error:
            os.write(sender, str(error).encode())
        finally:
            os._exit(0)
    os.close(sender)
    os.waitpid(pid, 0)
    with open(receiver, "rb") as said:
        return said.read().decode()


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with running() as server:
        yield server


class Remote(BackendConformance):
    backend = "zarr"
    suffixes: ClassVar = {"array": ".npy"}
    holds_every_array = False
    heavy_modules = ("zarr", "obstore", "pydantic", "ome_zarr_models")

    def test_a_forked_worker_works_on(self, store: Store) -> None:
        """The threads of obstore are not in a forked process: it says so, and does not wait for them."""
        store.save(self.value(), self.name("a"))
        assert said_in_fork(lambda: store.get(self.name("a"))) == REFUSAL
        assert said_in_fork(lambda: store.save(self.value(), self.name("b"))) == REFUSAL
        assert store.tree() == [self.name("a")]

    def test_a_worker_forked_amid_saves_is_not_blocked(self, store: Store) -> None:
        """It says the same while others save."""
        path = self.name("a")
        store.save(self.value(), path)
        stop = threading.Event()

        def save_on() -> None:
            while not stop.is_set():
                store.save(self.value(1), self.name("d/b"))

        saver = threading.Thread(target=save_on)
        saver.start()
        try:
            assert [said_in_fork(lambda: store.get(path)) for _ in range(3)] == [REFUSAL] * 3
        finally:
            stop.set()
            saver.join()


class TestZarrInMemory(Remote):
    """``memory://``: a store of the file manager's own."""

    settings = settings(BackendConformance.settings, max_examples=25, stateful_step_count=25)

    def configuration(self, folder: Path) -> Mapping[str, Any]:
        return {"root": "memory://kit/root"}


class TestZarrInS3(Remote):
    """``s3://``: a server in another process."""

    persistent = True
    shared = True
    settings = settings(BackendConformance.settings, max_examples=5, stateful_step_count=15)
    server: ClassVar[S3]

    @pytest.fixture(autouse=True)
    def _take_server(self, s3: S3) -> None:
        type(self).server = s3

    def configuration(self, folder: Path) -> Mapping[str, Any]:
        return {"root": f"s3://{BUCKET}/{self.prefix(folder)}", "storage_options": self.server.options}

    def prefix(self, folder: Path) -> str:
        return hashlib.sha256(str(folder).encode()).hexdigest()[:16]

    def raw_put(self, folder: Path, path: str, value: Data) -> None:
        assert isinstance(value, np.ndarray)
        store = ObjectStore(self.server.store(f"{self.prefix(folder)}/{path}"))
        with zarr.config.set({"array.write_empty_chunks": True}):
            zarr.save_array(store, cast("Any", value))

    def raw_get(self, folder: Path, path: str) -> Data:
        store = ObjectStore(self.server.store(f"{self.prefix(folder)}/{path}"), read_only=True)
        group = zarr.open_group(store, mode="r")
        ours: Any = group.attrs["polystore"]
        stored: Any = group[ours["version"]]
        return np.asarray(stored[...])
