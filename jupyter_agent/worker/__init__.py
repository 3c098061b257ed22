"""Processes that run one task each: `child` for ``on="process"``, `detached` for ``on="detached"``."""
