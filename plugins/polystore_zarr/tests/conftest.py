"""What the tests here share."""

from __future__ import annotations

from collections.abc import Iterator

import obstore
import pytest
from engines import ENGINES, by_itself
from s3_server import S3, running


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    """An S3 server for the tests of one file."""
    with running() as server:
        yield server


@pytest.fixture
def s3(server: S3) -> Iterator[S3]:
    """The same, with an empty bucket for each test."""
    yield server
    store = server.store()
    obstore.delete(store, [meta["path"] for page in obstore.list(store) for meta in page])


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each engine in turn, by itself."""
    with by_itself(request.param):
        yield request.param
