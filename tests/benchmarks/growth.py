"""Tables and plots of how costs grow with sockets, tasks, stored events and producers."""

from __future__ import annotations

from dataclasses import dataclass

from .rows import show
from .svg import Panel, Points, figure


@dataclass(frozen=True)
class Curve:
    """One panel of a plot: ``columns`` of the table by the name of their line; ``y`` says the unit."""

    title: str
    y: str
    columns: dict[str, str]


@dataclass(frozen=True)
class Growth:
    """``points``: for each number of ``x``, a value for each column (whose name says its unit)."""

    x: str
    points: dict[int, dict[str, float]]
    curves: tuple[Curve, ...]
    description: str

    def table(self) -> str:
        """Return the table in Markdown: a line for each value of ``x``."""
        columns = list(next(iter(self.points.values())))
        lines = [f"| {' | '.join([self.x, *columns])} |", "|" + "---|" * (len(columns) + 1)]
        for number, values in self.points.items():
            lines.append(f"| {' | '.join([f'{number:,}', *(show(values[c]) for c in columns)])} |")
        return "\n".join(lines)

    def plot(self) -> str:
        """Return the plot in SVG."""
        return figure([self._panel(curve) for curve in self.curves], self.description)

    def _panel(self, curve: Curve) -> Panel:
        lines: dict[str, Points] = {
            name: [(number, values[column]) for number, values in self.points.items() if values[column] > 0]
            for name, column in curve.columns.items()
        }
        return Panel(curve.title, self.x, curve.y, lines)
