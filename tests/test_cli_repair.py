"""`polystore repair`."""

from __future__ import annotations

import json
import os

import pytest

from polystore.cli import main
from polystore_core.files import atomic_write_json


@pytest.fixture
def document(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    atomic_write_json("metadata.json", {"plate": "P1"})
    return tmp_path / "metadata.json"


def said(capsys, *arguments: str) -> tuple[int, dict[str, str]]:
    code = main(["repair", *arguments])
    lines = capsys.readouterr().out.splitlines()
    return code, dict(line.split("  ", 1) for line in lines)


def test_a_good_document_is_called_good(capsys, document):
    code, facts = said(capsys, "metadata.json")
    assert code == 0
    assert facts["state"].strip() == "good"


def test_a_damaged_document_is_described_and_left_alone(capsys, document):
    os.truncate(document, 5)
    code, facts = said(capsys, "metadata.json")
    assert code == 1
    assert facts["state"].strip() == "damaged"
    assert facts["to mend"].strip() == "polystore repair --restore metadata.json"
    assert document.stat().st_size == 5


def test_restore_puts_the_last_good_version_back_and_keeps_the_damaged_one(capsys, document):
    os.truncate(document, 5)
    code, facts = said(capsys, "metadata.json", "--restore")
    assert code == 0
    assert json.loads(document.read_text()) == {"plate": "P1"}
    assert os.path.getsize(facts["kept"].strip()) == 5
    assert said(capsys, "metadata.json")[0] == 0


def test_what_is_missing_is_named_as_it_was_typed(capsys, document):
    code, facts = said(capsys, "metadta.json")
    assert code == 1
    assert facts["problem"].strip() == "cannot read 'metadta.json': there is no such file or directory"


def test_a_directory_is_named_as_it_was_typed(capsys, document):
    (document.parent / "folder").mkdir()
    assert main(["repair", "folder"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("polystore: error: cannot read 'folder': it is a directory")


def test_a_missing_document_is_restored(capsys, document):
    document.unlink()
    assert said(capsys, "metadata.json")[0] == 1
    assert said(capsys, "metadata.json", "--restore")[0] == 0
    assert json.loads(document.read_text()) == {"plate": "P1"}


def test_without_a_good_version_nothing_is_touched(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alone.json").write_text("{")
    assert main(["repair", "alone.json", "--restore"]) == 1
    out, err = capsys.readouterr()
    assert "last good  none" in out
    assert (
        err == "polystore: error: no good version of 'alone.json' is left to restore; the file is as it was\n"
    )
    assert (tmp_path / "alone.json").read_text() == "{"


def test_the_report_as_json(capsys, document):
    assert main(["repair", "metadata.json", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["state"], report["restored"], report["waiting"]) == ("good", False, 0)
