"""What a member of an archive may claim."""

from __future__ import annotations

import io
import zipfile

import pytest

from polystore_core import CorruptData
from polystore_core.formats import check_member


def member(**claims: int) -> zipfile.ZipInfo:
    """Describe a deflated member of 10 bytes that unpacks to 100."""
    described = zipfile.ZipInfo("a.roi")
    for name, value in {"compress_type": 8, "compress_size": 10, "file_size": 100, **claims}.items():
        setattr(described, name, value)
    return described


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [0, 1, 2**20])
def test_every_member_that_is_written_passes(method: int, size: int) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a.roi", bytes(size))
    with zipfile.ZipFile(file) as archive:
        check_member(archive.infolist()[0], len(file.getvalue()))


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"flag_bits": 1}, "the member 'a.roi' is encrypted"),
        ({"compress_type": 14}, "the member 'a.roi' is packed by method 14, not stored or deflated"),
        ({"file_size": 10_321}, "the member 'a.roi' claims 10,321 bytes, more than it can hold"),
        ({"compress_type": 0, "file_size": 11}, "the member 'a.roi' claims 11 bytes, more than it can hold"),
        ({"compress_size": 1001}, "the member 'a.roi' claims 100 bytes, more than it can hold"),
    ],
)
def test_a_member_that_cannot_be_is_refused(claims: dict[str, int], message: str) -> None:
    with pytest.raises(CorruptData) as caught:
        check_member(member(**claims), 1000)
    assert str(caught.value) == message
