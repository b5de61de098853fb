"""What the tests here share."""

from viewer_processes import recorders, slow_viewers, viewers

__all__ = ["recorders", "slow_viewers", "viewers"]
