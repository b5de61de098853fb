"""Streaming to live viewers."""
