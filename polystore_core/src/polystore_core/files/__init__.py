"""Files that survive: one atomic writer, locks between processes, JSON that many processes update."""

from polystore_core._os_errors import OsErrorTranslation, translate_os_error
from polystore_core.files._atomic import atomic_writer
from polystore_core.files._barrier import AtomicBatch
from polystore_core.files._descriptors import close_private, open_private
from polystore_core.files._document import is_companion_name
from polystore_core.files._inside import refuse_inside_itself
from polystore_core.files._locks import file_lock
from polystore_core.files._metadata import AtomicMetadataWriter, atomic_update_json, atomic_write_json
from polystore_core.files._place import Place, locate, make_directories
from polystore_core.files._rename import rename
from polystore_core.files._repair import RepairReport, repair
from polystore_core.files._staged import Durability, check_durability
from polystore_core.files._temporary import is_temporary_name, sweep_temporaries, temporary_name
from polystore_core.files._writer import Writer

__all__ = [
    "AtomicBatch",
    "AtomicMetadataWriter",
    "Durability",
    "OsErrorTranslation",
    "Place",
    "RepairReport",
    "Writer",
    "atomic_update_json",
    "atomic_write_json",
    "atomic_writer",
    "check_durability",
    "close_private",
    "file_lock",
    "is_companion_name",
    "is_temporary_name",
    "locate",
    "make_directories",
    "open_private",
    "refuse_inside_itself",
    "rename",
    "repair",
    "sweep_temporaries",
    "temporary_name",
    "translate_os_error",
]
