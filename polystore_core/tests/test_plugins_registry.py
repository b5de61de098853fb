"""The registry: naming, opening, registering, configuring, wrapping, pickling, forking."""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pluggy
import portalocker
import pytest

import polystore_core
from polystore_core import (
    BackendRegistry,
    BackendUnavailable,
    FileManager,
    InvalidOption,
    PathNotFound,
    PluginError,
    StorageBackend,
    StorageFull,
    UnknownBackend,
    UnsupportedOperation,
    hookimpl,
)
from polystore_core.plugins import Entry, Listing, ReadRequest


class Greeter:
    """A backend that can only be read, and says how it was configured."""

    def __init__(self, *, greeting: str = "hello", times: int = 1) -> None:
        self.greeting = greeting
        self.times = times

    @hookimpl
    def polystore_read(self, request: ReadRequest) -> list[str]:
        return [f"{self.greeting * self.times} {path}" for path in request.paths]


@pytest.fixture
def registry() -> Iterator[BackendRegistry]:
    registry = BackendRegistry()
    yield registry
    registry.close()


def test_an_unknown_name_lists_what_is_installed_and_what_was_meant(registry):
    with pytest.raises(UnknownBackend) as caught:
        registry.open("mmory")
    installed = ", ".join(registry.names())
    assert str(caught.value) == f"no backend 'mmory'; installed: {installed}. Did you mean 'memory'?"
    assert caught.value.backend == "mmory"
    assert isinstance(caught.value, LookupError)


@pytest.fixture
def error_without_plugins(tmp_path) -> Callable[[str], str]:
    """What is raised for the name of a backend where core is installed and no plugin is."""
    for package in (polystore_core, pluggy, portalocker):
        folder = Path(str(package.__file__)).parent
        (tmp_path / folder.name).symlink_to(folder)

    def ask(name: str) -> str:
        script = """
import sys, polystore_core
try:
    polystore_core.BackendRegistry().open(sys.argv[1])
except polystore_core.PolyStoreError as error:
    print(type(error).__name__, error)
"""
        command = [sys.executable, "-S", "-c", script, name]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    return ask


def test_a_misspelled_name_of_a_backend_that_could_be_installed_gets_the_pip_line(error_without_plugins):
    said = error_without_plugins("nappari")
    assert said.startswith("UnknownBackend")
    assert "Did you mean 'napari_stream'? pip install \"polystore[napari]\"" in said


def test_a_known_backend_that_is_not_installed_gets_the_pip_line(error_without_plugins):
    said = error_without_plugins("fiji_stream")
    assert said.startswith("BackendUnavailable")
    assert 'pip install "polystore[fiji]"' in said
    assert issubclass(BackendUnavailable, ImportError)


@pytest.mark.parametrize(
    "call",
    [
        lambda fm: fm.save(b"", "a.bin"),
        lambda fm: fm.load("a.bin"),
        lambda fm: fm.save_batch([b""], ["a.bin"]),
        lambda fm: fm.load_batch(["a.bin"]),
        lambda fm: fm.list_files("."),
        lambda fm: fm.list_image_files("."),
        lambda fm: fm.list_dir("."),
        lambda fm: fm.exists("a.bin"),
        lambda fm: fm.is_file("a.bin"),
        lambda fm: fm.is_dir("a.bin"),
        lambda fm: fm.stat("a.bin"),
        lambda fm: fm.ensure_directory("a"),
        lambda fm: fm.delete("a.bin"),
        lambda fm: fm.copy("a.bin", "b.bin"),
        lambda fm: fm.move("a.bin", "b.bin"),
        lambda fm: fm.stream(),
        lambda fm: fm.flush(),
        lambda fm: fm.can("read"),
    ],
)
def test_leaving_the_backend_out_says_which_there_are(call):
    with pytest.raises(InvalidOption, match=r"say which backend: backend=\.\.\.; installed: disk, "):
        call(FileManager())


def test_the_backend_is_a_required_keyword_in_every_signature():
    import inspect

    for name in ("save", "load", "save_batch", "load_batch", "list_files", "stat", "copy", "stream"):
        parameter = inspect.signature(getattr(FileManager, name)).parameters["backend"]
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default is inspect.Parameter.empty


def test_a_class_is_registered_and_configured(registry):
    registry = BackendRegistry({"greeter": {"greeting": "hi ", "times": 2}})
    registry.register("greeter", Greeter)
    assert FileManager(registry).load("a", backend="greeter") == "hi hi  a"


def test_an_object_is_registered_as_it_is(registry):
    registry.register("greeter", Greeter(greeting="good day"))
    assert FileManager(registry).load("a", backend="greeter") == "good day a"


def test_an_unknown_configuration_key_lists_the_valid_ones():
    registry = BackendRegistry({"greeter": {"greating": "hi"}})
    registry.register("greeter", Greeter)
    with pytest.raises(InvalidOption) as caught:
        registry.open("greeter")
    assert str(caught.value) == (
        "configuration of backend 'greeter' has no option 'greating'; options: greeting, times."
        " Did you mean 'greeting'?"
    )


def test_a_configuration_value_of_the_wrong_type_is_refused():
    registry = BackendRegistry({"greeter": {"times": "often"}})
    registry.register("greeter", Greeter)
    with pytest.raises(InvalidOption, match="option 'times' takes int; got 'often'"):
        registry.open("greeter")


def test_a_taken_name_is_taken_over_only_on_request(registry):
    with pytest.raises(PluginError, match="there is a backend 'memory' already; pass replace=True"):
        registry.register("memory", Greeter)
    registry.register("memory", Greeter, replace=True)
    assert FileManager(registry).load("a", backend="memory") == "hello a"


def test_an_operation_that_is_not_implemented_names_those_that_are(registry):
    registry.register("greeter", Greeter)
    with pytest.raises(UnsupportedOperation, match="backend 'greeter' cannot write; it can: read") as caught:
        FileManager(registry).save(b"", "a.bin", backend="greeter")
    assert (caught.value.backend, caught.value.operation) == ("greeter", "write")
    assert isinstance(caught.value, NotImplementedError)


def test_two_registries_share_nothing():
    first, second = FileManager(), FileManager()
    first.save(b"mine", "a.bin", backend="memory")
    with pytest.raises(PathNotFound):
        second.load("a.bin", backend="memory")


def test_backends_are_described_before_and_after_they_are_opened(registry):
    before = {info.name: info for info in registry.backends()}
    assert before["memory"].state == "installed"
    assert before["memory"].distribution == "polystore-memory"
    registry.open("memory")
    after = {info.name: info for info in registry.backends()}
    assert after["memory"].state == "open"
    assert after["memory"].capabilities == before["memory"].capabilities


def test_many_threads_open_one_backend():
    opened = []

    class Slow(Greeter):
        def __init__(self) -> None:
            super().__init__()
            opened.append(self)

    registry = BackendRegistry()
    registry.register("slow", Slow)
    barrier = threading.Barrier(8)
    backends = []

    def use() -> None:
        barrier.wait()
        backends.append(registry.open("slow"))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1
    assert len(set(map(id, backends))) == 1


def test_a_registry_pickles_small_and_reopens_with_its_configuration():
    registry = BackendRegistry({"greeter": {"greeting": "hi"}})
    registry.register("greeter", Greeter)
    fm = FileManager(registry)
    fm.save(bytes(1_000_000), "big.bin", backend="memory")
    pickled = pickle.dumps(fm)
    assert len(pickled) < 1000
    assert pickle.loads(pickled).load("a", backend="greeter") == "hi a"


def test_a_forked_child_can_open_a_backend_while_the_parent_is_opening_one(registry):
    opening, forked = threading.Event(), threading.Event()

    class Waiting(Greeter):
        def __init__(self) -> None:
            super().__init__()
            opening.set()
            forked.wait()

    registry.register("waiting", Waiting)
    thread = threading.Thread(target=registry.open, args=("waiting",))
    thread.start()
    opening.wait()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if registry.open("memory").can("read") else 1)
    _, status = os.waitpid(pid, 0)
    forked.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0


def test_closing_lets_the_plugin_release_what_it_holds(registry):
    closed = []

    class Held(Greeter):
        @hookimpl
        def polystore_close(self) -> None:
            closed.append(self)

    registry.register("held", Held)
    registry.open("held")
    registry.close()
    registry.close()
    assert len(closed) == 1


def test_a_factory_that_fails_is_reported_and_tried_again_when_named_again(registry):
    attempts = []

    def flaky() -> Greeter:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("server is down")
        return Greeter()

    registry.register("flaky", flaky)
    with pytest.raises(PluginError, match="cannot be opened: OSError: server is down") as caught:
        registry.open("flaky")
    assert isinstance(caught.value.__cause__, OSError)
    assert {info.name: info.state for info in registry.backends()}["flaky"] == "broken"
    assert registry.open("flaky").can("read")


def test_a_foreign_exception_is_wrapped_once_with_its_cause(registry):
    class Broken:
        @hookimpl
        def polystore_read(self, request):
            raise ValueError("bad block")

    registry.register("broken", Broken)
    with pytest.raises(
        Exception, match="backend 'broken' failed to read 'a': ValueError: bad block"
    ) as caught:
        FileManager(registry).load("a", backend="broken")
    assert isinstance(caught.value.__cause__, ValueError)
    assert (caught.value.backend, caught.value.operation, caught.value.path) == ("broken", "read", "a")


def test_none_is_never_an_answer(registry):
    class Mute:
        @hookimpl
        def polystore_read(self, request):
            return None

        @hookimpl
        def polystore_stat(self, path):
            return None

    registry.register("mute", Mute)
    fm = FileManager(registry)
    for ask in (fm.load, fm.stat):
        with pytest.raises(PluginError, match=r"answered \w+ with None"):
            ask("a", backend="mute")
    with pytest.raises(PluginError, match="with None"):
        fm.load_batch(["a"], backend="mute")


def test_what_a_plugin_reads_must_be_one_value_per_path(registry):
    class Short:
        @hookimpl
        def polystore_read(self, request):
            return []

    registry.register("short", Short)
    with pytest.raises(PluginError, match="did not return one value for each of 2 paths"):
        FileManager(registry).load_batch(["a", "b"], backend="short")


class Dictionary(StorageBackend):
    """The smallest storage backend: only what the base class demands."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def read(self, path, *, copy):
        return self.values[path]

    def write(self, data, path, *, overwrite, copy, tag: str = ""):
        self.values[path] = data
        return 0

    def list_directory(self, directory, *, recursive):
        return Listing(list(self.values), [])

    def stat(self, path):
        if path not in self.values:
            raise PathNotFound(f"no file {path!r}")
        return Entry(path, is_directory=False)

    def delete(self, path, *, recursive):
        del self.values[path]
        return 1

    def make_directory(self, path):
        return True


def test_copy_and_move_come_for_free(registry):
    registry.register("dictionary", Dictionary)
    fm = FileManager(registry)
    fm.save("v", "a.txt", backend="dictionary")
    fm.copy("a.txt", "b.txt", backend="dictionary")
    fm.move("a.txt", "c.txt", backend="dictionary")
    assert fm.list_files(".", backend="dictionary") == ["./b.txt", "./c.txt"]
    assert fm.can("move", backend="dictionary")
    assert not registry.open("dictionary").can("move")


def test_the_options_of_a_class_are_its_keyword_only_parameters(registry):
    registry.register("dictionary", Dictionary)
    fm = FileManager(registry)
    fm.save("v", "a.txt", backend="dictionary", tag="x")
    with pytest.raises(InvalidOption, match=r"save has no option 'tga'; options: tag\. Did you mean 'tag'\?"):
        fm.save("v", "a.txt", backend="dictionary", tga="x")
    with pytest.raises(InvalidOption, match="option 'tag' takes str; got 5"):
        fm.save("v", "a.txt", backend="dictionary", tag=5)


class Log:
    """A wrapper that notes what passes, for the backend it was made for."""

    seen: ClassVar[list[tuple[str, tuple[str, ...]]]] = []

    def __init__(self, backend: str) -> None:
        self.backend = backend

    @hookimpl(wrapper=True)
    def polystore_read(self, request):
        Log.seen.append((self.backend, request.paths))
        return (yield)


class Shout:
    """A wrapper that replaces a result and translates an error."""

    @hookimpl(wrapper=True)
    def polystore_read(self, request):
        try:
            values = yield
        except KeyError as error:
            raise PathNotFound(f"nothing under {error}") from error
        return [value.upper() for value in values]


def test_wrappers_observe_replace_and_translate(registry):
    Log.seen.clear()
    registry.register("dictionary", Dictionary)
    registry.register_wrapper("log", Log)
    registry.register_wrapper("shout", Shout())
    fm = FileManager(registry)
    fm.save("quiet", "a.txt", backend="dictionary")
    assert fm.load("a.txt", backend="dictionary") == "QUIET"
    with pytest.raises(PathNotFound, match="nothing under"):
        fm.load("b.txt", backend="dictionary")
    assert Log.seen == [("dictionary", ("a.txt",)), ("dictionary", ("b.txt",))]


def test_a_wrapper_gives_a_backend_no_new_capability(registry):
    class Writer(Greeter):
        pass

    registry.register("writer", Writer)
    registry.register_wrapper("shout", Shout())
    with pytest.raises(UnsupportedOperation):
        FileManager(registry).save(b"", "a.bin", backend="writer")


def test_a_wrapper_that_comes_too_late_is_refused(registry):
    registry.open("memory")
    with pytest.raises(PluginError, match="wrapper 'log' came too late: memory already open"):
        registry.register_wrapper("log", Log)


class Collector:
    """A sink that keeps what is appended."""

    def __init__(self) -> None:
        self.appended: list[tuple[str, object]] = []
        self.is_closed = False

    def append(self, data, path, **options):
        self.appended.append((os.fspath(path), data))

    def flush(self, timeout=None):
        return 0

    def close(self):
        self.is_closed = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Viewer:
    """A backend that can only be streamed to."""

    def __init__(self) -> None:
        self.sink: object = Collector()

    @hookimpl
    def polystore_stream(self, request):
        return self.sink


def test_a_stream_is_a_sink_in_a_with_block(registry):
    registry.register("viewer", Viewer)
    with FileManager(registry).stream(backend="viewer") as sink:
        sink.append(b"frame", "a.bin")
        assert sink.flush(timeout=1.0) == 0
    assert sink.appended == [("a.bin", b"frame")]
    assert sink.is_closed


def test_a_stream_that_is_no_sink_is_the_plugins_fault(registry):
    viewer = Viewer()
    viewer.sink = object()
    registry.register("viewer", viewer)
    with pytest.raises(PluginError, match="streams to a object, which is not a Sink"):
        FileManager(registry).stream(backend="viewer")


def test_configuration_of_a_backend_that_does_not_exist_is_refused():
    registry = BackendRegistry({"memroy": {"max_bytes": 5}})
    with pytest.raises(InvalidOption, match=r"configuration for 'memroy', but no such backend; .*'memory'\?"):
        registry.open("memory")


def test_configuration_of_a_backend_that_could_be_installed_travels_along():
    assert BackendRegistry({"fiji_stream": {"jar": "ij.jar"}}).open("memory").can("read")


@pytest.mark.parametrize("config", [{"memory": 5}, ["memory"]])
def test_configuration_of_the_wrong_shape_shows_the_right_one(config):
    with pytest.raises(InvalidOption, match=r'like \{"disk": \{"root": "/data"\}\}'):
        BackendRegistry(config)


def test_a_file_manager_takes_a_registry():
    with pytest.raises(InvalidOption, match="FileManager takes a BackendRegistry; got dict"):
        FileManager({"memory": {}})


@pytest.mark.parametrize("backend", [5, ["disk"], None, FileManager])
def test_a_backend_is_a_name(backend):
    with pytest.raises(InvalidOption, match="backend takes a name; got"):
        FileManager().exists("a.bin", backend=backend)


@pytest.mark.parametrize("workers", ["4", 0, -1, 2.0])
def test_a_thread_budget_is_a_positive_number(workers):
    with pytest.raises(InvalidOption, match="workers takes a whole number of threads, at least 1; got"):
        FileManager().load_batch(["a.bin"], backend="memory", workers=workers)


@pytest.mark.parametrize("paths", [None, 3])
def test_a_batch_takes_a_list_of_paths(paths):
    with pytest.raises(InvalidOption, match="a batch takes a list of paths; got "):
        FileManager().load_batch(paths, backend="memory")


@pytest.mark.parametrize("data", [{"a.bin": b""}, {b""}, 3])
def test_the_values_of_a_batch_are_a_sequence(data):
    with pytest.raises(InvalidOption, match="save_batch takes a sequence of values, one per path; got "):
        FileManager().save_batch(data, ["a.bin"], backend="memory")


@pytest.mark.parametrize("cancel", [True, "stop"])
def test_a_batch_is_cancelled_by_what_can_be_asked(cancel):
    with pytest.raises(InvalidOption, match=r"cancel takes something with is_set\(\), such as a threading"):
        FileManager().load_batch(["a.bin"], backend="memory", cancel=cancel)


@pytest.mark.parametrize(
    "call",
    [
        lambda fm: fm.save(b"new", "a.bin", backend="memory", overwrite="no"),
        lambda fm: fm.save_batch([b"new"], ["a.bin"], backend="memory", overwrite="no"),
        lambda fm: fm.copy("b.bin", "a.bin", backend="memory", overwrite="no"),
        lambda fm: fm.move("b.bin", "a.bin", backend="memory", overwrite="no"),
        lambda fm: fm.delete(".", backend="memory", recursive="no"),
        lambda fm: fm.delete("a.bin", backend="memory", missing_ok="no"),
        lambda fm: fm.list_files(".", backend="memory", recursive="no"),
        lambda fm: fm.save(b"new", "a.bin", backend="memory", copy="no"),
        lambda fm: fm.save_batch([b"new"], ["a.bin"], backend="memory", copy="no"),
        lambda fm: fm.load("a.bin", backend="memory", copy="no"),
        lambda fm: fm.load_batch(["a.bin"], backend="memory", copy="no"),
    ],
)
def test_a_flag_is_true_or_false_and_nothing_happens_for_anything_else(call):
    fm = FileManager()
    fm.save_batch([b"old", b"other"], ["a.bin", "b.bin"], backend="memory")
    with pytest.raises(
        InvalidOption, match=r"^(overwrite|copy|recursive|missing_ok) takes True or False; got 'no'$"
    ):
        call(fm)
    assert fm.load_batch(["a.bin", "b.bin"], backend="memory") == [b"old", b"other"]


def test_an_argument_of_the_file_manager_that_was_misspelled_is_recognised(registry):
    with pytest.raises(InvalidOption, match=r"has no option 'overwite'.*Did you mean 'overwrite'\?"):
        FileManager(registry).save(b"", "a.bin", backend="memory", overwite=False)


def test_swapped_data_and_path_are_recognised(registry):
    import numpy as np

    with pytest.raises(InvalidOption, match=r"the data come first: save\(data, path, backend=\.\.\.\)"):
        FileManager(registry).save("a.npy", np.zeros((9, 9)), backend="memory")


def test_an_error_of_the_target_of_a_copy_names_the_target(registry):
    registry.register("full", Dictionary)
    registry.register("tiny", _Tiny)
    fm = FileManager(registry)
    fm.save("v", "a.txt", backend="full")
    with pytest.raises(StorageFull) as caught:
        fm.copy("a.txt", "b.txt", backend="full", target_backend="tiny")
    assert (caught.value.backend, caught.value.operation, caught.value.path) == ("tiny", "copy", "b.txt")


class _Tiny(Dictionary):
    def write(self, data, path, *, overwrite, copy, tag: str = ""):
        raise StorageFull("no room at all")
