"""Lists of regions keep the promises that every backend makes about data, wherever they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from roi_strategies import regions

from polystore_core.testing import BackendConformance
from polystore_roi import Ellipse, Mask, Points, Polygon, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_core.data import Data, DataKind

pytestmark = pytest.mark.filterwarnings("ignore::polystore_roi.RoiLossWarning")


class Regions(BackendConformance):
    """Every value is a list of regions."""

    persistent = True
    shared = True
    settings = settings(BackendConformance.settings, max_examples=8, stateful_step_count=15)

    def configuration(self, folder: Path) -> Mapping[str, Any]:
        return {"root": folder}

    def value(self, number: int = 0, kind: DataKind | None = None) -> Data:
        hole = [[1, 2], [1, 3], [2, 3]]
        rois: list[Any] = [
            Polygon([[0, 0], [0, 9], [number, 20]], holes=[hole], name=f"{number}", z=number),
            Mask(np.eye(number % 5 + 1, dtype=bool), y=number, properties={"number": number}),
            Ellipse(number, 2, 3, 4.5, angle=30, stroke="#ff8000", c=0, t=1),
            Points([[number, 0.5]]),
            Text(f"number {number}, µm", 1, 2, 3, 4),
        ]
        return rois[: number % 5 + 1]

    def any_value(self, kind: DataKind) -> st.SearchStrategy[Any]:
        return st.lists(regions(), max_size=3)


class TestRegionsInArchives(Regions):
    backend = "disk"
    suffixes: ClassVar = {"rois": ".roi.zip"}


class TestRegionsInGeoJson(Regions):
    backend = "disk"
    suffixes: ClassVar = {"rois": ".geojson"}


class TestRegionsInMemory(Regions):
    backend = "memory"
    suffixes: ClassVar = {"rois": ".roi.zip"}
    persistent = False
    shared = False

    def configuration(self, folder: Path) -> Mapping[str, Any]:
        return {}


class TestRegionsInZarr(Regions):
    backend = "zarr"
    suffixes: ClassVar = {"rois": ".roi.zip"}
