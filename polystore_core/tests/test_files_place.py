"""Names confined to a root."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from polystore_core import AccessDenied, NotADirectory, PathNotFound, StorageError
from polystore_core.files import atomic_writer, locate, make_directories


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "plate").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    return root


def save(root: Path, path: str) -> None:
    with atomic_writer(path, root=root) as file:
        file.write(b"new")


@pytest.mark.parametrize(
    "path", ["a.bin", "plate/a.bin", "./plate//a.bin", "plate/../a.bin", "new/dir/a.bin"]
)
def test_a_name_below_the_root_is_written(root: Path, path: str) -> None:
    save(root, path)
    assert (root / os.path.normpath(path)).read_bytes() == b"new"


def test_an_absolute_name_below_the_root_is_written(root: Path) -> None:
    save(root, str(root / "plate" / "a.bin"))
    assert (root / "plate" / "a.bin").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("none", "", "../outside/a.bin"),
        ("none", "", "plate/../../outside/a.bin"),
        ("none", "", "/etc/a.bin"),
        ("link", "../outside", "link/a.bin"),
        ("link", "/etc", "link/a.bin"),
        ("link", "plate/../../outside/a.bin", "link"),
        ("link", "..", "link/outside/a.bin"),
    ],
)
def test_nothing_leads_out_of_the_root(root: Path, link: str, target: str, path: str) -> None:
    if target:
        (root / link).symlink_to(target)
    with pytest.raises(AccessDenied) as caught:
        save(root, path)
    assert str(caught.value) == f"{path!r} leads out of the root of its store; name a path below it"
    assert os.listdir(root.parent / "outside") == []


@pytest.mark.parametrize("target", ["plate", "./plate", "plate/../plate", "{root}/plate"])
def test_links_within_the_root_are_followed(root: Path, target: str) -> None:
    (root / "link").symlink_to(target.format(root=root))
    save(root, "link/a.bin")
    assert (root / "plate" / "a.bin").read_bytes() == b"new"


def test_the_last_link_is_not_followed_if_not_wanted(root: Path) -> None:
    (root / "link").symlink_to("/etc/passwd")
    with locate("link", root=root, follow=False) as place:
        os.unlink(place.name, dir_fd=place.dir_fd)
    assert not (root / "link").is_symlink()


def test_a_root_that_is_not_there_is_named(tmp_path: Path) -> None:
    root = tmp_path / "nowhere"
    with pytest.raises(PathNotFound) as caught, locate("plate/a.bin", root=root):
        pass
    assert str(caught.value) == (
        f"cannot reach 'plate/a.bin': there is no directory '{root}', the root of its store"
    )
    assert caught.value.path == "plate/a.bin"


def test_a_path_that_leads_out_of_the_root_is_not_its_own_cause(root: Path) -> None:
    with pytest.raises(AccessDenied) as caught, locate("../outside", root=root):
        pass
    assert caught.value.__cause__ is None


def test_a_circle_of_links_is_an_error(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(StorageError, match="runs through a circle of links"):
        save(root, "a/x.bin")


def test_the_root_itself_can_be_located(root: Path) -> None:
    with locate(".", root=root) as place:
        fd = os.open(place.name, os.O_RDONLY, dir_fd=place.dir_fd)
        assert os.listdir(fd) == ["plate"]
        os.close(fd)


def test_a_missing_directory_is_an_error_unless_made(root: Path) -> None:
    with pytest.raises(PathNotFound), locate("new/a.bin", root=root):
        pass
    with locate("new/a.bin", root=root, make_parents=True) as place:
        assert place.name == "a.bin"
    assert (root / "new").is_dir()


def test_a_file_on_the_way_is_an_error(root: Path) -> None:
    save(root, "a.bin")
    with pytest.raises(NotADirectory):
        save(root, "a.bin/b.bin")


def test_without_a_root_a_name_is_taken_as_it_is() -> None:
    with locate("../a.bin") as place:
        assert place == ("../a.bin", None, "../a.bin")


def test_a_link_swapped_while_writing_does_not_lead_out(root: Path) -> None:
    with atomic_writer("plate/a.bin", root=root) as file:
        (root / "plate").rename(root / "moved")
        (root / "plate").symlink_to("../outside")
        file.write(b"new")
    assert (root / "moved" / "a.bin").read_bytes() == b"new"
    assert os.listdir(root.parent / "outside") == []


def test_descriptors_are_closed(root: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    save(root, "deep/er/a.bin")
    with pytest.raises(AccessDenied):
        save(root, "deep/../../a.bin")
    assert len(os.listdir("/proc/self/fd")) == before


def test_many_may_make_the_same_directories(tmp_path: Path) -> None:
    directory = str(tmp_path / "/".join("abcdefgh"))
    errors: list[BaseException] = []

    def make() -> None:
        try:
            make_directories(directory)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert Path(directory).is_dir()


def test_a_file_system_that_makes_no_directories_says_so_instead_of_trying_for_ever():
    with pytest.raises(PathNotFound, match="cannot create '/proc/plate'"):
        make_directories("/proc/plate")
