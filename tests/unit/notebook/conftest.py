"""The fixture `kernel` for every test of this folder."""

from __future__ import annotations

from tests.support.local_kernel import kernel  # noqa: F401
