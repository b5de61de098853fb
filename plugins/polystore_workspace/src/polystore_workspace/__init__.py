"""PolyStore backend ``virtual_workspace``: a plate under other names, without copies."""

from polystore_workspace._backend import WorkspaceBackend
from polystore_workspace._create import create_workspace
from polystore_workspace._document import METADATA_NAME, Workspace, read_mapping, write_mapping
from polystore_workspace._migrate import migrate_workspaces
from polystore_workspace._target import Target

__all__ = [
    "METADATA_NAME",
    "Target",
    "Workspace",
    "WorkspaceBackend",
    "create_workspace",
    "migrate_workspaces",
    "read_mapping",
    "write_mapping",
]
