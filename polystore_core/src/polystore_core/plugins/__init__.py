"""The plugin contract: hook specifications, the values they exchange, registry, base classes for authors."""

from polystore_core._suggest import did_you_mean
from polystore_core.plugins._backend import Backend
from polystore_core.plugins._batch import Batch, CancelToken, Progress
from polystore_core.plugins._calls import ask
from polystore_core.plugins._classes import DataSink, DataSource, StorageBackend
from polystore_core.plugins._discovery import Plugin, discover, load_plugin, only_claimant
from polystore_core.plugins._hooks import (
    HOOK_SPECIFICATIONS,
    SupportsClose,
    SupportsCopy,
    SupportsDelete,
    SupportsFlush,
    SupportsList,
    SupportsMakeDirectory,
    SupportsMetrics,
    SupportsMove,
    SupportsRead,
    SupportsStat,
    SupportsStream,
    SupportsWrite,
    hookimpl,
)
from polystore_core.plugins._options import check_options, option_names
from polystore_core.plugins._registry import BackendInfo, BackendRegistry
from polystore_core.plugins._requests import (
    Entry,
    Listing,
    ListRequest,
    ReadRequest,
    StreamRequest,
    WriteRequest,
)
from polystore_core.plugins._sink import Sink
from polystore_core.plugins._validation import OPERATIONS

__all__ = [
    "HOOK_SPECIFICATIONS",
    "OPERATIONS",
    "Backend",
    "BackendInfo",
    "BackendRegistry",
    "Batch",
    "CancelToken",
    "DataSink",
    "DataSource",
    "Entry",
    "ListRequest",
    "Listing",
    "Plugin",
    "Progress",
    "ReadRequest",
    "Sink",
    "StorageBackend",
    "StreamRequest",
    "SupportsClose",
    "SupportsCopy",
    "SupportsDelete",
    "SupportsFlush",
    "SupportsList",
    "SupportsMakeDirectory",
    "SupportsMetrics",
    "SupportsMove",
    "SupportsRead",
    "SupportsStat",
    "SupportsStream",
    "SupportsWrite",
    "WriteRequest",
    "ask",
    "check_options",
    "did_you_mean",
    "discover",
    "hookimpl",
    "load_plugin",
    "only_claimant",
    "option_names",
]
