"""One napari that all tests of a session share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from napari_process import NapariProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def _shared_napari(screen: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NapariProcess]:
    process = NapariProcess(screen, tmp_path_factory.mktemp("home"))
    yield process
    process.end()


@pytest.fixture
def napari(_shared_napari: NapariProcess) -> Iterator[NapariProcess]:
    """A napari without layers, in a process of its own."""
    yield _shared_napari
    _shared_napari.python("viewer.layers.clear()")
