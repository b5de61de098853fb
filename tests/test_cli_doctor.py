"""`polystore backends` and `polystore doctor`."""

from __future__ import annotations

import json
import sys

import pytest
from command_line import typed, write_distribution

from polystore import FileManager, __version__
from polystore.cli import main
from polystore.cli._distributions import extras, installed_version, requirements

READER = """
from polystore_core import hookimpl

class Reader:
    @hookimpl
    def polystore_read(self, request):
        return ["x"] * len(request.paths)

class Typo:
    @hookimpl
    def polystore_raed(self, request):
        return []

class Configured:
    def __init__(self, *, url: str) -> None: ...

    @hookimpl
    def polystore_read(self, request):
        return ["x"] * len(request.paths)
"""


def findings(tmp_path, *written):
    plugins = tmp_path / "plugins"
    for arguments in written:
        write_distribution(plugins, *arguments)
    done = typed("doctor", "--json", cwd=tmp_path, plugins=plugins)
    return done.returncode, {(row["what"], row["name"]): row for row in json.loads(done.stdout)}


def test_backends_lists_name_state_version_and_what_each_can_do(capsys):
    assert main(["backends"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    memory = next(row for row in rows if row[0] == "memory")
    assert memory[1:4] == ["installed", __version__, "polystore-memory"]
    assert memory[4].split(",")[:3] == ["read", "write", "list"]


def test_backends_as_json_says_what_the_file_manager_says(capsys):
    assert main(["backends", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    infos = FileManager().backends()
    assert [(row["name"], tuple(row["capabilities"])) for row in rows] == [
        (info.name, info.capabilities) for info in infos
    ]


def test_backends_lists_a_broken_plugin_without_importing_it(tmp_path):
    entry = "crash = crash_backend:Crash [read]"
    write_distribution(tmp_path / "plugins", "crash", "polystore.backends", entry, "raise SystemExit(3)")
    done = typed("backends", cwd=tmp_path, plugins=tmp_path / "plugins")
    assert done.returncode == 0
    assert any(line.split()[:2] == ["crash", "installed"] for line in done.stdout.splitlines())


def test_doctor_finds_nothing_broken_here(tmp_path):
    code, found = findings(tmp_path)
    assert code == 0
    assert found["backend", "disk"]["state"] == "ok"
    assert found["format", ".ome.tif"]["state"] == "ok"
    for name in ("polystore", "polystore-core", "polystore-streaming"):
        assert found["distribution", name]["detail"] == __version__
    assert found["python", ".".join(map(str, sys.version_info[:3]))]["state"] == "ok"


def test_doctor_as_text_ends_with_the_verdict(capsys):
    assert main(["doctor"]) == 0
    heading, *_, verdict = capsys.readouterr().out.splitlines()
    assert heading.split() == ["what", "name", "state", "detail"]
    assert verdict == "nothing is broken"


@pytest.mark.parametrize(
    "source", ["raise RuntimeError('no')", "raise SystemExit(3)", "import no_such_module"]
)
def test_doctor_reports_a_backend_that_cannot_be_imported_with_its_mend(tmp_path, source):
    code, found = findings(
        tmp_path, ("crash", "polystore.backends", "crash = crash_backend:Crash [read]", source)
    )
    assert code == 1
    assert found["backend", "crash"]["state"] == "broken"
    assert found["backend", "crash"]["mend"] == "pip install --force-reinstall crash"
    assert found["backend", "disk"]["state"] == "ok"


def test_doctor_reports_a_misspelled_hook(tmp_path):
    code, found = findings(
        tmp_path, ("typo", "polystore.backends", "typo = typo_backend:Typo [read]", READER)
    )
    assert code == 1
    assert "Did you mean 'polystore_read'?" in found["backend", "typo"]["detail"]


def test_doctor_reports_a_name_that_two_distributions_claim(tmp_path):
    code, found = findings(
        tmp_path, ("thief", "polystore.backends", "disk = thief_backend:Reader [read]", READER)
    )
    assert code == 1
    assert "claimed by two distributions" in found["backend", "disk"]["detail"]
    assert found["backend", "memory"]["state"] == "ok"


def test_a_backend_that_waits_for_its_configuration_is_not_broken(tmp_path):
    code, found = findings(
        tmp_path, ("remote", "polystore.backends", "remote = remote_backend:Configured [read]", READER)
    )
    assert code == 0
    assert found["backend", "remote"]["state"] == "off"
    assert found["backend", "remote"]["mend"] == "polystore -c remote.KEY=VALUE ..."


@pytest.mark.parametrize(
    ("group", "entry", "what", "name"),
    [
        ("polystore.formats", ".bad = bad_plugin:Bad [array]", "format", ".bad"),
        ("polystore.wrappers", "bad = bad_plugin:Bad", "wrapper", "bad"),
        ("polystore.commands", "bad = bad_plugin:Bad", "command", "bad"),
    ],
)
def test_doctor_reports_broken_formats_wrappers_and_commands(tmp_path, group, entry, what, name):
    code, found = findings(tmp_path, ("bad", group, entry, "raise RuntimeError('no')"))
    assert code == 1
    assert found[what, name]["state"] == "broken"
    assert "RuntimeError: no" in found[what, name]["detail"]


def test_doctor_reports_a_wrapper_with_a_wrong_hook_once(tmp_path):
    entry = "bad = bad_wrapper:typo"
    write_distribution(tmp_path / "plugins", "bad", "polystore.wrappers", entry, READER + "\ntypo = Typo()\n")
    done = typed("doctor", "--json", cwd=tmp_path, plugins=tmp_path / "plugins")
    broken = [row for row in json.loads(done.stdout) if row["state"] == "broken"]
    assert [(row["what"], row["name"]) for row in broken] == [("wrapper", "bad")]
    assert "Did you mean 'polystore_read'?" in broken[0]["detail"]


def test_doctor_prints_the_line_that_mends(tmp_path):
    entry = "crash = crash_backend:Crash [read]"
    write_distribution(tmp_path / "plugins", "crash", "polystore.backends", entry, "raise SystemExit(3)")
    done = typed("doctor", cwd=tmp_path, plugins=tmp_path / "plugins")
    assert done.returncode == 1
    assert "to mend crash: pip install --force-reinstall crash\n" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 of ")


def test_doctor_reports_distributions_of_different_versions(tmp_path):
    older = tmp_path / "plugins" / "polystore_memory-0.0.9.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: polystore-memory\nVersion: 0.0.9\n")
    code, found = findings(tmp_path)
    assert code == 1
    assert found["distribution", "polystore-memory"]["detail"] == f"0.0.9, but polystore is {__version__}"


def test_doctor_reports_what_a_distribution_lacks(tmp_path):
    changed = tmp_path / "plugins" / f"polystore_memory-{__version__}.dist-info"
    changed.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", "Name: polystore-memory", f"Version: {__version__}"]
    (changed / "METADATA").write_text("\n".join([*lines, "Requires-Dist: no-such-thing>=2", ""]))
    code, found = findings(tmp_path)
    assert code == 1
    assert found["distribution", "polystore-memory"]["detail"] == f"{__version__}, but lacks no-such-thing"
    assert found["distribution", "polystore-memory"]["mend"] == 'pip install "no-such-thing>=2"'


def test_what_is_kept_out_by_choice_is_not_broken(capsys, monkeypatch):
    monkeypatch.setenv("POLYSTORE_BLOCK_PLUGINS", "memory")
    assert main(["doctor", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["state"] for row in rows if row["name"] == "memory"] == ["off"]


def test_requirements_tell_extras_from_what_is_always_needed():
    needs = {need.name: need.extra for need in requirements("polystore")}
    assert needs["polystore-core"] is None
    assert needs["scipy"] == "demo"
    assert "polystore" not in [need.name for need in extras("polystore")["demo"]]


def test_what_is_not_installed_has_no_version_and_no_requirements():
    assert installed_version("no-such-thing") is None
    assert requirements("no-such-thing") == []
