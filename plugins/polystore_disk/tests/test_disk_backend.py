"""What the disk backend promises beyond the table that every backend keeps."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest

from polystore_core import (
    AccessDenied,
    BackendRegistry,
    BatchError,
    CorruptData,
    FileManager,
    InvalidOption,
    InvalidPath,
    IsADirectory,
    NotADirectory,
    PathExists,
    StorageError,
    UnsupportedData,
)
from polystore_core.files import atomic_update_json

IMAGE = np.arange(12, dtype=np.uint16).reshape(3, 4)


@pytest.fixture
def fm(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return FileManager()


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def confined(tmp_path, outside):
    (tmp_path / "root").mkdir()
    return FileManager(BackendRegistry({"disk": {"root": tmp_path / "root"}}))


def test_a_path_that_leads_out_of_the_root_is_refused(confined, outside):
    for path in ("../outside/secret.txt", str(outside / "secret.txt"), "a/../../outside/secret.txt"):
        with pytest.raises(AccessDenied, match="leads out of the root of its store; name a path below it"):
            confined.load(path, backend="disk")
        with pytest.raises(AccessDenied):
            confined.save("changed", path, backend="disk")
    assert (outside / "secret.txt").read_text() == "secret"


@pytest.mark.parametrize(
    "use",
    [
        lambda fm: fm.load("link/secret.txt", backend="disk"),
        lambda fm: fm.save("x", "link/secret.txt", backend="disk"),
        lambda fm: fm.save("x", "link/new.txt", backend="disk"),
        lambda fm: fm.list_files("link", backend="disk"),
        lambda fm: fm.stat("link/secret.txt", backend="disk"),
        lambda fm: fm.delete("link/secret.txt", backend="disk"),
        lambda fm: fm.copy("link/secret.txt", "stolen.txt", backend="disk"),
        lambda fm: fm.move("link/secret.txt", "stolen.txt", backend="disk"),
        lambda fm: fm.move("mine.txt", "link/mine.txt", backend="disk"),
        lambda fm: fm.copy("mine.txt", "link/mine.txt", backend="disk"),
        lambda fm: fm.ensure_directory("link/new", backend="disk"),
        lambda fm: fm.load("file_link.txt", backend="disk"),
        lambda fm: fm.save("x", "file_link.txt", backend="disk"),
    ],
)
def test_a_link_that_leads_out_of_the_root_is_refused(confined, outside, tmp_path, use):
    confined.save("mine", "mine.txt", backend="disk")
    (tmp_path / "root" / "link").symlink_to(outside, target_is_directory=True)
    (tmp_path / "root" / "file_link.txt").symlink_to(outside / "secret.txt")
    with pytest.raises(AccessDenied):
        use(confined)
    assert [path.name for path in outside.iterdir()] == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == "secret"


def test_inside_the_root_everything_works_by_relative_and_absolute_path(confined, tmp_path):
    confined.save(IMAGE, "plate/a.npy", backend="disk")
    confined.save(IMAGE, tmp_path / "root" / "plate" / "b.npy", backend="disk")
    confined.copy("plate", "twin/deep", backend="disk")
    confined.move("twin/deep/a.npy", "c.tif", backend="disk")
    (tmp_path / "root" / "inner").symlink_to("plate")
    assert confined.list_files(".", backend="disk", recursive=True) == [
        "./c.tif",
        "./plate/a.npy",
        "./plate/b.npy",
        "./twin/deep/b.npy",
    ]
    assert np.array_equal(confined.load("inner/a.npy", backend="disk"), IMAGE)
    confined.delete("twin", backend="disk", recursive=True)
    assert confined.list_dir("", backend="disk") == ["c.tif", "inner", "plate"]


def test_deleting_a_link_leaves_what_it_points_to(fm):
    fm.save(IMAGE, "plate/a.npy", backend="disk")
    Path("link").symlink_to("plate")
    fm.delete("link", backend="disk")
    assert fm.list_dir("", backend="disk") == ["plate"]
    assert fm.exists("plate/a.npy", backend="disk")


def test_saving_through_a_link_keeps_the_link(fm):
    fm.save("old", "target.txt", backend="disk")
    Path("link.txt").symlink_to("target.txt")
    fm.save("new", "link.txt", backend="disk")
    assert Path("link.txt").is_symlink()
    assert fm.load("target.txt", backend="disk") == "new"


def test_a_circle_of_links_ends_a_recursive_listing(fm):
    fm.save(b"", "plate/a.bin", backend="disk")
    Path("plate/up").symlink_to("..")
    assert fm.list_files("plate", backend="disk", recursive=True) == ["plate/a.bin"]


def test_a_link_to_nothing_is_not_listed(fm):
    Path("dangling.bin").symlink_to("nowhere")
    assert fm.list_dir(".", backend="disk") == []
    assert not fm.exists("dangling.bin", backend="disk")


def test_a_pipe_or_socket_is_refused_instead_of_waited_for(fm):
    os.mkfifo("pipe.bin")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.bin")
        for path in ("pipe.bin", "socket.bin"):
            with pytest.raises(StorageError):
                fm.load(path, backend="disk")


def test_an_unknown_suffix_lists_the_known_ones(fm):
    with pytest.raises(UnsupportedData) as caught:
        fm.save(IMAGE, "a.tfi", backend="disk")
    message = str(caught.value)
    assert message.startswith("no format for the suffix '.tfi' of 'a.tfi'; known: .bin, .csv, ")
    assert message.endswith("Did you mean '.tif'?")


def test_the_longest_suffix_wins_in_any_case(fm):
    fm.save(IMAGE, "a.OME.TIF", backend="disk", axes="YX")
    assert b"OME" in Path("a.OME.TIF").read_bytes()
    fm.save(IMAGE, "b.TIF", backend="disk")
    assert np.array_equal(fm.load("b.TIF", backend="disk"), IMAGE)


def test_an_option_that_the_format_does_not_know_is_refused_before_anything_is_written(fm):
    with pytest.raises(InvalidOption, match=r"format '.tif' has no option 'compresion'; .*'compression'\?"):
        fm.save_batch([IMAGE, IMAGE], ["a.tif", "b.npy"], backend="disk", compresion="zstd")
    assert fm.list_dir(".", backend="disk") == []


def test_an_option_of_the_wrong_kind_says_what_it_takes(fm):
    with pytest.raises(InvalidOption, match="option 'lossy' takes bool; got 'yes'"):
        fm.save(np.zeros((2, 2), np.uint8), "a.jpg", backend="disk", lossy="yes")
    with pytest.raises(InvalidOption, match="durability takes 'atomic' or 'durable'; got 'eternal'"):
        fm.save(IMAGE, "a.npy", backend="disk", durability="eternal")


@pytest.mark.parametrize("count", [1, 2])
def test_an_option_that_no_file_of_a_batch_can_have_is_an_error_of_the_call(fm, count):
    paths = [f"{number}.tif" for number in range(count)]
    with pytest.raises(InvalidOption, match="predictor=True needs a compression"):
        fm.save_batch([IMAGE] * count, paths, backend="disk", predictor=True)
    assert fm.list_dir(".", backend="disk") == []
    fm.save_batch([IMAGE] * count, paths, backend="disk")
    with pytest.raises(InvalidOption, match="no series 7"):
        fm.load_batch(paths, backend="disk", series=7)


def test_an_option_that_one_file_of_a_batch_cannot_have_is_an_error_of_that_file(fm):
    stack = np.zeros((2, *IMAGE.shape), IMAGE.dtype)
    with pytest.raises(BatchError) as caught:
        fm.save_batch([IMAGE, stack], ["a.tif", "b.tif"], backend="disk", axes="ZYX")
    assert caught.value.done == ("b.tif",)
    assert isinstance(caught.value.failed["a.tif"], InvalidOption)


def test_a_kind_that_the_format_does_not_hold_names_those_that_do(fm):
    with pytest.raises(UnsupportedData, match=r"'.npy' holds array, not text; formats for text: .txt"):
        fm.save("text", "a.npy", backend="disk")
    assert fm.list_dir(".", backend="disk") == []


def test_a_list_of_numbers_for_an_array_format_is_told_how_to_become_one(fm):
    with pytest.raises(UnsupportedData, match=r"numpy.array\(values\) makes an array of a list"):
        fm.save([[1, 2], [3, 4]], "a.npy", backend="disk")


@pytest.mark.parametrize("configuration", [{}, {"root": "store"}])
def test_what_is_meant_for_an_object_store_does_not_end_up_in_a_folder_of_that_name(fm, configuration):
    fm = FileManager(BackendRegistry({"disk": configuration}))
    with pytest.raises(InvalidPath, match=r"'s3://bucket/a\.npy' is a URL, not a path of this"):
        fm.save(IMAGE, "s3://bucket/a.npy", backend="disk")
    with pytest.raises(InvalidPath, match="is a URL"):
        fm.ensure_directory("s3://bucket/a", backend="disk")
    assert os.listdir() == []


def test_copying_between_formats_converts_and_within_one_copies_the_bytes(fm):
    fm.save(IMAGE, "a.tif", backend="disk", compression="zstd")
    fm.copy("a.tif", "b.tif", backend="disk")
    fm.copy("a.tif", "c.npy", backend="disk")
    fm.move("a.tif", "a.tif.bak", backend="disk")
    assert Path("b.tif").read_bytes() == Path("a.tif.bak").read_bytes()
    assert np.array_equal(np.load("c.npy"), IMAGE)


def test_a_directory_never_replaces_anything(fm):
    fm.save(b"x", "d/a.bin", backend="disk")
    fm.save(b"y", "e/a.bin", backend="disk")
    for act in (fm.copy, fm.move):
        with pytest.raises(PathExists):
            act("d", "e", backend="disk", overwrite=True)
    fm.ensure_directory("empty", backend="disk")
    with pytest.raises(PathExists):
        fm.move("d", "empty", backend="disk", overwrite=True)
    assert fm.load("e/a.bin", backend="disk") == b"y"


@pytest.mark.parametrize("operation", ["copy", "move"])
@pytest.mark.parametrize("source", ["folder", "other.npy"])
def test_a_target_below_a_file_is_named_as_it_was_given(fm, operation, source):
    fm.save_batch([IMAGE] * 3, ["folder/a.npy", "other.npy", "b.npy"], backend="disk")
    with pytest.raises(NotADirectory) as caught:
        getattr(fm, operation)(source, "b.npy/below/c.npy", backend="disk")
    assert caught.value.path == "b.npy/below/c.npy"
    assert "'b.npy/below/c.npy': a directory is needed where there is a file" in str(caught.value)


def test_the_working_directory_is_not_deleted_as_a_whole(fm):
    fm.save(b"x", "a.bin", backend="disk")
    with pytest.raises(ValueError, match="is not deleted as a whole; name what is in it"):
        fm.delete(".", backend="disk", recursive=True)
    assert fm.exists("a.bin", backend="disk")


def test_orphaned_temporaries_are_invisible_and_go_with_the_next_use(fm):
    pid = os.fork()
    if pid == 0:
        from polystore_core.files import atomic_writer

        with atomic_writer("plate/a.bin") as file:
            file.write(b"half")
            file.flush()
            os._exit(9)
    os.waitpid(pid, 0)
    assert len(os.listdir("plate")) == 1
    assert FileManager().list_files("plate", backend="disk") == []
    assert os.listdir("plate") == []


def test_the_companions_of_a_metadata_document_are_not_listed(fm):
    atomic_update_json("plate/metadata.json", lambda document: {**document, "wells": 1}, default={})
    assert fm.list_dir("plate", backend="disk") == ["plate/metadata.json"]


def test_a_durable_batch_reports_path_by_path_and_stores_the_rest(fm):
    fm.ensure_directory("taken.npy", backend="disk")
    with pytest.raises(BatchError) as caught:
        fm.save_batch([IMAGE] * 3, ["a.npy", "taken.npy", "b.npy"], backend="disk", durability="durable")
    assert caught.value.done == ("a.npy", "b.npy")
    assert isinstance(caught.value.failed["taken.npy"], IsADirectory)
    assert np.array_equal(fm.load("b.npy", backend="disk"), IMAGE)


@pytest.mark.parametrize("durability", ["atomic", "durable"])
def test_a_batch_stores_what_it_can_beside_paths_that_no_format_or_a_directory_takes(fm, durability):
    fm.ensure_directory("folder", backend="disk")
    paths = ["a.npy", "b.nyp", "folder", "c.npy"]
    with pytest.raises(BatchError) as caught:
        fm.save_batch([IMAGE] * 4, paths, backend="disk", durability=durability)
    kinds = {path: type(error) for path, error in caught.value.failed.items()}
    assert kinds == {"b.nyp": UnsupportedData, "folder": IsADirectory}
    assert caught.value.done == ("a.npy", "c.npy")


def test_the_limit_on_what_a_file_may_decode_to_can_be_raised(tmp_path):
    fm = FileManager(BackendRegistry({"disk": {"root": tmp_path, "max_bytes": 1000}}))
    fm.save(np.zeros((100, 100), np.uint8), "a.tif", backend="disk", compression="zstd")
    with pytest.raises(CorruptData, match="max_bytes"):
        fm.load("a.tif", backend="disk")
    assert fm.load("a.tif", backend="disk", max_bytes=20_000).shape == (100, 100)


def test_a_negative_limit_is_refused():
    with pytest.raises(InvalidOption, match="max_bytes takes a number of bytes or None; got -1"):
        FileManager(BackendRegistry({"disk": {"max_bytes": -1}})).exists("a", backend="disk")


def test_a_mapped_array_reads_the_file_without_a_copy_and_outlives_its_replacement(fm):
    fm.save(IMAGE, "a.npy", backend="disk")
    view = fm.load("a.npy", backend="disk", copy=False)
    assert not view.flags.writeable
    assert not view.flags.owndata
    fm.save(IMAGE * 0, "a.npy", backend="disk")
    assert np.array_equal(view, IMAGE)
