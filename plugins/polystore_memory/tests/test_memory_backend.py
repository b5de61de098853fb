"""What the memory backend promises beyond the table that every backend keeps."""

import multiprocessing

import numpy as np
import pytest

from polystore_core import BackendRegistry, FileManager, InvalidOption, NotADirectory, PathExists, StorageFull


@pytest.fixture
def fm():
    with FileManager(BackendRegistry({"memory": {"max_bytes": 1000}})) as fm:
        yield fm


def test_a_save_beyond_the_budget_fails_and_loses_nothing(fm):
    fm.save(bytes(900), "a.bin", backend="memory")
    with pytest.raises(
        StorageFull, match=r"no room to write 'b\.bin': 1 byte more than the 100 of 1000 bytes left"
    ):
        fm.save(bytes(101), "b.bin", backend="memory")
    assert fm.load("a.bin", backend="memory") == bytes(900)
    assert not fm.exists("b.bin", backend="memory")


def test_replacing_counts_only_the_difference(fm):
    fm.save(bytes(900), "a.bin", backend="memory")
    fm.save(bytes(1000), "a.bin", backend="memory")
    with pytest.raises(StorageFull):
        fm.save(bytes(1001), "a.bin", backend="memory")
    assert len(fm.load("a.bin", backend="memory")) == 1000


def test_deleting_moving_and_copying_keep_the_account(fm):
    fm.save(bytes(400), "d/a.bin", backend="memory")
    fm.copy("d", "e", backend="memory")
    with pytest.raises(StorageFull):
        fm.copy("d", "f", backend="memory")
    assert not fm.exists("f", backend="memory")
    fm.move("e/a.bin", "d/a.bin", backend="memory", overwrite=True)
    fm.save(bytes(600), "b.bin", backend="memory")
    fm.delete("d", backend="memory", recursive=True)
    fm.save(bytes(400), "c.bin", backend="memory")


def test_a_batch_beyond_the_budget_tells_which_paths_were_stored(fm):
    with pytest.raises(ExceptionGroup) as caught:
        fm.save_batch(
            [bytes(600), bytes(600), bytes(300)], ["a.bin", "b.bin", "c.bin"], backend="memory", workers=1
        )
    assert caught.value.done == ("a.bin", "c.bin")
    assert isinstance(caught.value.failed["b.bin"], StorageFull)


def test_a_negative_budget_is_refused():
    with pytest.raises(InvalidOption, match="max_bytes takes a number of bytes or None; got -1"):
        FileManager(BackendRegistry({"memory": {"max_bytes": -1}})).exists("a", backend="memory")


def test_adoption_makes_no_copy_and_seals_the_array(fm):
    array = np.arange(10, dtype=np.uint8)
    fm.save(array, "a.npy", backend="memory", copy=False)
    assert not array.flags.writeable
    assert np.shares_memory(fm.load("a.npy", backend="memory", copy=False), array)


def test_a_view_can_not_be_made_writable(fm):
    fm.save(np.arange(10, dtype=np.uint8), "a.npy", backend="memory")
    view = fm.load("a.npy", backend="memory", copy=False)
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        view.flags.writeable = True


def test_a_view_keeps_its_values_when_the_file_is_replaced_or_deleted(fm):
    fm.save(np.zeros(10, np.uint8), "a.npy", backend="memory")
    view = fm.load("a.npy", backend="memory", copy=False)
    fm.save(np.ones(10, np.uint8), "a.npy", backend="memory")
    fm.delete("a.npy", backend="memory")
    assert view.sum() == 0


def test_a_json_value_is_independent_all_the_way_down(fm):
    value = {"wells": [{"name": "A01"}]}
    fm.save(value, "a.json", backend="memory")
    value["wells"][0]["name"] = "changed"
    fm.load("a.json", backend="memory")["wells"][0]["name"] = "changed too"
    assert fm.load("a.json", backend="memory", copy=False) == {"wells": [{"name": "A01"}]}


def _exists_in_worker(fm, results):
    results.put(fm.exists("a.bin", backend="memory"))


@pytest.mark.parametrize(("method", "expected"), [("fork", True), ("spawn", False)])
def test_a_forked_worker_starts_with_the_store_a_spawned_one_with_nothing(fm, method, expected):
    fm.save(b"x", "a.bin", backend="memory")
    context = multiprocessing.get_context(method)
    results = context.Queue()
    worker = context.Process(target=_exists_in_worker, args=(fm, results))
    worker.start()
    assert results.get(timeout=60) is expected
    worker.join()


def test_closing_forgets_everything(fm):
    fm.save(b"x", "a.bin", backend="memory")
    fm.close()
    assert not fm.exists("a.bin", backend="memory")


def test_listing_one_directory_touches_nothing_of_the_others(fm):
    from polystore_memory._tree import Directory

    for number in range(20):
        fm.ensure_directory(f"plate/well{number}", backend="memory")
    fm.save(b"x", "plate/well3/a.bin", backend="memory")
    visited = []
    children = Directory.children

    class Watched(dict):
        def items(self):
            visited.append(self)
            return super().items()

    assert children is not None
    root = fm._registry.open("memory")._hooks.get_plugin("memory")._root
    for directory in [root, *(node for _, node in root.walk(recursive=True) if isinstance(node, Directory))]:
        directory.children = Watched(directory.children)
    assert fm.list_files("plate/well3", backend="memory") == ["plate/well3/a.bin"]
    assert len(visited) == 1


def test_a_file_where_a_directory_is_wanted_is_told_as_on_disk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fm = FileManager()
    for wanted, error in ((fm.ensure_directory, PathExists), (fm.list_files, NotADirectory)):
        told = []
        for backend in ("disk", "memory"):
            fm.save(b"", "a.bin", backend=backend)
            with pytest.raises(error) as caught:
                wanted("a.bin", backend=backend)
            told.append(str(caught.value))
        assert told[0] == told[1]
