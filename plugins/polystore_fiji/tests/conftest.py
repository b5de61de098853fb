"""One ImageJ that all tests of a session share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fiji_process import FijiProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_fiji(screen: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FijiProcess]:
    process = FijiProcess(screen, tmp_path_factory.mktemp("home"))
    yield process
    process.end()


@pytest.fixture
def fiji(shared_fiji: FijiProcess) -> Iterator[FijiProcess]:
    """ImageJ without any image, in a process of its own."""
    yield shared_fiji
    for layer in shared_fiji.call("layers"):
        shared_fiji.call("remove", layer["name"])
    shared_fiji.java("ij('ij.WindowManager').closeAllWindows()")
    shared_fiji.java("ij('ij.plugin.frame.RoiManager').getRoiManager().reset()")
