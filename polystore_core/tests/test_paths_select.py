"""Selecting names from a listing."""

from __future__ import annotations

from typing import Any

import pytest

from polystore_core import InvalidOption
from polystore_core.paths import PathPattern, select_paths

LISTING = [
    "A01_s1.TIF",
    "A01_s2.tif",
    "sub/A02_s1.tif",
    "sub/deep/A03_s1.tiff",
    "rois/A01.roi.zip",
    ".tif",
    "plate.HTD",
]


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        ({}, LISTING),
        ({"extensions": "tif"}, ["A01_s1.TIF", "A01_s2.tif", "sub/A02_s1.tif"]),
        ({"extensions": ".TIF"}, ["A01_s1.TIF", "A01_s2.tif", "sub/A02_s1.tif"]),
        ({"extensions": [".tiff", "roi.zip"]}, ["sub/deep/A03_s1.tiff", "rois/A01.roi.zip"]),
        ({"extensions": ["zip"]}, ["rois/A01.roi.zip"]),
        ({"extensions": []}, []),
        ({"pattern": "A0[12]*"}, ["A01_s1.TIF", "A01_s2.tif", "sub/A02_s1.tif", "rois/A01.roi.zip"]),
        ({"pattern": "a01*"}, []),
        ({"pattern": "*_s?.tif"}, ["A01_s2.tif", "sub/A02_s1.tif"]),
        ({"pattern": "sub/*"}, ["sub/A02_s1.tif"]),
        ({"pattern": "sub/**/*.tif*"}, ["sub/A02_s1.tif", "sub/deep/A03_s1.tiff"]),
        ({"pattern": "**/A01*"}, ["A01_s1.TIF", "A01_s2.tif", "rois/A01.roi.zip"]),
        ({"pattern": "A01*", "extensions": "tif"}, ["A01_s1.TIF", "A01_s2.tif"]),
        ({"pattern": PathPattern("{well}_s{site:d}.tif")}, ["A01_s1.TIF", "A01_s2.tif", "sub/A02_s1.tif"]),
    ],
)
def test_what_is_selected_keeps_its_order(options: dict[str, Any], selected: list[str]) -> None:
    assert select_paths(LISTING, **options) == selected


@pytest.mark.parametrize("extensions", ["", ".", ["tif", ""], [3], 3])
def test_an_extension_is_text(extensions: Any) -> None:
    with pytest.raises(InvalidOption, match=r"an extension is text such as 'tif' or '\.roi\.zip', not"):
        select_paths(LISTING, extensions=extensions)


def test_an_empty_glob_is_refused() -> None:
    with pytest.raises(InvalidOption, match=r"^pattern= is empty; '\*' selects every name"):
        select_paths(LISTING, pattern="")


def test_the_text_of_a_path_pattern_is_not_taken_for_a_glob() -> None:
    with pytest.raises(InvalidOption, match=r"in which braces mean nothing; pass PathPattern\('\{well\}_s"):
        select_paths(LISTING, pattern="{well}_s{site:d}.tif")


def test_a_pattern_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidOption, match=r"takes a glob such as '\*\.tif' or a PathPattern, not int$"):
        select_paths(LISTING, pattern=3)  # type: ignore[arg-type]
