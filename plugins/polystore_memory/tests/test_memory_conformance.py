"""The memory backend keeps the promises of every backend."""

from typing import ClassVar

from hypothesis import settings

from polystore_core.testing import BackendConformance


class TestMemory(BackendConformance):
    backend = "memory"
    suffixes: ClassVar = {**BackendConformance.suffixes, "rois": ".roi.zip"}
    settings = settings(BackendConformance.settings, max_examples=200, stateful_step_count=50)
