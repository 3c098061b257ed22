"""All cases, in the order of the table."""

from __future__ import annotations

from tests.captured.bars import BARS
from tests.captured.case import Case
from tests.captured.figures import FIGURES
from tests.captured.models import MODELS
from tests.captured.texts import TEXTS

LIBRARIES = (
    "Python", "structlog", "loguru", "tqdm", "rich", "progressbar2", "alive-progress", "click",
    "joblib", "scikit-learn", "xgboost", "lightgbm", "matplotlib", "plotly", "pandas",
)  # fmt: skip

CASES: tuple[Case, ...] = tuple(
    sorted((*TEXTS, *BARS, *MODELS, *FIGURES), key=lambda case: LIBRARIES.index(case.library))
)
