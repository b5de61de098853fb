"""The plugin guide: its package installs, passes the conformance kit, and every hook is described."""

import inspect
import json
import re
import shutil
from pathlib import Path

import pytest
from throwaway_environment import Environment

from polystore_core.plugins import HOOK_SPECIFICATIONS

DOCS = Path(__file__).parent.parent / "docs"
GUIDE = DOCS / "plugin.md"
SHELF = DOCS / "plugin_guide" / "polystore_shelf"


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Environment:
    """An environment in which somebody has followed the guide."""
    environment = Environment(tmp_path_factory.mktemp("reader"))
    shutil.copytree(SHELF, environment.folder / "polystore_shelf")
    environment.install_package(environment.folder / "polystore_shelf")
    return environment


def test_the_shelf_is_listed_without_being_imported(reader):
    printed = reader.run("""
        import json, sys
        from polystore import BackendRegistry
        info = {info.name: info for info in BackendRegistry().backends()}["shelf"]
        print(json.dumps([info.state, info.distribution, info.version, "polystore_shelf" in sys.modules]))
    """)
    assert json.loads(printed) == ["installed", "polystore-shelf", "1.0.0", False]


def test_the_shelf_answers_as_the_guide_shows(reader):
    shown = re.search(
        r"```py\n(from polystore import .*?)```\n\n```text\n(.*?)```", GUIDE.read_text(), re.DOTALL
    )
    assert shown is not None
    script, output = shown.groups()
    assert reader.run(script) == output


def test_the_shelf_passes_the_conformance_kit(reader):
    tests = str(reader.folder / "polystore_shelf" / "tests")
    printed = reader.run_python("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
    assert re.search(r"^\d{2,} passed in ", printed, re.MULTILINE), printed


@pytest.mark.parametrize(
    "file",
    sorted(path.relative_to(SHELF) for path in SHELF.rglob("*") if path.suffix in (".py", ".toml")),
    ids=str,
)
def test_the_guide_shows_every_file_of_the_package(file):
    assert f"plugin_guide/polystore_shelf/{file.as_posix()}\n" in GUIDE.read_text()


def hooks():
    for protocol in HOOK_SPECIFICATIONS:
        for name, function in vars(protocol).items():
            if name.startswith("polystore_"):
                yield f"{name}({', '.join(inspect.signature(function).parameters)})"


@pytest.mark.parametrize("hook", list(hooks()))
def test_every_hook_is_described_with_its_arguments(hook):
    assert f"`{hook}`" in GUIDE.read_text()
