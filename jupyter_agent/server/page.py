"""The tasks page: a plain list for people without JupyterLab. No script, so it works everywhere."""

from __future__ import annotations

import time
from base64 import b64encode
from hashlib import sha256
from html import escape

from ..core.events import Number
from ..core.task import Task
from ..core.text import one_line
from .rest import AgentHandler

REFRESH = 3
_HUGE = 1e300
_HUGE_TIME = 1e11
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;
color-scheme:light dark}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .75rem .35rem 0;
border-bottom:1px solid #8884}td.n{font-variant-numeric:tabular-nums}code{font-size:.85em;opacity:.7}
.completed{color:#1a7f37}.failed{color:#cf222e}.running{color:#0969da}.interrupted,.cancelled{color:#9a6700}
"""


_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
)


class PageHandler(AgentHandler):
    """``jupyter-agent/``: the newest tasks, drawn again every few seconds."""

    @property
    def content_security_policy(self) -> str:
        """Nothing but the page's own style, beside what Jupyter's policy says of frames."""
        return f"{_POLICY}, {super().content_security_policy}"

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("X-Frame-Options", "SAMEORIGIN")

    def get_login_url(self) -> str:
        """A person is asked to log in."""
        return super(AgentHandler, self).get_login_url()

    async def get(self) -> None:
        _, tasks = await self.services.feed.snapshots(lambda desk: desk.journal.tasks(limit=100))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(render(self.services.shown(tasks), self.services.clock()))


def render(tasks: list[Task], now: float) -> str:
    """The page as HTML."""
    rows = "".join(_row(task, now) for task in tasks)
    body = f"<table><tr><th>Task<th>State<th>Progress<th>Took<th>Started{rows}</table>" if tasks else _NONE
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Tasks</title>'
        f'<meta http-equiv="refresh" content="{REFRESH}"><meta name="viewport" content="width=device-width">'
        f"<style>{_STYLE}</style><h1>Tasks</h1>{body}</html>"
    )


_NONE = "<p>No tasks yet. Run one in a notebook: <code>import jupyter_agent as ja</code></p>"


def _row(task: Task, now: float) -> str:
    ident = escape(task.id)  # a stranger's producer may name its tasks as it likes
    name = escape(one_line(task.name) or "task")
    state = "cancelling" if task.cancel_requested and not task.state.ended else task.state.value
    return (
        f'<tr data-task-id="{ident}" data-state="{task.state.value}"><td>{name}'
        f'<br><code>{ident}</code><td class="{task.state.value}">{state}<td class="n">{_progress(task)}'
        f'<td class="n">{_took(task, now)}<td class="n">{_clock(task.started)}'
    )


def _progress(task: Task) -> str:
    if task.progress is None or task.progress.done is None:
        return ""
    done, total = task.progress.done, task.progress.total
    bar = f'<progress max="{_number(total)}" value="{_number(done)}"></progress> ' if total else ""
    return bar + (f"{_number(done)} of {_number(total)}" if total else _number(done))


def _number(value: Number) -> str:
    return f"{value:g}" if abs(value) < _HUGE else "very many"


def _took(task: Task, now: float) -> str:
    return f"{max(0.0, (task.ended or now) - task.started):.1f} s" if task.started else ""


def _clock(when: float | None) -> str:
    """Local time; nothing for a moment that no calendar has, which a broken clock may have said."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when)) if when and 0 < when < _HUGE_TIME else ""
