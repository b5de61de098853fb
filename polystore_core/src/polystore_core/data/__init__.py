"""What can be saved: a few plain kinds of data, and the way from and to other frameworks' arrays."""

from polystore_core.data._copies import device_to_host_copies
from polystore_core.data._equality import data_equal
from polystore_core.data._frameworks import to_framework
from polystore_core.data._kinds import (
    JSON,
    Data,
    DataKind,
    SupportedData,
    SupportsArray,
    SupportsArrayInterface,
    SupportsDLPack,
    SupportsRoi,
    is_rois,
    kind_of,
)
from polystore_core.data._normalize import normalize

__all__ = [
    "JSON",
    "Data",
    "DataKind",
    "SupportedData",
    "SupportsArray",
    "SupportsArrayInterface",
    "SupportsDLPack",
    "SupportsRoi",
    "data_equal",
    "device_to_host_copies",
    "is_rois",
    "kind_of",
    "normalize",
    "to_framework",
]
