"""The soak test: everything at once for half an hour, and what grew. ``python -m tests.soak``."""

import sys
from pathlib import Path

# For `servers`, `wire` and the others; last, because the folder has packages named like other people's.
sys.path.append(str(Path(__file__).parents[2]))
