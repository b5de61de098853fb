"""What the tests here share."""

from viewer_processes import recorders, viewers

__all__ = ["recorders", "viewers"]
