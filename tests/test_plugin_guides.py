"""The guides for authors: their packages install and do what the guides show, and every hook is described."""

import inspect
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image
from throwaway_environment import Environment

from polystore_core.plugins import HOOK_SPECIFICATIONS

DOCS = Path(__file__).parent.parent / "docs"
GUIDE = DOCS / "plugin.md"
SHELF = DOCS / "plugin_guide" / "polystore_shelf"
GALLERY = DOCS / "plugin_guide" / "polystore_gallery"
PACKAGES = {SHELF: GUIDE, GALLERY: DOCS / "viewer.md"}


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Environment:
    """An environment in which somebody has followed the guide."""
    environment = Environment(tmp_path_factory.mktemp("reader"))
    for package in PACKAGES:
        shutil.copytree(package, environment.folder / package.name)
        environment.install_package(environment.folder / package.name)
    return environment


def example_of(guide: Path) -> tuple[str, str]:
    """The script that a guide shows, and what it says the script prints."""
    shown = re.search(r"```py\n(.*?)```\n\n```text\n(.*?)```", guide.read_text(), re.DOTALL)
    assert shown is not None
    return shown[1], shown[2]


def test_the_shelf_is_listed_without_being_imported(reader):
    printed = reader.run("""
        import json, sys
        from polystore import BackendRegistry
        info = {info.name: info for info in BackendRegistry().backends()}["shelf"]
        print(json.dumps([info.state, info.distribution, info.version, "polystore_shelf" in sys.modules]))
    """)
    assert json.loads(printed) == ["installed", "polystore-shelf", "1.0.0", False]


@pytest.mark.parametrize("guide", PACKAGES.values(), ids=lambda guide: guide.name)
def test_the_packages_do_what_the_guides_show(guide, reader, tmp_path):
    script, output = example_of(guide)
    assert reader.run(script, POLYSTORE_RUNTIME_DIR=str(tmp_path)) == output


def test_the_gallery_is_a_page_with_a_picture_per_layer(reader):
    page = (reader.folder / "gallery" / "index.html").read_text()
    assert re.findall(r'src="(.*?)"><figcaption>(.*?)<', page) == [
        ("0.png", "wave.npy"),
        ("1.png", "product.npy"),
    ]
    with Image.open(reader.folder / "gallery" / "0.png") as picture:
        assert picture.size == (64, 64)


def test_the_shelf_passes_the_conformance_kit(reader):
    tests = str(reader.folder / "polystore_shelf" / "tests")
    printed = reader.run_python(
        *("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", tests),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    assert re.search(r"^\d{2,} passed in ", printed, re.MULTILINE), printed


@pytest.mark.parametrize(
    ("package", "file"),
    [
        (package, path.relative_to(package).as_posix())
        for package in PACKAGES
        for path in sorted(package.rglob("*"))
        if path.suffix in (".py", ".toml")
    ],
    ids=lambda part: getattr(part, "name", part),
)
def test_the_guides_show_every_file_of_their_packages(package, file):
    assert f"plugin_guide/{package.name}/{file}\n" in PACKAGES[package].read_text()


def hooks():
    for protocol in HOOK_SPECIFICATIONS:
        for name, function in vars(protocol).items():
            if name.startswith("polystore_"):
                yield f"{name}({', '.join(inspect.signature(function).parameters)})"


@pytest.mark.parametrize("hook", list(hooks()))
def test_every_hook_is_described_with_its_arguments(hook):
    assert f"`{hook}`" in GUIDE.read_text()
