"""How the display is chosen and set up, and what is said when that is not possible."""

import pytest
from fiji_process import FijiProcess

from polystore_core import (
    BackendRegistry,
    BackendUnavailable,
    FileManager,
    InvalidOption,
    PolyStoreError,
    ViewerUnreachable,
)
from polystore_fiji import DisplayOptions
from polystore_fiji._options import read_options


def test_without_options_the_systems_jar_is_started():
    assert read_options({}, {}) == DisplayOptions(launcher="jar", jar="/usr/share/java/ij.jar")


def test_a_jar_or_a_fiji_folder_chooses_the_launcher():
    assert read_options({"jar": "ij.jar"}, {}).launcher == "jar"
    assert read_options({"fiji": "/opt/Fiji.app"}, {}).launcher == "pyimagej"


def test_the_environment_says_what_the_options_leave_out():
    found = read_options({}, {"POLYSTORE_FIJI": "sc.fiji:fiji", "POLYSTORE_FIJI_MEMORY": "2g"})
    assert (found.launcher, found.fiji, found.memory) == ("pyimagej", "sc.fiji:fiji", "2g")


def test_options_come_before_the_environment():
    found = read_options(
        {"jar": "mine.jar"}, {"POLYSTORE_FIJI": "sc.fiji:fiji", "POLYSTORE_FIJI_MEMORY": "2g"}
    )
    assert (found.launcher, found.jar, found.fiji, found.memory) == ("jar", "mine.jar", None, "2g")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"launchr": "jar"},
            "no option 'launchr' of the Fiji display; there are: launcher, jar, fiji, memory, windows",
        ),
        ({"launcher": "maven"}, "launcher 'maven'; it is 'jar' or 'pyimagej'"),
        ({"jar": "a", "fiji": "b"}, "both jar and fiji are given"),
        ({"launcher": "pyimagej", "jar": "a"}, "launcher='pyimagej' takes no jar"),
        ({"launcher": "jar", "fiji": "a"}, "launcher='jar' takes no fiji"),
        ({"jar": 3}, "jar is 3; it is a text"),
        ({"memory": "much"}, "memory 'much'; write it like '500m' or '8g'"),
        ({"windows": "well"}, "windows is 'well'; it is a list of axes such as"),
        ({"windows": [1]}, "axes are texts"),
    ],
)
def test_a_wrong_option_is_refused_with_what_to_type(given, said):
    with pytest.raises(InvalidOption, match=said.replace("(", r"\(")):
        read_options(given, {})


def test_wrong_options_are_refused_when_the_backend_is_first_named_not_in_the_viewer():
    manager = FileManager(BackendRegistry({"fiji_stream": {"display": {"launcher": "maven"}}}))
    with pytest.raises(PolyStoreError, match="it is 'jar' or 'pyimagej'"):
        manager.stream(backend="fiji_stream")


def test_without_a_screen_it_says_how_to_get_one(tmp_path):
    with pytest.raises(ViewerUnreachable, match=r"DISPLAY is not set.*apt-get install xvfb xauth"):
        FijiProcess(None, tmp_path)


def test_a_screen_that_does_not_answer_is_named(tmp_path):
    with pytest.raises(ViewerUnreachable, match=r"cannot open its window on DISPLAY ':77777'"):
        FijiProcess(":77777", tmp_path)


def test_without_imagej_it_says_what_to_install(screen, tmp_path):
    with pytest.raises(
        BackendUnavailable, match=r"no ImageJ at '/nowhere/ij.jar': apt-get install libij-java"
    ):
        FijiProcess(screen, tmp_path, jar="/nowhere/ij.jar")


def test_a_jar_that_is_no_imagej_is_named(screen, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "other.jar", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(BackendUnavailable, match=r"is no ImageJ: it has no class ij.ImageJ"):
        FijiProcess(screen, tmp_path, jar=str(tmp_path / "other.jar"))


def test_without_java_it_says_what_to_install(screen, tmp_path):
    hidden = 'mount -t tmpfs none /usr/lib/jvm && exec "$@"'
    with pytest.raises(BackendUnavailable, match="no Java: apt-get install openjdk-17-jre, or set JAVA_HOME"):
        FijiProcess(screen, tmp_path, command=("unshare", "--mount", "sh", "-c", hidden, "sh"))


def test_a_java_without_windows_is_told_from_a_missing_one(screen, tmp_path):
    with pytest.raises(BackendUnavailable, match=r"this Java opens no windows.*openjdk-17-jre"):
        FijiProcess(screen, tmp_path, variables={"JAVA_TOOL_OPTIONS": "-Djava.awt.headless=true"})


def test_java_gets_as_much_memory_as_was_said(screen, tmp_path):
    process = FijiProcess(screen, tmp_path, memory="300m")
    try:
        assert 250 < process.java("ij('java.lang.Runtime').getRuntime().maxMemory() / 2**20") <= 300
    finally:
        process.end()
