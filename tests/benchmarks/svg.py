"""Plots without a plotting library: panels of lines over logarithmic axes, readable in light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 380, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 44, 74
_LETTER = 6.6
"""About the width of one, in pixels."""

_COLOURS = ("a", "b", "c")
_LIGHT = {"paper": "#ffffff", "ink": "#24292f", "faint": "#57606a", "grid": "#d8dee4"} | dict(
    zip(_COLOURS, ("#0969da", "#bc4c00", "#1a7f37"), strict=True)
)
_DARK = {"paper": "#131416", "ink": "#e6edf3", "faint": "#9ea7b3", "grid": "#30363d"} | dict(
    zip(_COLOURS, ("#58a6ff", "#f0883e", "#3fb950"), strict=True)
)

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """Lines by name over one pair of axes; all values above 0. ``x`` and ``y`` say the units."""

    title: str
    x: str
    y: str
    lines: dict[str, Points]


class Scale:
    """Logarithms of values onto pixels: whole decades around them; ``tight``: not more than the values."""

    def __init__(self, values: Sequence[float], start: float, end: float, *, tight: bool = False) -> None:
        low, high = math.log10(min(values)), math.log10(max(values))
        self.low = low if tight else math.floor(low + 1e-9)
        self.high = max(self.low + (0.3 if tight else 1), high if tight else math.ceil(high - 1e-9))
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        """Where *value* lies, in pixels."""
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self._start + part * (self._end - self._start), 1)

    def ticks(self) -> list[float]:
        """The decades."""
        first, last = math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9)
        return [10.0**power for power in range(first, last + 1)]


def figure(panels: Sequence[Panel], description: str) -> str:
    """An SVG document with the panels side by side."""
    width = WIDTH * len(panels)
    drawn = "\n".join(
        f'<g transform="translate({WIDTH * number} 0)">\n{_panel(panel)}\n</g>'
        for number, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" '
        f'width="{width}" height="{HEIGHT}" role="img">\n<title>{escape(description)}</title>\n'
        f"<style>{_style()}</style>\n"
        f'<rect class="paper" width="{width}" height="{HEIGHT}" rx="6"/>\n{drawn}\n</svg>\n'
    )


def _style() -> str:
    def rules(colours: dict[str, str]) -> str:
        return " ".join(f".{name} {{ color: {colour} }}" for name, colour in colours.items())

    return (
        f"{rules(_LIGHT)} @media (prefers-color-scheme: dark) {{ {rules(_DARK)} }} "
        "rect, text, circle { fill: currentcolor } text { font: 12px system-ui, sans-serif } "
        ".title { font-weight: 600 } path, polyline { stroke: currentcolor; fill: none } "
        "polyline { stroke-width: 2 }"
    )


def _panel(panel: Panel) -> str:
    xs = [x for points in panel.lines.values() for x, _ in points]
    ys = [y for points in panel.lines.values() for _, y in points]
    across, up = Scale(xs, _LEFT, WIDTH - _RIGHT, tight=True), Scale(ys, HEIGHT - _BOTTOM, _TOP)
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts = [_text(panel.title, middle, 20, "ink title"), _text(panel.x, middle, HEIGHT - 38, "faint")]
    parts.append(_text(panel.y, 0, 0, "faint", f"translate(14 {(_TOP + HEIGHT - _BOTTOM) / 2}) rotate(-90)"))
    parts += _grid(across, up)
    names = list(panel.lines)
    for number, name in enumerate(names):
        points = [(across(x), up(y)) for x, y in panel.lines[name]]
        parts += _line(points, _COLOURS[number])
        at = middle + (number - (len(names) - 1) / 2) * (WIDTH - _LEFT) / max(2, len(names))
        parts += _key(name, at, _COLOURS[number])
    return "\n".join(parts)


def _grid(across: Scale, up: Scale) -> list[str]:
    left, right, top, bottom = _LEFT, WIDTH - _RIGHT, _TOP, HEIGHT - _BOTTOM
    parts = []
    for tick in across.ticks():
        parts.append(f'<path class="grid" d="M{across(tick)} {bottom}V{top}"/>')
        parts.append(_text(short(tick), across(tick), bottom + 17, "faint"))
    for tick in up.ticks():
        parts.append(f'<path class="grid" d="M{left} {up(tick)}H{right}"/>')
        parts.append(_text(short(tick), left - 7, up(tick) + 4, "faint", anchor="end"))
    return parts


def _line(points: Points, colour: str) -> list[str]:
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = [f'<circle class="{colour}" cx="{x}" cy="{y}" r="3"/>' for x, y in points]
    return [f'<polyline class="{colour}" points="{path}"/>', *dots]


def _key(name: str, middle: float, colour: str) -> list[str]:
    start = middle - (len(name) * _LETTER + 12) / 2
    return [
        f'<circle class="{colour}" cx="{start + 4:.1f}" cy="{HEIGHT - 16}" r="4"/>',
        _text(name, round(start + 12, 1), HEIGHT - 12, "ink", anchor="start"),
    ]


def _text(text: str, x: float, y: float, css: str, transform: str = "", anchor: str = "middle") -> str:
    moved = f' transform="{transform}"' if transform else ""
    return f'<text class="{css}" x="{x}" y="{y}" text-anchor="{anchor}"{moved}>{escape(text)}</text>'


def short(value: float) -> str:
    """A decade as people write it: 0.1, 10, 1k, 10M."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"
