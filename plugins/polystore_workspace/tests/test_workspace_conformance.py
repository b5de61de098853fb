"""The virtual workspace against the conformance kit, with what it shows on disk."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workspace_plates import save

from polystore_core.data import Data
from polystore_core.paths import normalize_path, store_path
from polystore_core.testing import BackendConformance
from polystore_workspace import METADATA_NAME


class TestWorkspace(BackendConformance):
    backend = "virtual_workspace"
    capabilities = ("read", "list", "stat")
    persistent = True
    shared = True

    def configuration(self, folder: Path) -> Mapping[str, Any]:
        file = folder / METADATA_NAME
        if not file.exists():
            file.write_text('{"subdirectories": {".": {"workspace_mapping": {}}}}')
        return {"plate": str(folder)}

    def raw_put(self, folder: Path, path: str, value: Data) -> None:
        name = store_path(normalize_path(path))
        save(folder / "raw" / name, value)
        document = json.loads((folder / METADATA_NAME).read_text())
        document["subdirectories"]["."]["workspace_mapping"][name] = f"raw/{name}"
        (folder / METADATA_NAME).write_text(json.dumps(document))
