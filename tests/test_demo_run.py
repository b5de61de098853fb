"""`polystore demo`: from images on disk to every storage backend and back, and a picture of it."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from command_line import typed, write_distribution

from polystore import (
    BackendRegistry,
    FileManager,
    InvalidPath,
    PathExists,
    PathNotFound,
    UnsupportedData,
    hookimpl,
)
from polystore.cli import main
from polystore.demo import run_demo


class Forgetful:
    """Takes everything, and gives back zeros."""

    def __init__(self) -> None:
        self.kept: dict[str, np.ndarray] = {}

    @hookimpl
    def polystore_read(self, request):
        return [np.zeros_like(self.kept[path]) for path in request.paths]

    @hookimpl
    def polystore_write(self, request):
        self.kept |= dict(zip(request.paths, request.data, strict=True))
        return [1] * len(request.paths)


def discs(count, shape=(120, 160)):
    """Bright discs on a ground that rises from left to right."""
    y, x = np.indices(shape)
    image = 20 + 60 * x / shape[1]
    for index in range(count):
        image[(y - 30 - 50 * (index // 3)) ** 2 + (x - 30 - 45 * (index % 3)) ** 2 < 100] += 120
    return image.astype(np.uint8)


@pytest.fixture
def fm():
    return FileManager()


@pytest.fixture
def plate(tmp_path, monkeypatch, fm):
    """Two wells, two fields, two channels; as many objects in well A01, field f as f + channel + 1."""
    monkeypatch.chdir(tmp_path)
    for well in ("A01", "B02"):
        for field in (1, 2):
            for channel in (1, 2):
                fm.save(discs(field + channel), f"plate/{well}_s{field}_w{channel}.tif", backend="disk")
    return tmp_path / "plate"


def test_without_a_folder_it_takes_the_images_of_scikit_image(tmp_path, monkeypatch, fm):
    monkeypatch.chdir(tmp_path)
    report = run_demo(fm)
    assert {count.place for count in report.counts} == {"cell", "coins", "hubble_deep_field"}
    assert next(count.objects for count in report.counts if count.place == "coins") == 24
    assert report.is_good


def test_every_storage_backend_gives_back_what_it_was_given(plate, fm):
    report = run_demo(fm, "plate")
    checked = {transfer.source: transfer.verdict for transfer in report.transfers if transfer.verdict}
    assert checked["disk"] == "identical"
    assert [t.files for t in report.transfers if t.step == "load back"][:2] == [16, 16]
    assert report.is_good


def test_the_images_are_loaded_in_one_batch_and_pass_through_memory_as_views(plate, fm):
    load, keep, fetch, *_ = run_demo(fm, "plate").transfers
    assert (load.step, load.source, load.files) == ("load", "disk", 8)
    assert (keep.step, keep.target, keep.files) == ("keep", "memory", 8)
    assert (fetch.source, fetch.verdict) == ("memory", "no copy")


def test_objects_are_counted_by_well_and_channel(plate, fm):
    counts = run_demo(fm, "plate", pattern="{well}_s{site:d}_w{channel:d}.tif").counts
    assert [(count.place, count.channel, count.images, count.objects) for count in counts] == [
        ("A01", "1", 2, 2 + 3),
        ("A01", "2", 2, 3 + 4),
        ("B02", "1", 2, 2 + 3),
        ("B02", "2", 2, 3 + 4),
    ]


def test_the_pattern_is_found_when_none_is_given(plate, fm):
    source = run_demo(fm, "plate").source
    assert source.pattern is not None
    assert "{well}" in source.pattern.text


def test_names_that_fit_no_preset_are_shown_as_they_are(plate, fm):
    fm.save(discs(2), "loose/first image.png", backend="disk")
    fm.save(discs(3), "loose/second.npy", backend="disk")
    report = run_demo(fm, "loose")
    assert [(count.place, count.objects) for count in report.counts] == [("first image", 2), ("second", 3)]
    assert report.source.remarks[0].startswith("no preset fits the names")


def test_names_that_differ_only_in_their_suffix_stay_apart(plate, fm):
    fm.save(discs(2), "loose/a.png", backend="disk")
    fm.save(discs(3), "loose/a.npy", backend="disk")
    assert run_demo(fm, "loose").source.names == ("a.npy", "a.png")


def test_what_does_not_fit_the_pattern_is_left_out_and_said(plate, fm):
    report = run_demo(fm, "plate", pattern="{well}_s{site:d}_w1.tif")
    assert len(report.source.paths) == 4
    assert report.source.remarks == ("4 of 8 images do not fit the pattern, left out",)


def test_a_pattern_with_directories_looks_below(tmp_path, monkeypatch, fm):
    monkeypatch.chdir(tmp_path)
    fm.save(discs(2), "plate/A01/s1.tif", backend="disk")
    fm.save(discs(3), "plate/A02/s1.tif", backend="disk")
    report = run_demo(fm, "plate", pattern="{well}/s{site:d}.tif")
    assert [(count.place, count.objects) for count in report.counts] == [("A01", 2), ("A02", 3)]
    assert fm.exists("polystore-demo/disk/labels/A02/s1.tif", backend="disk")


def test_a_large_folder_is_cut_and_said(plate, fm):
    report = run_demo(fm, "plate", limit=3)
    assert len(report.source.paths) == 3
    assert report.source.remarks == ("the first 3 of 8 images; --limit takes more",)


def test_colours_and_stacks_become_planes(tmp_path, monkeypatch, fm):
    monkeypatch.chdir(tmp_path)
    fm.save(np.stack([discs(2)] * 3, axis=-1), "images/colour.png", backend="disk")
    fm.save(np.stack([discs(1), discs(3)]), "images/stack.tif", backend="disk")
    assert [count.objects for count in run_demo(fm, "images").counts] == [2, 3]


def test_the_results_are_label_images_planes_a_table_and_a_picture(plate, fm):
    report = run_demo(fm, "plate", output="results")
    labels = fm.load("results/disk/labels/A01_s1_w1.tif", backend="disk")
    assert (labels.dtype, labels.max()) == (np.uint16, 2)
    assert fm.load("results/disk/planes/A01_s1_w1.tif", backend="disk").dtype == np.float32
    assert fm.load(report.table, backend="disk")["objects"].tolist() == [5, 7, 5, 7]
    sheet = fm.load(report.contact_sheet, backend="disk")
    assert (sheet.dtype, sheet.ndim, sheet.shape[2]) == (np.uint8, 3, 3)


def test_the_picture_shows_planes_in_grey_and_outlines_in_colour(plate, fm):
    sheet = fm.load(run_demo(fm, "plate").contact_sheet, backend="disk").astype(int)
    outlines = (sheet == (255, 200, 0)).all(axis=-1)
    assert outlines.sum() > 1000
    assert sheet.max(axis=-1).std() > 20


def test_it_replaces_its_own_files(plate, fm):
    run_demo(fm, "plate")
    assert run_demo(fm, "plate", limit=2).is_good


@pytest.mark.parametrize("name", ["contact_sheet.png", "disk/labels/A01_s1_w1.tif"])
def test_it_never_replaces_a_file_of_somebody_else(plate, fm, name):
    theirs = discs(1) if name.endswith("tif") else np.stack([discs(1)] * 3, axis=-1)
    fm.save(theirs, f"results/{name}", backend="disk")
    with pytest.raises(PathExists, match="is not of an earlier demo; choose another"):
        run_demo(fm, "plate", output="results")
    assert np.array_equal(fm.load(f"results/{name}", backend="disk"), theirs)


def test_a_folder_that_is_not_there(plate, fm):
    with pytest.raises(PathNotFound, match="nowhere"):
        run_demo(fm, "nowhere")


def test_a_folder_without_images(plate, fm):
    fm.save("x", "texts/a.txt", backend="disk")
    with pytest.raises(PathNotFound, match="no image files in 'texts'"):
        run_demo(fm, "texts")


def test_a_pattern_that_fits_nothing_shows_a_name_that_would(plate, fm):
    with pytest.raises(InvalidPath, match=r"a name that fits is 'A01_f1\.tif'"):
        run_demo(fm, "plate", pattern="{well}_f{field:d}.tif")


def test_an_array_that_is_no_image_is_named(tmp_path, monkeypatch, fm):
    monkeypatch.chdir(tmp_path)
    fm.save(np.arange(5), "arrays/line.npy", backend="disk")
    with pytest.raises(UnsupportedData, match=r"'arrays/line.npy' holds no image"):
        run_demo(fm, "arrays")


def test_a_backend_that_gives_back_something_else_is_found_out(plate):
    registry = BackendRegistry()
    registry.register("forgetful", Forgetful)
    report = run_demo(FileManager(registry), "plate")
    verdicts = {
        transfer.source: transfer.verdict for transfer in report.transfers if transfer.step == "load back"
    }
    assert verdicts.pop("forgetful") == "DIFFERENT"
    assert verdicts == {"disk": "identical", "memory": "identical", "zarr": "identical"}
    assert not report.is_good


def test_a_broken_backend_is_named_and_the_others_run(plate):
    write_distribution(
        plate.parent / "plugins",
        "crash",
        "polystore.backends",
        "crash = crash_backend:Crash [read,write]",
        "1 / 0",
    )
    done = typed("demo", "plate", "--limit", "2", cwd=plate.parent, plugins=plate.parent / "plugins")
    assert done.returncode == 1
    assert "crash failed: plugin 'crash'" in done.stdout
    assert done.stdout.count("identical") == 3


def test_the_command_prints_what_moved_where_and_how_fast(plate, capsys):
    assert main(["demo", "plate", "--pattern", "imagexpress"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "8 images of plate"
    assert ["step", "from", "to", "files", "MB", "s", "MB/s", "comes", "back"] in map(str.split, lines)
    assert ["A01", "1", "2", "5"] in map(str.split, lines)
    assert "contact sheet: polystore-demo/contact_sheet.png" in lines
    assert err == ""


def test_a_pattern_without_a_folder_is_a_usage_error(capsys):
    assert main(["demo", "--pattern", "imagexpress"]) == 2
    assert "give a FOLDER too" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(plate, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    assert main(["demo", "plate"]) == 1
    message = 'polystore: error: the demo needs skimage; pip install "polystore[demo]"\n'
    assert capsys.readouterr() == ("", message)


def test_the_record_lists_every_file_by_backend(plate, fm):
    run_demo(fm, "plate", limit=1)
    record = json.loads((plate.parent / "polystore-demo" / "polystore-demo.json").read_text())
    assert record["files"]["disk"] == [
        "polystore-demo/contact_sheet.png",
        "polystore-demo/counts.csv",
        "polystore-demo/disk/labels/A01_s1_w1.tif",
        "polystore-demo/disk/planes/A01_s1_w1.tif",
    ]
