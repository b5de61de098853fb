"""``.tif`` and ``.ome.tif``: images and stacks come back exactly, or are refused."""

from __future__ import annotations

import errno
import io
import itertools
import logging
import re
import resource
import struct
import warnings
from unittest.mock import patch

import numpy as np
import pytest
import tifffile
from format_files import comes_back, flipped, is_value_or_corrupt, load, save
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from polystore_core.data import data_equal
from polystore_core.errors import CorruptData, InvalidOption, UnsupportedData
from polystore_disk.formats import OmeTiff, Tiff, _tiff_layout, _tiff_write

TIFF, OME = Tiff(), OmeTiff()

COMPRESSIONS = ["none", "lzw", "deflate", "zstd", "packbits"]
DTYPES = ["bool", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16"]
STACK = np.arange(2 * 3 * 16 * 17, dtype="u2").reshape(2, 3, 16, 17)
RGB = np.arange(20 * 30 * 3, dtype="u1").reshape(20, 30, 3)

images = hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=2, max_dims=6, max_side=5))


LARGE = np.arange(2 * 3 * 4 * 200 * 170, dtype="u2").reshape(2, 3, 4, 200, 170)


@pytest.mark.parametrize(
    ("array", "options"),
    [
        (LARGE[0, 0, 0], {}),
        (LARGE, {"axes": "TCZYX", "pixel_size": (0.5, 0.25)}),
        (LARGE.astype(">u2"), {}),
        (np.asfortranarray(LARGE), {}),
        (LARGE[..., ::-2, ::3], {}),
        (LARGE.astype("f8"), {"photometric": "miniswhite"}),
        (LARGE * np.complex64(1 + 2j), {}),
        (LARGE % 2 == 0, {}),
        (np.arange(200 * 200 * 3, dtype="u1").reshape(200, 200, 3), {}),
        (np.zeros((70_000, 1), "u1"), {}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else f"{value.dtype.str}{value.shape}",
)
def test_large_plain_images_come_back_and_are_the_files_that_tifffile_writes(array, options):
    ours = save(TIFF, array, **options)
    assert data_equal(tifffile.imread(io.BytesIO(ours)), array)
    assert data_equal(load(TIFF, ours), array)
    assert ours == written_by_tifffile(array, **options)


@given(images, st.sampled_from([{}, {"pixel_size": (np.float32(0.65), 0.1)}, {"photometric": "miniswhite"}]))
def test_small_plain_images_are_the_files_that_tifffile_writes(array, options):
    assert save(TIFF, array, **options) == written_by_tifffile(array, **options)


def written_by_tifffile(array, **options) -> bytes:
    """Save an array that tifffile itself puts into the file, tags and pixels."""

    def whole(array, **arguments):
        file = io.BytesIO()
        tifffile.imwrite(file, array, **arguments)
        return [file.getvalue()]

    with patch.object(_tiff_write, "lay_out", whole):
        return save(TIFF, array, **options)


def test_images_that_differ_in_what_their_tags_say_are_not_taken_for_alike():
    files = [
        save(TIFF, array, **options)
        for array in (RGB[..., 0], RGB[..., 0].astype("i1"), RGB[..., 0].astype("f4"), RGB[..., 0].T, RGB)
        for options in (
            {},
            {"pixel_size": (0.5, 0.5)},
            {"pixel_size": (0.5, 0.25)},
            {"pixel_size": (0.5, 0.25), "unit": "nanometer"},
            {"photometric": "miniswhite"},
        )
    ]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("array", [RGB.repeat(9, axis=0), STACK], ids=["colour", "stack"])
def test_tags_are_worked_out_once_for_images_that_are_alike(array):
    save(TIFF, array)
    before = _tiff_layout._remembered_tags.cache_info()
    save(TIFF, array + 1)
    after = _tiff_layout._remembered_tags.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)


def test_stacks_of_many_pages_come_back():
    assert comes_back(TIFF, np.arange(300 * 3 * 4, dtype="u2").reshape(300, 3, 4))


def test_a_large_plain_ome_tiff_comes_back():
    assert comes_back(OME, LARGE, channel_names=["DNA", "actin", "tubulin"])
    assert comes_back(OME, LARGE[0, 0, 0])


@given(images, st.sampled_from(COMPRESSIONS))
@example(np.zeros((1, 1, 1, 1, 1), "u1"), "none")
@example(np.zeros((1, 3, 1, 4), "u2"), "none")
def test_every_image_comes_back(array, compression):
    assert comes_back(TIFF, array, compression=compression)


@given(
    hnp.arrays(
        st.sampled_from(["u1", "i2", "u4", "f2", "f4", "f8"]), hnp.array_shapes(min_dims=2, max_dims=4)
    ),
    st.sampled_from(COMPRESSIONS[1:]),
)
def test_predictor_keeps_every_value(array, compression):
    assert comes_back(TIFF, array, compression=compression, predictor=True)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 1, 5, 5), (2, 1, 5, 5, 1), (3, 5, 5), (5, 5, 3), (7, 1, 1), (5, 5, 4), (4, 6, 6, 3)]
)
@pytest.mark.parametrize("photometric", ["auto", "minisblack", "miniswhite"])
def test_every_shape_comes_back(shape, photometric):
    array = np.arange(np.prod(shape), dtype="u1").reshape(shape)
    assert comes_back(TIFF, array, photometric=photometric)


@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda a: a.T,
        lambda a: a[:, ::2, ::-1],
        lambda a: np.broadcast_to(a, (2, *a.shape)),
    ],
)
def test_every_layout_comes_back(layout, compression):
    assert comes_back(TIFF, layout(STACK), compression=compression)


def test_loaded_image_is_independent():
    for compression in COMPRESSIONS:
        loaded = load(TIFF, save(TIFF, STACK, compression=compression))
        assert loaded.flags.writeable
        assert loaded.flags.owndata


def test_threads_change_nothing():
    array = np.random.default_rng(0).integers(0, 50, (3, 1024, 1024), "u2")
    content = save(TIFF, array, compression="deflate", threads=2)
    assert content == save(TIFF, array, compression="deflate")
    assert data_equal(load(TIFF, content, threads=2), array)


@pytest.mark.parametrize(
    "array",
    [np.array(1.0), np.zeros(3), np.zeros((0, 4)), np.zeros((2, 2), "M8[s]"), np.zeros((2, 2), "U2")],
)
def test_what_tiff_cannot_hold_is_refused(array):
    with pytest.raises(UnsupportedData) as caught:
        save(TIFF, array)
    assert str(caught.value) == (
        "'.tif' holds arrays (..., Y, X) that are not empty, of bool, integers, float16 to float64 "
        f"and complex; got {array.dtype} {array.shape}: save it as .npy"
    )


@pytest.mark.parametrize("dtype", ["bool", "u8", "c8"])
def test_predictor_is_refused_where_it_cannot_be(dtype):
    with pytest.raises(UnsupportedData, match=r"save it as \.npy, or without predictor"):
        save(TIFF, np.zeros((4, 4), dtype), compression="zstd", predictor=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"axes": "YX"},
            r"axes='YX' does not name the 4 dimensions of shape \(2, 3, 16, 17\): give one letter",
        ),
        ({"axes": "CCYX"}, "does not name the 4 dimensions"),
        ({"axes": "YXZC"}, "ending with YX"),
        ({"axes": "#ZYX"}, "letters are T, C, Z, Y, X"),
        ({"photometric": "rgb"}, "photometric='rgb' needs shape"),
        ({"pixel_size": (0.0, 1.0)}, r"pixel_size is \(y, x\), both above zero"),
        ({"pixel_size": (float("nan"), 1.0)}, "pixel_size"),
        ({"z_step": 1.0}, "z_step needs OME metadata: add ome=True, or name the file .ome.tif"),
        ({"z_step": 0.0, "ome": True}, "z_step is above zero; got 0.0"),
        ({"channel_names": ["a", "b"]}, "channel_names needs OME metadata"),
        (
            {"channel_names": ["a"], "ome": True, "axes": "CZYX"},
            r"channel_names=\['a'\] does not fit the channels",
        ),
        ({"predictor": True}, "predictor=True needs a compression: add compression="),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(InvalidOption, match=message):
        save(TIFF, STACK, **options)


def test_pixel_size_and_axes_are_noted():
    content = save(TIFF, STACK, axes="CZYX", pixel_size=(0.5, 0.25))
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        assert tiff.series[0].axes == "CZYX"
        tags = tiff.pages[0].tags
        assert tags["XResolution"].value == (40_000, 1)
        assert tags["YResolution"].value == (20_000, 1)
        assert tags["ResolutionUnit"].value == 3


def test_pictures_are_rgb_and_stacks_are_grey():
    for array, photometric in [(RGB, "RGB"), (STACK, "MINISBLACK"), (STACK[0, :, :4, :3], "MINISBLACK")]:
        with tifffile.TiffFile(io.BytesIO(save(TIFF, array))) as tiff:
            assert tiff.pages[0].photometric.name == photometric


def test_ome_metadata_is_written():
    content = save(
        OME, STACK, axes="CZYX", pixel_size=(0.5, 0.25), z_step=2.0, channel_names=["DNA", "actin"]
    )
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        assert tiff.is_ome
        pixels = tifffile.xml2dict(tiff.ome_metadata)["OME"]["Image"]["Pixels"]
    assert (pixels["PhysicalSizeY"], pixels["PhysicalSizeX"], pixels["PhysicalSizeZ"]) == (0.5, 0.25, 2.0)
    assert pixels["PhysicalSizeXUnit"] == "µm"
    assert [channel["Name"] for channel in pixels["Channel"]] == ["DNA", "actin"]
    assert data_equal(load(OME, content), STACK)


@given(
    hnp.arrays(
        st.sampled_from(["bool", "u1", "i2", "u4", "f4", "f8", "c8"]),
        hnp.array_shapes(min_dims=2, max_dims=5, min_side=2, max_side=4),
    ),
    st.sampled_from(COMPRESSIONS),
)
def test_every_ome_image_comes_back(array, compression):
    assert comes_back(OME, array, compression=compression)


@given(images)
@settings(max_examples=50)
def test_ome_gives_back_or_refuses(array):
    try:
        content = save(OME, array)
    except UnsupportedData:
        return
    assert data_equal(load(OME, content), array)


def test_ome_names_the_shape_it_would_lose():
    with pytest.raises(UnsupportedData) as caught:
        save(OME, np.zeros((1, 1, 5, 5), "u1"))
    assert str(caught.value) == (
        "OME-TIFF would give uint8 (1, 1, 5, 5) with axes CZYX back as uint8 (5, 5): "
        "squeeze the axes of length one, or save it as .tif with ome=False"
    )


def test_ome_has_at_most_five_dimensions():
    with pytest.raises(
        UnsupportedData, match=r"OME-TIFF holds at most T, C, Z, Y, X; got shape \(2, 2, 2, 2, 2, 2\)"
    ):
        save(OME, np.zeros((2,) * 6, "u1"))
    assert comes_back(OME, np.zeros((2,) * 6, "u1"), ome=False)


def test_ome_refuses_int64():
    with pytest.raises(UnsupportedData, match="OME-TIFF has no pixel type int64"):
        save(OME, np.zeros((4, 4), "i8"))


def _foreign(array, **options) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tifffile.imwrite(file, array, **options)
    return file.getvalue()


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits", "zstd", "adobe_deflate"])
@pytest.mark.parametrize("layout", [{}, {"tile": (16, 16)}, {"rowsperstrip": 3}, {"bigtiff": True}])
def test_files_from_elsewhere_are_read(byteorder, compression, layout):
    content = _foreign(
        STACK, photometric="minisblack", byteorder=byteorder, compression=compression, **layout
    )
    assert data_equal(load(TIFF, content), STACK)


@pytest.mark.parametrize("kind", [None, "raw", "tiff_lzw", "packbits", "tiff_deflate", "zstd"])
@pytest.mark.parametrize("mode", ["L", "RGB", "1", "I;16"])
def test_files_of_pillow_are_read(kind, mode):
    image = Image.fromarray(STACK[0, 0]) if mode == "I;16" else Image.fromarray(RGB).convert(mode)
    file = io.BytesIO()
    image.save(file, "tiff", compression=kind)
    assert np.array_equal(load(TIFF, file.getvalue()), np.asarray(image))


@pytest.mark.parametrize("kind", ["group3", "group4", "tiff_ccitt"])
def test_fax_files_are_read(kind):
    mask = np.arange(20 * 30).reshape(20, 30) % 7 < 3
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "tiff", compression=kind)
    assert np.array_equal(load(TIFF, file.getvalue()), mask)


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000"])
def test_lossy_tiles_of_slide_scanners_are_read(compression):
    smooth = np.full((64, 64, 3), 200, "u1")
    loaded = load(TIFF, _foreign(smooth, photometric="rgb", compression=compression, tile=(32, 32)))
    assert loaded.shape == smooth.shape
    assert np.abs(loaded.astype(int) - 200).max() <= 2


@pytest.mark.parametrize("compression", ["webp", "png", "lzma"])
def test_other_compressions_are_named(compression):
    with pytest.raises(CorruptData, match=f"compressed with {compression.upper()}, which is not read"):
        load(TIFF, _foreign(RGB, photometric="rgb", compression=compression))


def test_imagej_hyperstacks_are_read():
    assert data_equal(load(TIFF, _foreign(STACK, imagej=True, metadata={"axes": "ZCYX"})), STACK)


def _two_series() -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(STACK, photometric="minisblack")
        writer.write(RGB, photometric="rgb")
    return file.getvalue()


def test_series_and_pages_are_chosen():
    content = _two_series()
    assert data_equal(load(TIFF, content), STACK)
    assert data_equal(load(TIFF, content, series=1), RGB)
    assert data_equal(load(TIFF, content, page=4), STACK[1, 1])
    with pytest.raises(InvalidOption, match="no series 2: the TIFF has 2 series, 0 to 1"):
        load(TIFF, content, series=2)
    with pytest.raises(InvalidOption, match="no page 7: the TIFF has 7 pages, 0 to 6"):
        load(TIFF, content, page=7)


def test_bomb_is_refused():
    content = _foreign(np.zeros((64, 1024, 1024), "u1"), photometric="minisblack", compression="zstd")
    assert len(content) < 40_000
    with pytest.raises(CorruptData, match="more than the limit of 60,000,000: load with max_bytes="):
        load(TIFF, content, max_bytes=60_000_000)


def test_huge_tile_around_a_small_image_is_refused():
    content = bytearray(_foreign(np.zeros((16, 16), "u1"), tile=(16, 16), compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        for name in ("TileWidth", "TileLength"):
            tag = tiff.pages[0].tags[name]
            content[tag.offset + 2 : tag.offset + 4] = struct.pack("<H", 4)
            content[tag.offset + 8 : tag.offset + 12] = struct.pack("<I", 1 << 16)
    with pytest.raises(CorruptData, match="more than the limit"):
        load(TIFF, bytes(content))


def test_jpeg_tile_that_claims_more_than_a_tile_is_refused():
    content = bytearray(_foreign(RGB, photometric="rgb", compression="jpeg"))
    frame = content.find(b"\xff\xc0")
    content[frame + 5 : frame + 9] = b"\xff\x00\xff\x00"
    with pytest.raises(CorruptData, match="more than the limit"):
        load(TIFF, bytes(content))


def _plane_of_two(second_plane: str) -> bytes:
    """Return an OME-TIFF of one plane, whose XML claims two and says where the second is."""
    content = save(OME, STACK[0, :2], axes="ZYX")
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        xml = tiff.ome_metadata or ""
    xml = re.sub("<TiffData.*?/>", f'<TiffData FirstZ="0" IFD="0" PlaneCount="1"/>{second_plane}', xml)
    return _foreign(STACK[0, 0], photometric="minisblack", metadata=None, description=xml.encode())


def test_files_of_a_series_of_files_are_read_one_by_one():
    content = _plane_of_two(
        '<TiffData FirstZ="1" IFD="0"><UUID FileName="other.ome.tif">urn:uuid:1</UUID></TiffData>'
    )
    assert data_equal(load(OME, content), STACK[0, 0])


def test_missing_planes_are_not_made_up():
    content = _plane_of_two("")
    with pytest.raises(CorruptData) as caught:
        load(OME, content)
    assert str(caught.value) == (
        "1 of the 2 planes are not in the file: load what there is with page=0, page=1, ..."
    )
    assert data_equal(load(OME, content, page=0), STACK[0, 0])


def test_tifffile_keeps_silent(caplog, capfd):
    content = save(TIFF, STACK, compression="lzw")
    for position, mask in itertools.product(range(0, 400, 3), (1, 255)):
        is_value_or_corrupt(TIFF, flipped(content, position, mask))
    assert caplog.records == []
    assert capfd.readouterr().err == ""
    logging.getLogger("tifffile").warning("for whoever uses tifffile directly")
    assert len(caplog.records) == 1


def test_full_disk_is_told_by_its_number(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with (tmp_path / "a.tif").open("w+b") as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            with pytest.raises(OSError) as caught:
                TIFF.encode(np.ones((1000, 1000), "u1"), file, threads=1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            file.truncate(0)
    assert caught.value.errno == errno.EFBIG


SAMPLES = [
    save(TIFF, STACK),
    *(save(TIFF, STACK[0], compression=compression) for compression in COMPRESSIONS[1:]),
    save(OME, STACK, channel_names=["DNA", "actin"], axes="CZYX"),
    _foreign(STACK, imagej=True, metadata={"axes": "ZCYX"}),
    _foreign(RGB, photometric="rgb", compression="jpeg", tile=(16, 16)),
    _foreign(RGB, photometric="rgb", compression="jpeg2000", tile=(16, 16)),
    _two_series(),
]
samples = st.sampled_from(range(len(SAMPLES)))


@given(samples, st.integers(0, 100_000))
def test_cut_short_gives_a_value_or_corrupt(sample, length):
    assert is_value_or_corrupt(TIFF, SAMPLES[sample][: length % len(SAMPLES[sample])])


@given(st.sampled_from(range(6)), st.integers(0, 100_000))
def test_pixels_cut_off_are_corrupt(sample, length):
    with tifffile.TiffFile(io.BytesIO(SAMPLES[sample])) as tiff:
        begin = max(tiff.pages[0].dataoffsets)
    with pytest.raises(CorruptData):
        load(TIFF, SAMPLES[sample][: length % begin])


@given(samples, st.integers(0, 1 << 20), st.integers(1, 255))
@settings(max_examples=400)
def test_flipped_bits_give_a_value_or_corrupt(sample, position, mask):
    assert is_value_or_corrupt(TIFF, flipped(SAMPLES[sample], position, mask))


@given(samples, st.integers(0, 600), st.integers(1, 255))
@settings(max_examples=400)
def test_flipped_bits_in_the_header_give_a_value_or_corrupt(sample, position, mask):
    assert is_value_or_corrupt(TIFF, flipped(SAMPLES[sample], position, mask))


@given(samples, st.lists(st.tuples(st.integers(0, 600), st.integers(1, 255)), max_size=6))
@settings(max_examples=200)
def test_many_flipped_bits_give_a_value_or_corrupt(sample, flips):
    content = SAMPLES[sample]
    for position, mask in flips:
        content = flipped(content, position, mask)
    assert is_value_or_corrupt(TIFF, content)
