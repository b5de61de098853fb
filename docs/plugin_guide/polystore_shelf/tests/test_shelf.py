"""The conformance kit of PolyStore, run on the shelf."""

from polystore_core.testing import BackendConformance


class TestShelf(BackendConformance):
    backend = "shelf"
    capabilities = ("read", "write", "list", "stat", "delete", "move", "make_directory")
    suffixes = {"array": ".npy", "bytes": ".bin", "text": ".txt"}
    persistent = True
    shared = True

    def configuration(self, folder):
        return {"file": str(folder / "shelf.sqlite")}
