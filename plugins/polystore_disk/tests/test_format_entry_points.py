"""What the package declares: suffixes and the kinds of data behind them, known without importing a codec."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

import polystore_disk.formats

KINDS = {
    ".bin": ["bytes"],
    ".csv": ["table"],
    ".jpeg": ["array"],
    ".jpg": ["array"],
    ".json": ["json"],
    ".npy": ["array"],
    ".npz": ["table"],
    ".ome.tif": ["array"],
    ".ome.tiff": ["array"],
    ".png": ["array"],
    ".tif": ["array"],
    ".tiff": ["array"],
    ".txt": ["text"],
}
OURS = [
    point
    for point in entry_points(group="polystore.formats")
    if point.dist and point.dist.name == "polystore-disk"
]


def test_every_suffix_names_its_kinds():
    assert {point.name: point.extras for point in OURS} == KINDS


@pytest.mark.parametrize("point", OURS, ids=lambda point: point.name)
def test_every_suffix_has_a_codec(point):
    codec = point.load()
    assert codec.__name__ in polystore_disk.formats.__all__
    codec()


def test_codecs_import_their_libraries_when_they_are_used():
    code = (
        "import sys, polystore_disk.formats; print({'numpy', 'tifffile', 'imagecodecs'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
