"""The demonstration: real images from disk, through memory, to every installed storage backend and back."""

from polystore.demo._counts import Count
from polystore.demo._run import DemoReport, run_demo
from polystore.demo._transfers import Skipped, Transfer

__all__ = ["Count", "DemoReport", "Skipped", "Transfer", "run_demo"]
