"""Packages of other authors, installed by pip into an environment of their own and used from there."""

import json

import pytest
from throwaway_environment import Environment

SHELF = '''
"""A backend in one dictionary."""

from polystore_core import Entry, PathNotFound, StorageBackend
from polystore_core.plugins import Listing


class Shelf(StorageBackend):
    def __init__(self, *, label: str = "plain"):
        self.label = label
        self.values = {}

    def read(self, path, *, copy):
        if path not in self.values:
            raise PathNotFound(f"nothing on the shelf at {path!r}")
        return self.values[path]

    def write(self, data, path, *, overwrite, copy):
        self.values[path] = data
        return len(data)

    def list_directory(self, directory, *, recursive):
        return Listing(list(self.values), [])

    def stat(self, path):
        return Entry(path, is_directory=False)

    def delete(self, path, *, recursive):
        del self.values[path]
        return 1

    def make_directory(self, path):
        return False
'''

BAD_HOOK = """
from polystore_core import hookimpl


class Bad:
    @hookimpl
    def polystore_wirte(self, request):
        return []
"""

PGM = '''
"""A format: binary portable graymaps of 8 bits."""

import numpy as np
from polystore_core import CorruptData, UnsupportedData


class Pgm:
    def encode(self, data, file, *, threads, comment: str = ""):
        if data.dtype != np.uint8 or data.ndim != 2:
            raise UnsupportedData("'.pgm' holds uint8 arrays of shape (Y, X)")
        height, width = data.shape
        file.write(f"P5 {width} {height} 255\\n".encode() + data.tobytes())

    def decode(self, file, *, copy, max_bytes, threads):
        magic, width, height, _ = file.readline().split()
        if magic != b"P5" or int(width) * int(height) > max_bytes:
            raise CorruptData("not a graymap")
        return np.frombuffer(file.read(), np.uint8).reshape(int(height), int(width)).copy()
'''

STAMP = """
from polystore_core import hookimpl


class Stamp:
    def __init__(self, backend):
        self.backend = backend

    @hookimpl(wrapper=True)
    def polystore_read(self, request):
        values = yield
        return [(self.backend, value) for value in values]
"""

BACKENDS = "polystore.backends"
SHELF_OPERATIONS = "[read,write,list,stat,delete,make_directory]"


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("good"))
    environment.install(
        "shelf-store", SHELF, group=BACKENDS, name="shelf", reference=f"shelf_store:Shelf {SHELF_OPERATIONS}"
    )
    environment.install(
        "pgm-format", PGM, group="polystore.formats", name='".pgm"', reference="pgm_format:Pgm [array]"
    )
    return environment


@pytest.fixture(scope="module")
def troubled(tmp_path_factory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("troubled"))
    environment.install("bad-hook", BAD_HOOK, group=BACKENDS, name="bad_hook", reference="bad_hook:Bad")
    environment.install(
        "bad-import",
        "raise RuntimeError('no licence')",
        group=BACKENDS,
        name="bad_import",
        reference="bad_import:x",
    )
    environment.install(
        "bad-exit", "raise SystemExit(3)", group=BACKENDS, name="bad_exit", reference="bad_exit:x"
    )
    environment.install("disk-too", SHELF, group=BACKENDS, name="disk", reference="disk_too:Shelf")
    environment.install(
        "boastful", SHELF, group=BACKENDS, name="boastful", reference="boastful:Shelf [read,stream]"
    )
    return environment


def test_a_plugin_is_listed_without_being_imported(good):
    printed = good.run("""
        import json, sys
        from polystore import BackendRegistry
        info = {info.name: info for info in BackendRegistry().backends()}["shelf"]
        print(json.dumps([info.distribution, info.version, info.state, info.capabilities,
                          "shelf_store" in sys.modules, "polystore_disk" in sys.modules]))
    """)
    assert json.loads(printed) == [
        "shelf-store",
        "1.2.3",
        "installed",
        ["read", "write", "list", "stat", "delete", "make_directory"],
        False,
        False,
    ]


def test_a_plugin_is_used_by_its_name(good):
    printed = good.run("""
        import sys
        from polystore import BackendRegistry, FileManager
        fm = FileManager(BackendRegistry({"shelf": {"label": "mine"}}))
        fm.save(b"book", "a.bin", backend="memory")
        print("shelf_store" in sys.modules)
        fm.save(b"book", "a.bin", backend="shelf")
        print(fm.load("a.bin", backend="shelf"), fm.list_files(".", backend="shelf"))
    """)
    assert printed == "False\nb'book' ['./a.bin']\n"


def test_a_format_of_somebody_else_is_one_more_suffix_of_the_disk(good):
    printed = good.run("""
        import numpy as np
        from polystore import FileManager
        fm = FileManager()
        fm.save(np.eye(3, dtype=np.uint8), "eye.pgm", backend="disk", comment="x")
        print(open("eye.pgm", "rb").read(11), fm.load("eye.pgm", backend="disk").tolist())
        try:
            fm.save(np.eye(3, dtype=np.uint8), "eye.pgm", backend="disk", coment="x")
        except TypeError as error:
            print(error)
    """)
    assert printed.splitlines() == [
        "b'P5 3 3 255\\n' [[1, 0, 0], [0, 1, 0], [0, 0, 1]]",
        "format '.pgm' has no option 'coment'; options: comment, durability. Did you mean 'comment'?",
    ]


def test_a_wrapper_of_somebody_else_surrounds_every_backend(tmp_path):
    environment = Environment(tmp_path)
    environment.install(
        "stamp-wrapper", STAMP, group="polystore.wrappers", name="stamp", reference="stamp_wrapper:Stamp"
    )
    environment.install(
        "torn-wrapper", "import no_such", group="polystore.wrappers", name="torn", reference="torn_wrapper:x"
    )
    printed = environment.run("""
        import warnings
        from polystore import FileManager
        fm = FileManager()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fm.save(b"x", "a.bin", backend="memory")
        print(fm.load("a.bin", backend="memory"))
        print(str(caught[0].message).partition(":")[0])
    """)
    assert printed == "('memory', b'x')\nwrapper 'torn' does not surround backend 'memory'\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bad_hook", "there is no hook 'polystore_wirte'. Did you mean 'polystore_write'?"),
        ("bad_import", "cannot be imported: RuntimeError: no licence."),
        ("bad_exit", "cannot be imported: SystemExit: 3."),
        ("disk", "backend 'disk' is claimed by two distributions: disk-too 1.2.3 and polystore-disk"),
        ("boastful", "declares [read,stream] but implements read, write, list, stat, delete, make_directory"),
    ],
)
def test_a_bad_plugin_is_reported_and_nothing_else_suffers(troubled, name, expected):
    printed = troubled.run(f"""
        from polystore import BackendRegistry, FileManager, PluginError
        registry = BackendRegistry()
        names = registry.names()
        fm = FileManager(registry)
        try:
            fm.load("a.bin", backend={name!r})
        except PluginError as error:
            print(error)
            print(error.__cause__ is not None)
        print({{info.name: info.state for info in fm.backends()}}[{name!r}])
        fm.save(b"x", "a.bin", backend="memory")
        print(fm.load("a.bin", backend="memory"), registry.names() == names)
    """)
    message, caused, state, after = printed.splitlines()
    assert expected in message
    assert caused == str(name in ("bad_import", "bad_exit"))
    assert state == ("conflict" if name == "disk" else "broken")
    assert after == "b'x' True"


def test_blocking_the_second_claimant_settles_a_conflict(troubled):
    printed = troubled.run(
        """
        from polystore import FileManager
        fm = FileManager()
        fm.save(b"x", "settled.bin", backend="disk")
        print(fm.load("settled.bin", backend="disk"))
        """,
        POLYSTORE_BLOCK_PLUGINS="disk-too",
    )
    assert printed == "b'x'\n"


def test_the_allow_list_keeps_everything_else_out(troubled):
    printed = troubled.run(
        """
        from polystore import BackendRegistry, FileManager, PluginError
        registry = BackendRegistry()
        print(registry.names())
        fm = FileManager(registry)
        fm.save([1, 2], "allowed.json", backend="disk")
        print(fm.load("allowed.json", backend="disk"))
        try:
            registry.open("bad_hook")
        except PluginError as error:
            print(error)
        """,
        POLYSTORE_PLUGINS="memory,disk",
        POLYSTORE_BLOCK_PLUGINS="disk-too",
    )
    assert printed.splitlines() == [
        "('disk', 'memory')",
        "[1, 2]",
        "backend 'bad_hook' (bad_hook:Bad, from bad-hook 1.2.3) is kept out by POLYSTORE_PLUGINS; "
        "change that variable to use it",
    ]
