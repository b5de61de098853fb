"""What comes from elsewhere is checked before it is believed; nothing is unpacked beyond the limit."""

import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polystore_core.errors import CorruptData, UnsupportedData
from polystore_roi import (
    Composite,
    Ellipse,
    Mask,
    Points,
    Polygon,
    Rectangle,
    RoiLossWarning,
    Text,
    roi_from_imagej,
    roi_to_imagej,
    rois_from_table,
    rois_to_table,
)
from polystore_roi.formats import GeoJson, ImageJRoi, ImageJRoiSet, RoiJson

MANY = [
    Polygon([[0, 0], [0, 9], [9, 9]], holes=[[[1, 4], [1, 6], [3, 6]]], name="a", z=1, stroke="#ff0000"),
    Mask(np.eye(3, dtype=bool), 1, 2),
    Composite(
        [Rectangle(0, 0, 1, 1), Text("t", 0, 0, 1, 1), Mask(np.ones((1, 1), bool))], properties={"a": 1}
    ),
    Points([[1, 2], [3, 4]]),
    Ellipse(0, 0, 1, 2, 3),
]
TABLE = rois_to_table(MANY)


def decode(format_, content, max_bytes=10**8):
    return format_.decode(io.BytesIO(content), copy=True, max_bytes=max_bytes, threads=1)


def archive(members, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as target:
        for name, content in members:
            target.writestr(name, content)
    return file.getvalue()


def content(roi):
    return roi_to_imagej(roi)[0]


def changed(name, index, value):
    table = {column: array.copy() for column, array in TABLE.items()}
    table[name][index] = value
    return table


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "the column 'kind' is missing"),
        ({**TABLE, "more": np.zeros(1)}, "the unknown column 'more'"),
        ({**TABLE, "kind": TABLE["kind"].astype(object)}, "the column 'kind' is object, not uint8"),
        ({**TABLE, "kind": [1, 2]}, "the column 'kind' is list, not uint8"),
        ({**TABLE, "vertices": TABLE["vertices"][:, :1]}, "the column 'vertices' has the shape"),
        ({**TABLE, "plane": TABLE["plane"][:1]}, "do not have a row for each region"),
        (changed("kind", 0, 77), "'kind' holds an unknown code"),
        (changed("kind", 0, 0), "'kind' holds an unknown code"),
        (changed("part_kind", 0, 9), "'part_kind' holds an unknown code"),
        (changed("kind", 1, 4), "a region and its only part are of different kinds"),
        (changed("part_offset", 1, -1), "does not lead from 0"),
        (changed("part_offset", -1, 2**62), "does not lead from 0"),
        (changed("part_offset", 1, 0), "a region has no part"),
        (changed("ring_offset", 1, 1), "the wrong number of rings"),
        (changed("vertex_offset", 1, 2), "the wrong number of vertices"),
        (changed("vertices", 0, np.nan), "a coordinate is not finite"),
        (changed("vertices", 0, 1e300), "beyond 2\\*\\*53"),
        (changed("vertices", 6, 0.5), "the place or size of a mask is not whole"),
        (changed("vertices", 7, 2.0**52), "does not have the bits of the masks"),
        (changed("mask_bits", 0, 0), "a mask is not cropped to its pixels"),
        (changed("plane", (0, 0), -2), "a number that is no plane"),
        (changed("color", (0, 0), 2**32), "a number that is no colour"),
        (changed("text", 0, ord("x")), "its texts are no JSON"),
        ({**TABLE, "text": np.frombuffer(b"[" * 10**5, np.uint8)}, "its texts are no JSON"),
        (
            {**TABLE, "text": np.frombuffer(b'{"names":[1]}', np.uint8)},
            "its names are not 5 values of type str",
        ),
        ({**TABLE, "text": np.frombuffer(b'{"other":1}', np.uint8)}, "no object of names"),
    ],
)
def test_a_table_that_lies_is_refused(table, message):
    with pytest.raises(CorruptData, match=message):
        rois_from_table(table)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_table_with_any_number_changed_is_read_or_refused(data):
    name = data.draw(st.sampled_from(sorted(TABLE)))
    table = dict(TABLE)
    column = table[name] = TABLE[name].copy()
    index = data.draw(st.integers(0, column.size - 1))
    if column.dtype == np.float64:
        column.reshape(-1)[index] = data.draw(st.floats())
    else:
        limits = np.iinfo(column.dtype)
        column.reshape(-1)[index] = data.draw(st.integers(int(limits.min), int(limits.max)))
    try:
        rois = rois_from_table(table)
    except CorruptData:
        return
    assert rois_from_table(rois_to_table(rois)) == rois


def test_regions_of_a_table_share_nothing_with_it():
    table = {name: column.copy() for name, column in TABLE.items()}
    rois = rois_from_table(table)
    for column in table.values():
        column[...] = 0
    assert rois == MANY


@pytest.mark.parametrize("roi", MANY, ids=lambda roi: type(roi).__name__)
def test_an_imagej_file_cut_anywhere_is_refused_or_shorter(roi):
    whole = content(roi)
    for size in range(len(whole)):
        try:
            roi_from_imagej(whole[:size])
        except CorruptData:
            continue
        assert size >= 64


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(MANY), st.data())
def test_an_imagej_file_with_any_byte_changed_is_read_or_refused(roi, data):
    damaged = bytearray(content(roi))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        found, _ = roi_from_imagej(bytes(damaged))
    except CorruptData:
        return
    assert rois_from_table(rois_to_table([found])) == [found]


def test_counts_beyond_the_file_are_refused_without_allocating():
    lying = bytearray(content(Points([[1, 2]])))
    struct.pack_into(">hi", lying, 16, 0, 2**31 - 1)
    tracemalloc.start()
    with pytest.raises(CorruptData):
        roi_from_imagej(bytes(lying))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["../a.roi", "/etc/a.roi", "b/../../a.roi", "..\\a.roi", "C:\\a.roi"])
def test_a_name_that_leads_out_of_the_archive_is_refused(name):
    with pytest.raises(CorruptData, match="which leads out of it"):
        decode(ImageJRoiSet(), archive([(name, content(MANY[0]))]))


def test_a_bomb_is_refused_before_it_unpacks():
    bomb = archive([("a.roi", bytes(50 * 2**20))], compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 10**5
    tracemalloc.start()
    with pytest.raises(CorruptData, match=r"unpacks to [\d,]+ bytes, more than the limit of 100,000,000"):
        decode(ImageJRoiSet(), bomb)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_member_larger_than_it_claims_is_refused():
    whole = bytearray(archive([("a.roi", bytes(10**6))], compression=zipfile.ZIP_DEFLATED))
    directory = whole.index(b"PK\1\2")
    struct.pack_into("<I", whole, directory + 24, 100)
    with pytest.raises(CorruptData):
        decode(ImageJRoiSet(), bytes(whole))


def test_very_many_members_are_refused():
    crowd = archive([(f"{number}.roi", b"") for number in range(2000)])
    with pytest.raises(CorruptData, match="more than the limit of 1,000,000"):
        decode(ImageJRoiSet(), crowd, max_bytes=10**6)


def test_an_archive_cut_anywhere_is_refused():
    whole = archive([(f"{number}.roi", content(roi)) for number, roi in enumerate(MANY)])
    for size in range(0, len(whole), 7):
        with pytest.raises(CorruptData):
            decode(ImageJRoiSet(), whole[:size])


def test_a_damaged_member_is_named():
    with pytest.raises(CorruptData, match=r"the member 'b.roi': not an ImageJ region"):
        decode(ImageJRoiSet(), archive([("a.roi", content(MANY[0])), ("b.roi", b"nothing" * 20)]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_all_load():
    twins = archive([("a.roi", content(MANY[0])), ("a.roi", content(MANY[3]))])
    assert decode(ImageJRoiSet(), twins) == [MANY[0], MANY[3].replace(name="a")]


def test_what_is_no_region_in_an_archive_is_passed_over():
    members = [("__MACOSX/._a.roi", b"x"), ("folder/a.roi", content(MANY[0])), ("notes.txt", b"x")]
    assert decode(ImageJRoiSet(), archive(members)) == [MANY[0]]
    with pytest.raises(CorruptData, match=r"the archive holds 'notes.txt' but no region"):
        decode(ImageJRoiSet(), archive(members[2:]))


def test_regions_of_one_name_get_members_of_their_own():
    file = io.BytesIO()
    ImageJRoiSet().encode([MANY[3].replace(name="../a")] * 3, file, threads=1)
    assert zipfile.ZipFile(file).namelist() == ["_a.roi", "_a-1.roi", "_a-2.roi"]
    assert decode(ImageJRoiSet(), file.getvalue()) == [MANY[3].replace(name="../a")] * 3


@pytest.mark.parametrize("format_", [GeoJson(), RoiJson()], ids=["geojson", "roi.json"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "7",
        "[1]",
        '{"a":1,"a":1}',
        '{"type":"Feature","geometry":NaN}',
        "[" * 10**5,
        '"\\ud800"',
    ],
)
def test_what_is_no_document_of_regions_is_refused(format_, text):
    with pytest.raises(CorruptData):
        decode(format_, text.encode())


@pytest.mark.parametrize("format_", [GeoJson(), RoiJson()], ids=["geojson", "roi.json"])
def test_a_document_beyond_the_limit_is_refused(format_):
    with pytest.raises(CorruptData, match="more than the limit of 1,000"):
        decode(format_, b"[" + b"1," * 1000 + b"1]", max_bytes=1000)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"type": "circle"}, r"rois\[0\] has the type 'circle'; there are polygon"),
        ({"type": "points"}, r"rois\[0\] has no 'coordinates'"),
        ({"type": "points", "coordinates": [[1, 2]], "more": 1}, "unknown field 'more'"),
        ({"type": "points", "coordinates": [[1, 2]], "z": "1"}, "'1' is no z"),
        ({"type": "points", "coordinates": [[1, 2]], "z": True}, "True is no z"),
        (
            {"type": "mask", "y": 0, "x": 0, "shape": [1, 10**9], "bits": ""},
            "0 bytes of bits for 1 x 1000000000",
        ),
        ({"type": "mask", "y": 0, "x": 0, "shape": [1, 1], "bits": "%"}, "bits that are no base64"),
        (
            {"type": "composite", "parts": [{"type": "composite", "parts": []}]},
            "a composite within a composite",
        ),
        ([], "is no JSON object"),
    ],
)
def test_a_record_that_is_no_region_is_refused(record, message):
    document = {"format": "polystore-rois", "version": 1, "rois": [record]}
    with pytest.raises(CorruptData, match=message):
        decode(RoiJson(), json.dumps(document).encode())


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        ({"type": "Circle", "coordinates": [1, 2]}, "of type 'Circle', which is none"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]},
            "the vertices of a polygon are 3 or more; got 2",
        ),
        ({"type": "Polygon", "coordinates": []}, "a geometry without coordinates"),
        ({"type": "Point", "coordinates": ["a", "b"]}, "coordinates that are no positions"),
        ({"type": "MultiPoint", "coordinates": [[1, 2], [1]]}, "coordinates that are no positions"),
        ({"type": "GeometryCollection", "geometries": []}, "empty or nests too deep"),
    ],
)
def test_a_geometry_that_is_no_region_is_refused(geometry, message):
    with pytest.raises(CorruptData, match=message):
        decode(GeoJson(), json.dumps({"type": "Feature", "geometry": geometry}).encode())


def test_a_feature_of_qupath_is_read():
    feature = {
        "type": "Feature",
        "id": "f00d",
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[0, 0], [9, 0], [9, 5], [0, 0]], [[6, 1], [8, 1], [8, 2], [6, 1]]],
            "plane": {"c": -1, "z": 2, "t": 0},
        },
        "properties": {"objectType": "annotation", "name": "tumour", "color": [200, 0, 0]},
    }
    assert decode(GeoJson(), json.dumps([feature]).encode()) == [
        Polygon(
            [[0, 0], [0, 9], [5, 9]],
            holes=[[[1, 6], [1, 8], [2, 8]]],
            name="tumour",
            stroke="#c80000",
            z=2,
            t=0,
            properties={"objectType": "annotation", "color": [200, 0, 0], "id": "f00d"},
        )
    ]


@pytest.mark.parametrize(
    ("format_", "roi", "message"),
    [
        (
            ImageJRoiSet(),
            Composite([Points([[1, 1]])], name="p"),
            r"region 0 \(p\): the points within a composite",
        ),
        (ImageJRoi(), Composite([Text("a", 0, 0, 1, 1)]), "the text within a composite"),
        (GeoJson(), Ellipse(0, 0, 1, 1), "an ellipse, which is written as a polygon of 64 corners"),
        (GeoJson(), Text("a", 0, 0, 1, 1), "text, of which the box is written"),
    ],
)
def test_what_a_format_does_not_show_is_told_or_refused(format_, roi, message):
    file = io.BytesIO()
    with pytest.warns(RoiLossWarning, match=message):
        format_.encode([roi], file, threads=1)
    assert decode(format_, file.getvalue()) == [roi]
    with pytest.raises(UnsupportedData, match=message + ".*Pass strict=False if that will do"):
        format_.encode([roi], io.BytesIO(), threads=1, strict=True)
    format_.encode([roi], io.BytesIO(), threads=1, strict=False)  # a warning would be an error


def test_what_a_plain_stack_has_no_axis_for_is_told():
    with pytest.warns(RoiLossWarning, match="c and t, because a plain stack has no such axes"):
        ImageJRoiSet().encode([Points([[1, 1]], t=3)], io.BytesIO(), threads=1, positions="stack")


def test_what_is_farther_than_imagej_can_address_is_refused():
    with pytest.raises(UnsupportedData, match="ImageJ has no coordinates beyond"):
        roi_to_imagej(Points([[0, 2.0**40]]))


def test_a_roi_file_holds_one_region():
    with pytest.raises(UnsupportedData, match=r"'.roi' holds one region; got 2: save as .roi.zip"):
        ImageJRoi().encode([MANY[3]] * 2, io.BytesIO(), threads=1)
