"""``.png`` is exact, ``.jpg`` asks first; neither unpacks more than the limit."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from format_files import comes_back, flipped, is_value_or_corrupt, load, save
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from polystore_core.errors import CorruptData, InvalidOption, UnsupportedData
from polystore_disk.formats import Jpeg, Png

PNG, JPEG = Png(), Jpeg()

planes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)
shapes = planes | planes.map(lambda s: (*s, 3)) | planes.map(lambda s: (*s, 4))
RGB = np.arange(20 * 30 * 3, dtype="u1").reshape(20, 30, 3)


def _by_pillow(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@given(hnp.arrays(st.sampled_from(["u1", "u2"]), shapes), st.integers(0, 9))
def test_every_picture_comes_back(array, level):
    assert comes_back(PNG, array, level=level)


@pytest.mark.parametrize(
    "layout", [np.asfortranarray, lambda a: a[::2, ::-1], lambda a: a.transpose(1, 0, 2)]
)
def test_every_layout_comes_back(layout):
    assert comes_back(PNG, layout(RGB))


def test_loaded_picture_is_independent():
    loaded = load(PNG, save(PNG, RGB))
    assert loaded.flags.writeable
    assert loaded.flags.owndata


@pytest.mark.parametrize(
    "array",
    [np.zeros((5, 4, 4), "f4"), np.zeros((4, 4), bool), np.zeros((4, 4, 2), "u1"), np.zeros((0, 4), "u1")],
)
def test_what_png_cannot_hold_is_refused(array):
    with pytest.raises(UnsupportedData) as caught:
        save(PNG, array)
    assert str(caught.value) == (
        "'.png' holds uint8 and uint16 arrays of shape (Y, X), (Y, X, 3) or (Y, X, 4); "
        f"got {array.dtype} {array.shape}: save it as .npy or .tif"
    )


def test_level_is_checked():
    with pytest.raises(InvalidOption, match="level is 0 to 9; got 10"):
        save(PNG, RGB, level=10)


def test_palette_becomes_rgb():
    image = Image.fromarray(RGB).quantize(16)
    assert np.array_equal(load(PNG, _by_pillow(image, "png")), np.asarray(image.convert("RGB")))


def test_one_bit_becomes_eight():
    mask = np.eye(9, dtype=bool)
    assert np.array_equal(load(PNG, _by_pillow(Image.fromarray(mask), "png")), mask * np.uint8(255))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, pixels: bytes, interlaced: bool = False) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(pixels, 9))
        + _chunk(b"IEND", b"")
    )


def test_interlaced_files_are_read():
    # Adam7 of a 2 x 2 image: pass 1 holds (0, 0), pass 6 holds (0, 1), pass 7 the second row.
    content = _png(2, 2, bytes([0, 10, 0, 20, 0, 30, 40]), interlaced=True)
    assert load(PNG, content).tolist() == [[10, 20], [30, 40]]


def test_png_bomb_is_refused():
    content = _png(20_000, 1_000, bytes(20_001 * 1_000))
    assert len(content) < 25_000
    with pytest.raises(CorruptData, match="unpacks to 40,000,000 bytes, more than the limit of 10,000,000"):
        load(PNG, content, max_bytes=10_000_000)


def test_jpeg_wants_to_be_asked():
    with pytest.raises(UnsupportedData) as caught:
        save(JPEG, RGB)
    assert str(caught.value) == "'.jpg' changes the values: add lossy=True if that is wanted, or save as .png"


@pytest.mark.parametrize("array", [RGB, RGB[..., 0]])
def test_jpeg_comes_back_nearly(array):
    smooth = np.full_like(array, 200)
    loaded = load(JPEG, save(JPEG, smooth, lossy=True, quality=95))
    assert loaded.shape == array.shape
    assert loaded.dtype == np.uint8
    assert np.abs(loaded.astype(int) - 200).max() <= 2


def test_quality_is_checked():
    with pytest.raises(InvalidOption, match="quality is 1 to 100; got 0"):
        save(JPEG, RGB, lossy=True, quality=0)


@pytest.mark.parametrize("array", [RGB.astype("u2"), RGB[:0], RGB[..., :2]])
def test_what_jpeg_cannot_hold_is_refused(array):
    with pytest.raises(
        UnsupportedData, match=r"'.jpg' holds uint8 arrays of shape \(Y, X\) or \(Y, X, 3\); got"
    ):
        save(JPEG, array, lossy=True)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": b"Exif\0\0" + b"x\xff\xd9" * 99}])
def test_files_from_elsewhere_are_read(options):
    content = _by_pillow(Image.fromarray(RGB), "jpeg", **options)
    assert load(JPEG, content).shape == RGB.shape


def test_cmyk_has_four_channels():
    image = Image.frombytes("CMYK", (8, 8), bytes(8 * 8 * 4))
    assert load(JPEG, _by_pillow(image, "jpeg")).shape == (8, 8, 4)


def test_jpeg_that_claims_too_much_is_refused():
    content = bytearray(save(JPEG, RGB, lossy=True))
    frame = content.find(b"\xff\xc0")
    content[frame + 5 : frame + 9] = b"\xff\x00\xff\x00"
    with pytest.raises(CorruptData, match="more than the limit"):
        load(JPEG, bytes(content), max_bytes=1 << 28)


PNG_SAMPLE = save(PNG, RGB)
JPEG_SAMPLE = save(JPEG, RGB, lossy=True)


@given(st.integers(0, len(JPEG_SAMPLE) - 1))
def test_jpeg_cut_short_is_corrupt(length):
    with pytest.raises(CorruptData):
        load(JPEG, JPEG_SAMPLE[:length])


@given(st.integers(0, len(PNG_SAMPLE) - 13))
def test_png_cut_short_is_corrupt(length):
    with pytest.raises(CorruptData):
        load(PNG, PNG_SAMPLE[:length])


@given(st.sampled_from([(PNG, PNG_SAMPLE), (JPEG, JPEG_SAMPLE)]), st.integers(0, 10_000), st.integers(1, 255))
def test_flipped_bits_give_a_value_or_corrupt(sample, position, mask):
    codec, content = sample
    assert is_value_or_corrupt(codec, flipped(content, position, mask))


def test_libpng_keeps_silent(caplog, capfd):
    for position in range(40, len(PNG_SAMPLE)):
        is_value_or_corrupt(PNG, flipped(PNG_SAMPLE, position, 255))
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
