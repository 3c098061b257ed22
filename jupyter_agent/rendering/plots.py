"""Plots of metrics as static HTML: a panel for each, its curves as SVG and its words outside of them.

Where a host removes the SVG and all styles, as GitHub does, the words remain, and a line of block characters
appears for each curve, which a style hides elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from ..core.sanitize import strip_controls
from .curves import Curve, Point
from .formats import duration, number
from .panels import better_side, first_parts, panels, wants_logarithm

MAX_PANELS = 12
_WIDTH, _HEIGHT = 240, 80
_COLORS = ("#3b8ede", "#e69f00", "#1fa774", "#d0679d", "#e2622b", "#7fb8e8", "#9a8fd8")
"""Those of the front-end (``src/dom/series_colors.ts``)."""

_QUIET = "opacity:.75"
_GRID = "display:flex;flex-wrap:wrap;gap:8px 16px;margin:6px 0;font-size:12px"
_PANEL = "flex:1 1 200px;min-width:160px;max-width:340px"
_SVG = (
    f"display:block;width:100%;height:{_HEIGHT}px;border-bottom:1px solid #8886;border-left:1px solid #8886"
)
_BLOCKS = "▁▂▃▄▅▆▇█"
_COLUMNS = 32
"""Characters of a curve that is drawn as text."""


def text_html(text: str) -> str:
    """Return *text* as HTML, without its control characters."""
    return escape(strip_controls(text))


def drawable(curves: Iterable[Curve]) -> list[Curve]:
    """Return the curves of two values or more, as many as there are panels for."""
    found = {curve.name: curve for curve in curves if curve.count > 1}
    return [found[name] for _, names in panels(found)[:MAX_PANELS] for name in names]


def plots_html(curves: Sequence[Curve]) -> str:
    """Return the panels of these curves; empty without any."""
    if not curves:
        return ""
    by_name = {curve.name: curve for curve in curves}
    drawn = [_panel(title, [by_name[name] for name in names]) for title, names in panels(by_name)]
    return f'<div style="{_GRID}">{"".join(drawn)}</div>'


def _panel(title: str, curves: list[Curve]) -> str:
    head = f"<strong>{text_html(title)}</strong>"
    if len(curves) == 1:
        rows = f"<div>{head} {_values(curves[0])}</div>"
    else:
        rows = f"<div>{head}</div>" + "".join(_row(curve, at) for at, curve in enumerate(curves))
    return f'<div style="{_PANEL}">{rows}{_picture(curves)}</div>'


def _row(curve: Curve, at: int) -> str:
    mark = f'<span style="color:{_color(at)}">●</span>'
    return f"<div>{mark} {text_html(first_parts(curve.name) or curve.name)} {_values(curve)}</div>"


def _values(curve: Curve) -> str:
    """Return the last value, and the best one where the metric's name tells which that is."""
    last = f"<strong>{number(curve.last)}</strong>"
    side = better_side(curve.name)
    if side is None:
        return last
    best = (min if side == "low" else max)(curve.points, key=lambda point: point.value)
    where = f" at {number(best.step)}" if best.step is not None else ""
    return f'{last} <span style="{_QUIET}">best {number(best.value)}{where}</span>'


def _picture(curves: list[Curve]) -> str:
    by_step = all(curve.has_steps for curve in curves)
    lines = [_ordered(curve.points, by_step=by_step) for curve in curves]
    xs = [x for line in lines for x, _ in line]
    ys = [y for line in lines for _, y in line]
    log = wants_logarithm(ys)
    across, up = _Scale(xs), _Scale([_height(y, log=log) for y in ys])
    drawn = "".join(
        _line(((across(x), 1 - up(_height(y, log=log))) for x, y in line), _color(at))
        for at, line in enumerate(lines)
    )
    label = escape(", ".join(strip_controls(curve.name) for curve in curves), quote=True)
    svg = (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="Plot of {label}" style="{_SVG}">{drawn}</svg>'
    )
    span = f"step {number(min(xs))} to {number(max(xs))}" if by_step else duration(max(xs) - min(xs))
    words = [f"{number(min(ys))} to {number(max(ys))}", *(["log scale"] if log else []), span]
    texts = "".join(_as_text([(across(x), up(_height(y, log=log))) for x, y in line]) for line in lines)
    return f'{svg}{texts}<div style="{_QUIET}">{" · ".join(words)}</div>'


def _as_text(places: Iterable[tuple[float, float]]) -> str:
    """Return a curve, whose places are from 0 to 1, in block characters: the last value of each column."""
    heights: dict[int, str] = {}
    for x, y in places:
        heights[min(_COLUMNS - 1, int(x * _COLUMNS))] = _BLOCKS[min(len(_BLOCKS) - 1, int(y * len(_BLOCKS)))]
    drawn, block = "", "\N{NO-BREAK SPACE}"
    for column in range(_COLUMNS):
        block = heights.get(column, block)
        drawn += block
    return f'<div hidden style="display:none" aria-hidden="true"><code>{drawn}</code></div>'


def _ordered(points: list[Point], *, by_step: bool) -> list[tuple[float, float]]:
    """Return the places in ascending order; of values at the same place, the last."""
    places = {
        point.step if by_step and point.step is not None else point.time: point.value for point in points
    }
    return sorted(places.items())


def _height(value: float, *, log: bool) -> float:
    return math.log10(value) if log else value


class _Scale:
    """Maps the range of some values to 0…1; a single value to the middle."""

    def __init__(self, values: Sequence[float]) -> None:
        self._low, self._high = min(values), max(values)

    def __call__(self, value: float) -> float:
        # Halves: the span of two large values may be beyond a float.
        span = self._high / 2 - self._low / 2
        return (value / 2 - self._low / 2) / span if span else 0.5


def _line(places: Iterable[tuple[float, float]], color: str) -> str:
    margin = 2
    spots = [f"{x * _WIDTH:.1f},{margin + y * (_HEIGHT - 2 * margin):.1f}" for x, y in places]
    return (
        f'<polyline points="{" ".join(spots)}" fill="none" stroke="{color}" stroke-width="1.5" '
        'stroke-linejoin="round" vector-effect="non-scaling-stroke"/>'
    )


def _color(at: int) -> str:
    return _COLORS[at % len(_COLORS)]
