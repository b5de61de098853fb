"""Names of arrays and their directories: arrays beside files, stores and directories of the same name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import zarr

from polystore_core import (
    AccessDenied,
    BackendRegistry,
    FileManager,
    IsADirectory,
    NotADirectory,
    PathExists,
    PathNotFound,
)
from polystore_zarr._nodes import kind_of

Array = np.ndarray[Any, Any]


@pytest.fixture
def fm(tmp_path: Path) -> FileManager:
    return FileManager(BackendRegistry({"zarr": {"root": tmp_path}}))


def image(number: int = 0) -> Array:
    return np.full((3, 4), number, np.uint16)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def listed(fm: FileManager, directory: str = ".") -> list[str]:
    paths = fm.list_files(directory, backend="zarr", recursive=True)
    return [path.removeprefix("./") for path in paths]


class TestBesideFiles:
    """Files of the same name are not seen and not touched."""

    def test_every_backend_saves_one_name_in_one_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        fm = FileManager()
        backends = ["disk", "memory", "zarr"]
        for number, backend in enumerate(backends):
            fm.save(image(number), "result.npy", backend=backend)
        for number, backend in enumerate(backends):
            np.testing.assert_array_equal(fm.load("result.npy", backend=backend), image(number))
        assert [fm.list_files(".", backend=backend) for backend in backends] == [["./result.npy"]] * 3
        assert names(tmp_path) == ["result.npy", "result.npy.zarr"]

    def test_a_file_is_no_array(self, fm: FileManager, tmp_path: Path) -> None:
        (tmp_path / "a.npy").write_text("important")
        assert not fm.exists("a.npy", backend="zarr")
        for use in (fm.load, fm.stat, fm.delete):
            with pytest.raises(PathNotFound):
                use("a.npy", backend="zarr")
        fm.save(image(), "a.npy", backend="zarr")
        fm.move("a.npy", "b.npy", backend="zarr")
        fm.copy("b.npy", "a.npy", backend="zarr")
        fm.delete("a.npy", backend="zarr")
        assert listed(fm) == ["b.npy"]
        assert (tmp_path / "a.npy").read_text() == "important"

    def test_a_file_where_the_array_would_be_is_not_replaced(self, fm: FileManager, tmp_path: Path) -> None:
        (tmp_path / "a.npy.zarr").write_text("important")
        with pytest.raises(PathExists):
            fm.save(image(), "a.npy", backend="zarr")
        assert (tmp_path / "a.npy.zarr").read_text() == "important"


class TestSpellings:
    """The name of an array and that of its directory."""

    def test_the_directory_names_the_array_too(self, fm: FileManager) -> None:
        fm.save(image(1), "a.npy", backend="zarr")
        np.testing.assert_array_equal(fm.load("a.npy.zarr", backend="zarr"), image(1))
        fm.save(image(2), "a.npy.zarr", backend="zarr")
        np.testing.assert_array_equal(fm.load("a.npy", backend="zarr"), image(2))
        fm.move("a.npy", "a.npy.zarr", backend="zarr", overwrite=True)
        assert listed(fm) == ["a.npy"]
        assert fm.stat("a.npy", backend="zarr").size == fm.stat("a.npy.zarr", backend="zarr").size

    def test_names_without_a_suffix_and_names_in_stores_are_those_of_directories(
        self, fm: FileManager, tmp_path: Path
    ) -> None:
        paths = ["a", "b.zarr", "p.ome.zarr/c.npy"]
        for path in paths:
            fm.save(image(), path, backend="zarr")
            assert (tmp_path / path / "zarr.json").exists()
        assert listed(fm) == paths

    def test_a_group_keeps_its_name(self, fm: FileManager) -> None:
        fm.save(image(), "p.ome.zarr/a", backend="zarr")
        assert fm.list_dir(".", backend="zarr") == ["./p.ome.zarr"]
        assert not fm.exists("p.ome", backend="zarr")
        with pytest.raises(IsADirectory):
            fm.save(image(), "p.ome", backend="zarr")

    def test_nothing_lies_below_an_array(self, fm: FileManager, tmp_path: Path) -> None:
        fm.save(image(), "a.npy", backend="zarr")
        with pytest.raises(NotADirectory):
            fm.save(image(), "a.npy/b", backend="zarr")
        assert names(tmp_path) == ["a.npy.zarr"]

    def test_a_link_out_of_the_root_is_not_followed(self, tmp_path: Path) -> None:
        inside = FileManager(BackendRegistry({"zarr": {"root": tmp_path / "inside"}}))
        inside.save(image(), "b.npy", backend="zarr")
        zarr.save_array(tmp_path / "a.npy.zarr", cast("Any", image()))
        (tmp_path / "inside/a.npy.zarr").symlink_to(tmp_path / "a.npy.zarr")
        with pytest.raises(AccessDenied):
            inside.load("a.npy", backend="zarr")

    @pytest.mark.parametrize("path", ["out/a", "deep/out/a", "out", "deep/../out/a"])
    def test_a_link_out_of_the_root_is_not_passed_through(self, tmp_path: Path, path: str) -> None:
        (tmp_path / "inside/deep").mkdir(parents=True)
        (tmp_path / "outside").mkdir()
        for link in ("inside/out", "inside/deep/out"):
            (tmp_path / link).symlink_to(tmp_path / "outside")
        inside = FileManager(BackendRegistry({"zarr": {"root": tmp_path / "inside"}}))
        with pytest.raises(AccessDenied):
            inside.save(image(), path, backend="zarr")
        assert names(tmp_path / "outside") == []

    def test_links_that_stay_in_the_root_and_one_to_the_root_are_followed(self, tmp_path: Path) -> None:
        (tmp_path / "real/deep").mkdir(parents=True)
        (tmp_path / "root").symlink_to(tmp_path / "real")
        (tmp_path / "real/link").symlink_to("deep")
        inside = FileManager(BackendRegistry({"zarr": {"root": tmp_path / "root"}}))
        inside.save(image(), "link/a", backend="zarr")
        assert (inside.load("deep/a", backend="zarr") == image()).all()


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="needs the permissions of POSIX")
@pytest.mark.parametrize("path", ["closed", "closed/inside"])
def test_what_may_not_be_looked_into_is_not_taken_for_something_else(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.mkdir(f"{folder}/open")
        os.makedirs(f"{folder}/closed/inside")
        os.chmod(f"{folder}/closed", 0)
        child = os.fork()
        if child == 0:
            try:
                if os.getuid() == 0:
                    os.setuid(65534)
                assert kind_of(f"{folder}/open") == "directory"
                with pytest.raises(PermissionError):
                    kind_of(f"{folder}/{path}")
            except BaseException:
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        os.chmod(f"{folder}/closed", 0o755)


class TestDirectoriesWithADot:
    """Directories keep their names."""

    def test_arrays_lie_in_them(self, fm: FileManager, tmp_path: Path) -> None:
        fm.save(image(), "plate.v1/a.npy", backend="zarr")
        assert listed(fm) == ["plate.v1/a.npy"]
        assert fm.stat("plate.v1", backend="zarr").is_directory
        assert (tmp_path / "plate.v1/a.npy.zarr/zarr.json").exists()

    def test_an_array_and_a_directory_exclude_each_other(self, fm: FileManager, tmp_path: Path) -> None:
        fm.ensure_directory("x.npy", backend="zarr")
        with pytest.raises(IsADirectory):
            fm.save(image(), "x.npy", backend="zarr")
        fm.save(image(), "y.npy", backend="zarr")
        with pytest.raises(PathExists):
            fm.ensure_directory("y.npy", backend="zarr")
        assert names(tmp_path) == ["x.npy", "y.npy.zarr"]

    def test_an_array_beside_a_directory_of_its_name_is_listed_as_it_lies(
        self, fm: FileManager, tmp_path: Path
    ) -> None:
        fm.save(image(), "x.npy", backend="zarr")
        (tmp_path / "x.npy").mkdir()
        assert fm.stat("x.npy", backend="zarr").is_directory
        assert listed(fm) == ["x.npy.zarr"]


class TestOtherPrograms:
    """Arrays stored under the very name."""

    def test_they_are_found_replaced_and_deleted(self, fm: FileManager, tmp_path: Path) -> None:
        zarr.save_array(tmp_path / "a.npy", cast("Any", image(1)))
        np.testing.assert_array_equal(fm.load("a.npy", backend="zarr"), image(1))
        fm.save(image(2), "a.npy", backend="zarr")
        np.testing.assert_array_equal(fm.load("a.npy", backend="zarr"), image(2))
        assert listed(fm) == ["a.npy"]
        fm.delete("a.npy", backend="zarr")
        assert names(tmp_path) == []

    def test_the_store_of_that_name_comes_first(self, fm: FileManager, tmp_path: Path) -> None:
        fm.save(image(1), "a.npy", backend="zarr")
        zarr.save_array(tmp_path / "a.npy", cast("Any", image(2)))
        np.testing.assert_array_equal(fm.load("a.npy", backend="zarr"), image(1))
        assert listed(fm) == ["a.npy"]


class TestDirectoriesInAndOutOfStores:
    """Arrays keep their names when their directory is copied or moved."""

    @pytest.mark.parametrize(("source", "target"), [("d", "p.zarr"), ("p.zarr", "d"), ("d", "e")])
    @pytest.mark.parametrize("transfer", ["copy", "move"])
    def test_names_stay(
        self, fm: FileManager, tmp_path: Path, source: str, target: str, transfer: str
    ) -> None:
        paths = ["a", "b.npy", "c/d.npy", "q.zarr/e.npy"]
        for number, path in enumerate(paths):
            fm.save(image(number), f"{source}/{path}", backend="zarr")
        getattr(fm, transfer)(source, target, backend="zarr")
        assert listed(fm, target) == [f"{target}/{path}" for path in paths]
        for number, path in enumerate(paths):
            np.testing.assert_array_equal(fm.load(f"{target}/{path}", backend="zarr"), image(number))
        assert (tmp_path / target / "b.npy.zarr").exists() is (target != "p.zarr")
        assert fm.exists(source, backend="zarr") is (transfer == "copy")
