"""Lists of regions go to every viewer like images do, and come back from it as they were sent."""

import numpy as np
import pytest

from polystore import BackendRegistry, FileManager
from polystore_roi import (
    Composite,
    Ellipse,
    Line,
    Mask,
    Points,
    Polygon,
    Polyline,
    Rectangle,
    Text,
    rois_from_labels,
)
from polystore_streaming.testing import private_viewers

PATIENCE_SECONDS = 180
VIEWERS = ("fiji_stream", "napari_stream")

EVERY_KIND = [
    Polygon(
        [[2.5, 2.0], [2.0, 30.0], [24.0, 30.25], [24.0, 2.0]],
        holes=[[[8, 10], [8, 18], [14, 18], [14, 10]]],
        name="ring, µm",
        stroke="#ff8000",
        properties={"area": 568, "class": {"name": "mitotic", "sure": None}},
    ),
    Ellipse(40, 12, 10, 20, angle=30, name="ellipse", fill="#00ff0080"),
    Rectangle(5, 40, 12.5, 16, angle=-12),
    Mask(np.eye(3, dtype=bool), 5, 6, name="mask"),
    Points([[1.0, 2.0], [3.5, 4.0]], stroke="#0000ff"),
    Line((0, 0), (3, 4.25)),
    Polyline([[0, 0], [1, 1], [2, 0]]),
    Composite([Rectangle(0, 0, 2, 2), Points([[5, 5]])], name="composite", fill="#123456"),
    Text("hällo\nworld", 1, 2, 30, 40),
]
PLACED = [
    roi.replace(name=f"placed {number}", **place)
    for number, roi in enumerate(EVERY_KIND)
    for place in ({"z": 2}, {"t": 1, "z": 0}, {"c": 1, "z": 1, "t": 0}, {"c": 0})
]


@pytest.fixture(scope="module", params=VIEWERS)
def viewer(request, screen, tmp_path_factory):
    """A file manager, and the sink of the only viewer there is."""
    with private_viewers():
        fm = FileManager(BackendRegistry())
        fm.save(
            np.zeros((2, 2, 3, 64, 64), np.uint8),
            "stack",
            backend=request.param,
            axes=("t", "channel", "z", "y", "x"),
        )
        yield fm, request.param


@pytest.fixture
def shown(viewer):
    """A function that saves a list of regions to the viewer, and returns those that it has then."""
    fm, backend = viewer
    sink = fm.stream(backend=backend)

    def save(rois, path="cells.roi.zip", **options):
        fm.save(rois, path, backend=backend, **options)
        assert fm.flush(backend=backend, timeout=PATIENCE_SECONDS) == 0
        sink.check()
        return sink.rois().get(path, [])

    yield save
    for layer in sink.layers():
        if layer["kind"] != "image":
            sink.remove(layer["name"])


@pytest.mark.parametrize("rois", [EVERY_KIND[:1], EVERY_KIND, PLACED], ids=["one", "every kind", "placed"])
def test_regions_come_back_as_they_were(shown, rois):
    assert shown(rois) == rois


def test_an_empty_list_clears_what_its_path_showed(shown):
    assert shown([]) == []
    assert shown(EVERY_KIND) == EVERY_KIND
    assert shown([]) == []


def test_a_batch_of_lists_is_one_layer_for_each_path(shown, viewer):
    fm, backend = viewer
    lists = {"a.roi.zip": EVERY_KIND[:2], "b.geojson": [], "c": EVERY_KIND[2:]}
    fm.save_batch(list(lists.values()), list(lists), backend=backend)
    assert shown(PLACED, "d") == PLACED
    found = fm.stream(backend=backend).rois()
    assert {path: found.get(path, []) for path in lists} == lists


def test_what_a_viewer_does_not_show_is_told_with_its_layer(shown, viewer):
    fm, backend = viewer
    assert shown(EVERY_KIND) == EVERY_KIND
    (told,) = [layer["unshown"] for layer in fm.stream(backend=backend).layers() if layer.get("unshown")]
    assert (
        told
        == {
            "fiji_stream": [
                "region 7 (composite): the points within a composite, which ImageJ shows as an outline; "
                "the way back restores it"
            ],
            "napari_stream": ["region 8: text, of which the box is shown; the way back restores it"],
        }[backend]
    )


def test_ten_thousand_objects_come_back(shown):
    labels = np.kron(np.arange(1, 10_001).reshape(100, 100), np.ones((5, 6), np.int32))
    rois = rois_from_labels(labels, kind="polygon")
    assert shown(rois) == rois
