"""Fuzzers: broken frames, requests and files for every endpoint. ``python -m tests.fuzz``."""
