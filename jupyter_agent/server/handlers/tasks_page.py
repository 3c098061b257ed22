"""The handler of the tasks page, for people without JupyterLab.

It is a plain list. Where the front-end is built and the browser runs scripts, ``page.js`` puts live views in
its place. Every address in it is relative, so that it works behind any base URL and proxy.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from urllib.parse import quote

from ...core.query import TaskQuery
from ...core.sanitize import to_single_line
from ...core.task import Task
from ...rendering.formats import duration, moment, number, share
from ...rendering.stopping import stopping_line, stopping_word
from ..interface.operation import operation
from . import static
from .base import AgentHandler

REFRESH = 3
_HUGE_TIME = 1e11
_STYLE = """
.plain{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;overflow-x:auto}
:root{color-scheme:light dark}
.plain table{border-collapse:collapse;width:100%}.plain th,.plain td{text-align:left;
padding:.35rem .75rem .35rem 0;border-bottom:1px solid #8884}
.plain td:first-child{overflow-wrap:anywhere;min-width:8rem}.plain progress{width:6rem}
.plain td.n{font-variant-numeric:tabular-nums}.plain code{font-size:.85em;opacity:.7}
.plain a{color:inherit}
"""
_HASH = f"'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
_PLAIN_POLICY = f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src {_HASH}"
_LIVE_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'self'; "
    f"style-src 'self' {_HASH}; img-src 'self' data: blob:; font-src 'self'"
)
_ORIGIN = re.compile(r"https?://[\w.:\[\]-]+")
_WS_ORIGIN = re.compile(r"wss?://[\w.:\[\]-]+")


class TasksPageHandler(AgentHandler):
    """``jupyter-agent/``: the newest tasks. Only the script reads ``?task=<id>``."""

    @property
    def content_security_policy(self) -> str:
        """Allow nothing but what the page itself brings; Jupyter's policy decides about frames."""
        return f"{self._policy()}, {super().content_security_policy}"

    def _policy(self) -> str:
        if not static.is_built():
            return _PLAIN_POLICY
        # A page without a valid cookie visits itself in a frame, by way of its hub.
        hub = _ORIGIN.match(os.environ.get("JUPYTERHUB_HOST", ""))
        other_origin = _WS_ORIGIN.match(self.ws_url)
        frames = f"frame-src 'self'{f' {hub[0]}' if hub else ''}"
        return f"{_LIVE_POLICY}; {frames}; connect-src 'self'{f' {other_origin[0]}' if other_origin else ''}"

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("X-Frame-Options", "SAMEORIGIN")

    @property
    def _has_lab(self) -> bool:
        lab = self.settings["serverapp"].extension_manager.extensions.get("jupyterlab")
        return lab is not None and bool(lab.enabled)

    @operation({200: None}, others=("text/html",))
    async def get(self) -> None:
        """Return the tasks page."""
        if not self.request.path.endswith("/"):  # the page's relative addresses need it
            query = f"?{self.request.query}" if self.request.query else ""
            self.redirect(f"jupyter-agent/{query}")
            return
        _, tasks = await self.services.feed.snapshots(
            lambda session: session.journal.tasks(TaskQuery(limit=100))
        )
        _token = self.xsrf_token  # reading it sets the cookie that the script's requests must repeat
        sockets = self.ws_url and self.ws_url.rstrip("/") + self.base_url
        live = head(sockets, has_lab=self._has_lab) if static.is_built() else ""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(render(self.services.annotated(tasks), self.services.clock(), live))


def head(ws_url: str, *, has_lab: bool = False) -> str:
    """Return what makes the page live: the address of its server (never a token), style and script.

    *ws_url* is the address of the server's WebSockets; empty when it is the page's own. *has_lab*: whether
    the server has JupyterLab, in which the page can open a notebook.
    """
    config = {"baseUrl": "../", "wsUrl": ws_url, "hasLab": has_lab}
    data = json.dumps(config).replace("<", "\\u003c")
    return (
        f'<script id="jupyter-config-data" type="application/json">{data}</script>'
        '<link rel="stylesheet" href="static/page.css"><script type="module" src="static/page.js"></script>'
    )


def render(tasks: list[Task], now: float, live: str = "") -> str:
    """Return the page as HTML; with *live* (see `head`) only browsers without scripts reload it."""
    rows = "".join(_row(task, now) for task in tasks)
    body = f"<table><tr><th>Task<th>State<th>Progress<th>Took<th>Started{rows}</table>" if tasks else _NONE
    refresh = f'<meta http-equiv="refresh" content="{REFRESH}">'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tasks</title>'
        '<meta name="viewport" content="width=device-width">'
        f"{f'<noscript>{refresh}</noscript>' if live else refresh}<style>{_STYLE}</style>{live}</head>"
        f'<body><main class="plain"><h1>Tasks</h1>{body}</main></body></html>'
    )


_NONE = "<p>No tasks yet. Run one in a notebook: <code>import jupyter_agent as ja</code></p>"


def _row(task: Task, now: float) -> str:
    ident = escape(task.id)  # untrusted: a producer chooses the ids of its tasks
    name = escape(to_single_line(task.name) or "task")
    words = (stopping_word(task) or task.state.value, stopping_line(task, now))
    state = escape(" · ".join(filter(None, words)))
    return (
        f'<tr data-task-id="{ident}" data-state="{task.state.value}">'
        f'<td><a href="tasks/{quote(task.id, safe="")}">{name}</a><br><code>{ident}</code>'
        f'<td>{state}<td class="n">{_progress(task)}'
        f'<td class="n">{_took(task, now)}<td class="n">{_clock(task.started)}'
    )


def _progress(task: Task) -> str:
    if task.progress is None or task.progress.done is None:
        return ""
    done, total = task.progress.done, task.progress.total
    part = share(done, total)
    bar = "" if part is None else f'<progress value="{part:.4f}"></progress> '
    return bar + (f"{number(done)} of {number(total)}" if total else number(done))


def _took(task: Task, now: float) -> str:
    if not task.started:
        return ""
    return duration((task.ended or now) - task.started, whole=not task.ended)


def _clock(when: float | None) -> str:
    """Return local time; empty for a time that no calendar has, which a broken clock may give."""
    return moment(when) if when and 0 < when < _HUGE_TIME else ""
