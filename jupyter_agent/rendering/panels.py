"""Panels of metrics: which metrics share a plot, which values are better, and which axes fit.

The front-end (``src/model/metrics/panels.ts``) groups and judges names in the same way; both are tested with
the cases in ``tests/fold/panels.json``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

_LOW = re.compile(
    r"(^|[^a-z])(loss|losses|err|error|errors|mae|mse|rmse|mape|msle|nll|wer|cer|fid|ppl|perplexity|logloss|bce)"
    r"([^a-z]|$)"
)
_HIGH = re.compile(
    r"(^|[^a-z])(acc|accuracy|auc|auroc|auprc|ap|map|f1|precision|recall|score|iou|miou|dice|bleu|rouge|psnr|ssim"
    r"|reward|return|r2)([^a-z]|$)"
)
_LOG_RATIO = 1000
"""A positive series is drawn logarithmically once its highest value is this many times its lowest."""


def panels(names: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Return groups of names with the same last part, each with its title, in the order of the names."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_last_part(name), []).append(name)
    return [(group[0] if len(group) == 1 else key, group) for key, group in groups.items()]


def first_parts(name: str) -> str:
    """Return what distinguishes a metric from the others in its panel: all but the last part."""
    return name.rpartition("/")[0] if name.rpartition("/")[2] else ""


def better_side(name: str) -> Literal["low", "high"] | None:
    """Return which values of a metric are better; ``None`` where its name does not tell."""
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    if _LOW.search(words):
        return "low"
    return "high" if _HIGH.search(words) else None


def wants_logarithm(values: Sequence[float]) -> bool:
    """Return whether these values are drawn on a logarithmic axis."""
    return bool(values) and min(values) > 0 and max(values) >= min(values) * _LOG_RATIO


def _last_part(name: str) -> str:
    return name.rpartition("/")[2] or name
