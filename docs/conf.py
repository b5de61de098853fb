"""How Sphinx builds the site; ``make docs`` treats its warnings as errors."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

manifest = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())

project = "PolyStore"
author = copyright = "The PolyStore developers"
version = release = manifest["project"]["version"]

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
suppress_warnings = ["config.cache"]

html_theme = "furo"
html_title = f"PolyStore {release}"
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

add_module_names = False
autodoc_default_options = {"members": True, "imported-members": True, "show-inheritance": True}
autodoc_member_order = "groupwise"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autosummary_generate = False
numpydoc_show_class_members = False
python_maximum_signature_line_length = 88


def leave_out_field_aliases(
    _app: Sphinx, _kind: str, _name: str, member: object, _skip: bool, _options: object
) -> bool | None:
    """Fields of a named tuple are described in its docstring, not as "Alias for field number 0"."""
    return True if (getattr(member, "__doc__", None) or "").startswith("Alias for field number") else None


def setup(app: Sphinx) -> None:
    """Connect what Sphinx calls back."""
    app.connect("autodoc-skip-member", leave_out_field_aliases)
