"""Whatever way regions travel, they come back as they were."""

import copy
import io
import pickle
import warnings

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from roi_strategies import regions, shapes

from polystore_core.data import data_equal
from polystore_roi import (
    Composite,
    Polygon,
    RoiLossWarning,
    roi_from_imagej,
    roi_to_imagej,
    rois_from_napari,
    rois_from_table,
    rois_to_napari,
    rois_to_table,
)
from polystore_roi.formats import GeoJson, ImageJRoiSet, RoiJson

each_kind = pytest.mark.parametrize("kind", [*shapes])
often = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])


def through(format_, rois, **options):
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RoiLossWarning)
        format_.encode(rois, file, threads=1, **options)
    file.seek(0)
    return format_.decode(file, copy=True, max_bytes=2**30, threads=1)


@each_kind
@often
@given(data=st.data())
def test_a_region_comes_back_from_imagej_bytes(kind, data):
    roi = data.draw(regions(kind))
    for positions in ("hyperstack", "stack"):
        content, _ = roi_to_imagej(roi, positions=positions)
        assert roi_from_imagej(content) == (roi, [])


def test_outlines_that_cross_come_back_from_imagej_bytes():
    crossing = [[[0, 0], [0, 1], [1, 0]], [[0, -2], [0, 0], [1, 1]]]
    roi = Composite([Polygon([[0, 0]] * 3), Polygon(crossing[0], holes=[crossing[1]])])
    assert roi_from_imagej(roi_to_imagej(roi)[0]) == (roi, [])


@pytest.mark.parametrize("format_", [GeoJson, ImageJRoiSet, RoiJson])
@often
@given(st.lists(regions(), max_size=4))
def test_a_list_comes_back_from_a_file(format_, rois):
    assert through(format_(), rois) == rois


@each_kind
@often
@given(data=st.data())
def test_a_region_comes_back_from_napari(kind, data):
    rois = data.draw(st.lists(regions(kind), max_size=3))
    leading = data.draw(
        st.permutations(["c", "z", "t"]).flatmap(lambda axes: st.sampled_from([axes, axes[:1], []]))
    )
    layers = rois_to_napari(rois, leading=leading)
    back, losses = rois_from_napari(shapes=layers.shapes, points=layers.points, leading=leading)
    assert back == rois
    assert not losses
    assert not layers.losses.for_good


@often
@given(st.lists(regions(), max_size=4))
def test_a_list_comes_back_from_a_table(rois):
    assert rois_from_table(rois_to_table(rois)) == rois


@often
@given(regions())
def test_a_region_comes_back_from_pickle_and_copies(roi):
    assert pickle.loads(pickle.dumps(roi)) == roi
    assert copy.deepcopy([roi]) == [roi]
    assert hash(pickle.loads(pickle.dumps(roi))) == hash(roi)
    assert data_equal([roi], [pickle.loads(pickle.dumps(roi))])
