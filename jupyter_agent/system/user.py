"""The user of this process."""

from __future__ import annotations

import getpass
import os


def user_name() -> str:
    """Return the user's name; the number of a user that has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in many containers
        return str(os.getuid())
