"""A page behind a proxy that is in the way of its WebSocket says so, and what to set."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.changing_proxy import changing_proxy
from tests.support.servers import TOKEN, servers

from .page_faults import watch_scripts

WAYS = [
    ({"host": "localhost:8888"}, "arrive for localhost:8888", "c.ServerApp.allow_origin"),
    ({"upgrade": False}, "but its WebSocket does not", "the headers Upgrade and Connection"),
]


@pytest.mark.parametrize(("way", "what", "remedy"), WAYS, ids=["host", "upgrade"])
def test_the_tasks_page_says_what_is_in_the_way(
    browser: Browser, tmp_path: Path, way: dict[str, str], what: str, remedy: str
) -> None:
    with servers(tmp_path) as factory:
        server = factory.start(base_url="/a/b/")
        with changing_proxy(server.url, **way) as url:  # type: ignore[arg-type]
            page = browser.new_page()
            faults = watch_scripts(page)
            page.goto(f"{url}jupyter-agent/?token={TOKEN}")
            expect(page.get_by_role("status").filter(has_text=what)).to_contain_text(remedy)
            page.close()
            assert faults == []
