"""The memory backend keeps the promises of every backend."""

from hypothesis import settings

from polystore_core.testing import BackendConformance


class TestMemory(BackendConformance):
    backend = "memory"
    settings = settings(BackendConformance.settings, max_examples=200, stateful_step_count=50)
