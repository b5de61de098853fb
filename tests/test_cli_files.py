"""`polystore ls`, `info`, `cp` and `rm`."""

from __future__ import annotations

import json

import numpy as np
import pytest

from polystore import FileManager
from polystore.cli import main

NAMES = ("A01_s1_w1.tif", "A01_s2_w1.tif", "A01_s10_w1.tif", "notes.txt", "B02/A01_s1_w1.npy")


@pytest.fixture
def fm():
    return FileManager()


@pytest.fixture(autouse=True)
def plate(tmp_path, monkeypatch, fm):
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        value = "noted" if name.endswith("txt") else np.arange(12, dtype=np.uint16).reshape(3, 4)
        fm.save(value, f"plate/{name}", backend="disk")
    return tmp_path / "plate"


def said(capsys, *arguments):
    assert main(arguments) == 0
    return capsys.readouterr().out.splitlines()


def refused(capsys, *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    assert out == ""
    return code, err


# ls


def test_ls_prints_one_path_per_line_in_natural_order(capsys):
    assert said(capsys, "ls", "plate", "-b", "disk") == [
        "plate/A01_s1_w1.tif",
        "plate/A01_s2_w1.tif",
        "plate/A01_s10_w1.tif",
        "plate/B02/",
        "plate/notes.txt",
    ]


def test_ls_without_a_directory_lists_the_working_directory(capsys):
    assert said(capsys, "ls", "-b", "disk") == ["plate/"]


def test_ls_recursive_lists_files_below(capsys):
    assert "plate/B02/A01_s1_w1.npy" in said(capsys, "ls", "plate", "-b", "disk", "--recursive")


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (["--pattern", "*_s1_*"], ["plate/A01_s1_w1.tif"]),
        (["--pattern", "{well}_s{site:d}_w{channel:d}.tif"], NAMES[:3]),
        (["--pattern", "imagexpress"], NAMES[:3]),
        (["--extensions", "txt,npy"], ["plate/notes.txt"]),
        (["-e", "txt", "-e", ".npy", "-r"], ["plate/B02/A01_s1_w1.npy", "plate/notes.txt"]),
    ],
)
def test_ls_selects(capsys, selection, chosen):
    expected = [name if name.startswith("plate") else f"plate/{name}" for name in chosen]
    assert said(capsys, "ls", "plate", "-b", "disk", *selection) == expected


def test_ls_long_gives_bytes_and_time_before_the_path(capsys, plate):
    heading, row = said(capsys, "ls", "plate", "-b", "disk", "-l", "-e", "txt")
    size, modified, path = row.split()
    assert heading.split() == ["size", "modified", "path"]
    assert (size, path) == ("5", "plate/notes.txt")
    assert modified[10] == "T"


def test_ls_long_with_a_path_pattern_gives_the_coordinates(capsys):
    heading, first, *_ = said(
        capsys, "ls", "plate", "-b", "disk", "-l", "-p", "{well}_s{site:d}_w{channel:d}.tif"
    )
    assert heading.split() == ["size", "modified", "well", "site", "channel", "path"]
    assert first.split()[2:5] == ["A01", "1", "1"]


def test_ls_json_is_a_list_of_objects(capsys, fm):
    rows = json.loads("\n".join(said(capsys, "ls", "plate", "-b", "disk", "--json")))
    assert [row["type"] for row in rows] == ["file", "file", "file", "directory", "file"]
    assert rows[-1] == {
        "path": "plate/notes.txt",
        "type": "file",
        "size": 5,
        "modified": fm.stat("plate/notes.txt", backend="disk").modified,
    }


def test_ls_of_nothing_fails(capsys):
    code, message = refused(capsys, "ls", "nowhere", "-b", "disk")
    assert code == 1
    assert message == "polystore: error: cannot list 'nowhere': there is no such file or directory\n"


def test_ls_of_memory_says_that_it_is_empty(capsys):
    assert main(["ls", "-b", "memory"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "starts empty with every command" in err


# info


def test_info_describes_an_array(capsys):
    lines = said(capsys, "info", "plate/A01_s2_w1.tif", "-b", "disk", "-p", "imagexpress")
    facts = dict(line.split(None, 1) for line in lines)
    assert facts["kind"] == "array"
    assert facts["shape"] == "3 x 4"
    assert facts["dtype"] == "uint16"
    assert facts["decoded"] == "24 B (24 bytes)"
    assert facts["coordinates"] == "well=A01 site=2 channel=1"


def test_info_as_json(capsys):
    facts = json.loads("\n".join(said(capsys, "info", "plate/notes.txt", "-b", "disk", "--json")))
    assert (facts["kind"], facts["length"], facts["size"]) == ("text", 5, 5)


def test_info_describes_a_table(capsys, fm):
    fm.save({"well": np.array(["A01"]), "cells": np.array([7])}, "counts.csv", backend="disk")
    lines = said(capsys, "info", "counts.csv", "-b", "disk")
    assert "rows      1" in lines


def test_info_describes_a_directory(capsys):
    assert "entries   5" in said(capsys, "info", "plate", "-b", "disk")


def test_info_of_an_unknown_format_still_gives_its_size(capsys, plate):
    (plate / "plate.HTD").write_bytes(b"1234")
    lines = said(capsys, "info", "plate/plate.HTD", "-b", "disk")
    assert "kind      unknown format" in lines
    assert "size      4 B (4 bytes)" in lines


def test_info_of_a_huge_npy_reads_only_its_header(capsys, tmp_path):
    np.lib.format.open_memmap(tmp_path / "huge.npy", mode="w+", dtype=np.uint8, shape=(2**33,))
    assert main(["info", "huge.npy", "-b", "disk"]) == 0
    assert "8.6 GB" in capsys.readouterr().out


def test_info_of_a_damaged_file_fails(capsys, plate):
    (plate / "torn.npy").write_bytes(b"\x93NUMPY")
    code, message = refused(capsys, "info", "plate/torn.npy", "-b", "disk")
    assert code == 1
    assert "torn.npy" in message


# cp


def test_cp_copies_a_file(capsys, fm):
    assert said(capsys, "cp", "plate/notes.txt", "copy.txt", "--from", "disk") == []
    assert fm.load("copy.txt", backend="disk") == "noted"


def test_cp_into_a_directory_keeps_the_name(capsys, fm):
    said(capsys, "cp", "plate/notes.txt", "kept/", "--from", "disk")
    assert fm.list_files("kept", backend="disk") == ["kept/notes.txt"]


def test_cp_converts_between_formats(capsys, fm):
    said(capsys, "cp", "plate/A01_s1_w1.tif", "a.npy", "--from", "disk", "--to", "disk")
    assert (
        fm.load("a.npy", backend="disk").tolist() == fm.load("plate/A01_s1_w1.tif", backend="disk").tolist()
    )


def test_cp_copies_a_directory_file_by_file(capsys, fm):
    said(capsys, "cp", "plate", "copy", "--from", "disk")
    listed = fm.list_files("copy", backend="disk", recursive=True)
    assert [name.removeprefix("copy/") for name in listed] == [
        name.removeprefix("plate/") for name in fm.list_files("plate", backend="disk", recursive=True)
    ]


def test_cp_copies_what_is_selected(capsys, fm):
    said(capsys, "cp", "plate/", "copy/", "--from", "disk", "-e", "npy", "--workers", "1")
    assert fm.list_files("copy", backend="disk", recursive=True) == ["copy/B02/A01_s1_w1.npy"]


def test_cp_does_not_replace_a_file_unless_asked(capsys, fm):
    fm.save("old", "copy.txt", backend="disk")
    code, message = refused(capsys, "cp", "plate/notes.txt", "copy.txt", "--from", "disk")
    assert (code, fm.load("copy.txt", backend="disk")) == (1, "old")
    assert message == "polystore: error: 'copy.txt' exists already; pass --overwrite to replace it\n"
    said(capsys, "cp", "plate/notes.txt", "copy.txt", "--from", "disk", "--overwrite")
    assert fm.load("copy.txt", backend="disk") == "noted"


def test_cp_into_an_existing_directory_needs_overwrite_and_keeps_the_rest(capsys, fm):
    fm.save("mine", "copy/mine.txt", backend="disk")
    code, message = refused(capsys, "cp", "plate", "copy", "--from", "disk")
    assert code == 1
    assert message == "polystore: error: 'copy' exists already; pass --overwrite to copy into it\n"
    said(capsys, "cp", "plate", "copy", "--from", "disk", "--overwrite")
    assert fm.load("copy/mine.txt", backend="disk") == "mine"
    assert fm.load("copy/notes.txt", backend="disk") == "noted"


@pytest.mark.parametrize(
    ("source", "target"), [("plate", "plate/copy"), ("./plate/", "plate/a/b"), (".", "copy")]
)
def test_cp_of_a_directory_into_itself_is_refused(capsys, fm, source, target):
    before = fm.list_files(".", backend="disk", recursive=True)
    code, message = refused(capsys, "cp", source, target, "--from", "disk", "--overwrite")
    assert code == 1
    assert message == f"polystore: error: '{source}' cannot be copied into itself, at '{target}'\n"
    assert fm.list_files(".", backend="disk", recursive=True) == before


def test_cp_of_a_file_to_a_directory_says_how_to_copy_into_it(capsys, fm):
    code, message = refused(capsys, "cp", "plate/notes.txt", "plate/B02", "--from", "disk")
    assert code == 1
    assert message == "polystore: error: 'plate/B02' is a directory; type plate/B02/ to copy into it\n"
    said(capsys, "cp", "plate/notes.txt", "plate/B02/", "--from", "disk")
    assert fm.load("plate/B02/notes.txt", backend="disk") == "noted"


def test_cp_tries_every_file_and_names_the_one_that_failed(capsys, plate):
    (plate / "plate.HTD").write_bytes(b"1234")
    code = main(["cp", "plate", "copy", "--from", "disk", "--to", "memory"])
    message = capsys.readouterr().err.splitlines()[-1]
    assert code == 1
    assert message.startswith("polystore: error: 1 of 6 paths failed: ")
    assert "plate.HTD" in message


def test_cp_to_memory_says_that_it_is_gone_afterwards(capsys):
    assert main(["cp", "plate/notes.txt", "x.txt", "--from", "disk", "--to", "memory"]) == 0
    assert "is gone when the command ends" in capsys.readouterr().err


def test_cp_of_an_empty_directory_fails(capsys, plate):
    (plate / "empty").mkdir()
    code, message = refused(capsys, "cp", "plate/empty", "copy", "--from", "disk")
    assert (code, message) == (1, "polystore: error: 'plate/empty' holds no file to be copied\n")


def test_cp_of_nothing_fails(capsys):
    code, message = refused(capsys, "cp", "nowhere", "copy", "--from", "disk")
    assert code == 1
    assert "nowhere" in message


# rm


def test_rm_removes_files(capsys, plate):
    assert said(capsys, "rm", "plate/notes.txt", "plate/A01_s1_w1.tif", "-b", "disk") == []
    assert not (plate / "notes.txt").exists()


def test_rm_of_a_directory_needs_recursive(capsys, plate):
    code, message = refused(capsys, "rm", "plate", "-b", "disk")
    assert code == 1
    assert "--recursive" in message
    assert said(capsys, "rm", "plate", "-b", "disk", "--recursive") == []
    assert not plate.exists()


def test_rm_tries_every_path(capsys, plate):
    code, message = refused(capsys, "rm", "nowhere", "plate/notes.txt", "-b", "disk")
    assert code == 1
    assert message.startswith("polystore: error: 1 of 2 paths failed: ")
    assert not (plate / "notes.txt").exists()


def test_rm_of_nothing_fails_unless_that_is_fine(capsys):
    assert refused(capsys, "rm", "nowhere", "-b", "disk")[0] == 1
    assert said(capsys, "rm", "nowhere", "-b", "disk", "--missing-ok") == []


# what all have in common


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["ls"], "-b"),
        (["info", "plate"], "-b"),
        (["cp", "plate", "copy"], "--from"),
        (["rm", "plate"], "-b"),
    ],
)
def test_leaving_the_backend_out_says_which_there_are(capsys, command, option):
    code, message = refused(capsys, *command)
    assert code == 2
    assert message.startswith(f"polystore: error: say which backend: {option} NAME; installed: disk, ")
    assert message.endswith(f"See: polystore {command[0]} --help\n")


def test_a_mistyped_backend_is_a_usage_error(capsys):
    code, message = refused(capsys, "ls", "-b", "dsk")
    assert code == 2
    assert message.endswith("Did you mean 'disk'?\n")


def test_a_backend_is_configured_by_c(capsys, plate):
    assert said(capsys, "-c", f"disk.root={plate}", "ls", "-b", "disk", "-e", "txt") == ["notes.txt"]
    assert refused(capsys, "-c", f"disk.root={plate}", "ls", "..", "-b", "disk")[0] == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("disk", "-c takes BACKEND.KEY=VALUE, such as disk.root=/data; got 'disk'."),
        ("dsk.root=/data", "-c dsk.root=/data: no backend 'dsk'; installed: disk, "),
        ("disk.rot=/data", "configuration of backend 'disk' has no option 'rot'; options: root"),
        (
            "disk.max_bytes=many",
            "configuration of backend 'disk': option 'max_bytes' takes int or None; got 'many'",
        ),
    ],
)
def test_a_wrong_configuration_is_a_usage_error(capsys, text, complaint):
    code, message = refused(capsys, "-c", text, "ls", "-b", "disk")
    assert code == 2
    assert message.startswith(f"polystore: error: {complaint}")


def test_numbers_in_a_configuration_are_numbers(capsys):
    code, message = refused(capsys, "-c", "disk.max_bytes=10", "info", "plate/A01_s1_w1.tif", "-b", "disk")
    assert code == 1
    assert "max_bytes" in message
