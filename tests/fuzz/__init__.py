"""Broken frames, requests and files for every door. ``python -m tests.fuzz``."""
