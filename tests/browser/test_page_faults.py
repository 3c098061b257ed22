"""A page's faults that tests count: every one in which the extension had a part, and no other."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route

from .page_faults import watch_scripts

HOST = "http://127.0.0.1:9"
LAB = f"{HOST}/static/lab/main.js"
OURS = f"{HOST}/lab/extensions/jupyter-agent-tasks/static/view.js"
THROW = "setTimeout(() => { throw new TypeError('it failed'); });"
REJECT = "Promise.reject(new TypeError('it failed'));"
FETCH = f"fetch('{HOST}/api/kernels');"
CALLED = "window.later = (call) => setTimeout(call);"


@pytest.mark.parametrize(
    ("scripts", "count"),
    [
        ({OURS: THROW}, 1),
        ({OURS: REJECT}, 1),
        ({OURS: FETCH}, 1),
        ({OURS: "Promise.reject('no stack');"}, 1),
        ({LAB: CALLED, OURS: f"window.later(() => {FETCH[:-1]});"}, 1),
        ({LAB: THROW}, 0),
        ({LAB: REJECT}, 0),
        ({LAB: FETCH}, 0),
        ({LAB: THROW + REJECT, OURS: THROW}, 1),
    ],
)
def test_a_fault_counts_when_the_extension_is_on_its_stack(
    browser: Browser, scripts: dict[str, str], count: int
) -> None:
    tags = "".join(f'<script src="{name}"></script>' for name in scripts)
    page = browser.new_page()

    def answer(route: Route) -> None:
        url = route.request.url
        if url == f"{HOST}/":
            route.fulfill(body=tags, content_type="text/html")
        elif url in scripts:
            route.fulfill(body=scripts[url], content_type="text/javascript")
        else:
            route.abort()

    page.route("**/*", answer)
    faults = watch_scripts(page)
    with page.expect_event("pageerror"):
        page.goto(f"{HOST}/")
    page.evaluate("new Promise((done) => setTimeout(done))")
    page.close()
    assert len(faults) == count, faults
