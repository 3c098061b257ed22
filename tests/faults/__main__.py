"""``python -m tests.faults``: the long set, and the report. Options run a part, or one seed of it again."""

from __future__ import annotations

import sys

from tests.faults.long import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
