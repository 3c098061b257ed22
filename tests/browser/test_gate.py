"""Views behind a proxy that redirects to a login of its own."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from .gate import gate
from .lab import Lab


@pytest.mark.parametrize("login_host", ["127.0.0.1", "localhost"])
def test_without_the_proxys_login_a_page_says_so_and_goes_on_after_it(
    lab: Lab, browser: Browser, login_host: str
) -> None:
    context = browser.new_context()
    with gate(lab.url, login_host) as before:
        tab = context.new_page()
        tab.goto(f"{before.url}jupyter-agent/?token={lab.token}")
        tab.get_by_role("link", name="Let me in").click()
        page = tab.locator("jupyter-agent-page")
        expect(page).to_have_attribute("data-connection", "live")
        tab.evaluate("window.same = true")
        context.clear_cookies(name="gate")
        before.hang_up()
        link = tab.get_by_role("link", name="Log in again")
        expect(link).to_be_visible()
        with context.expect_page() as opened:
            link.click()
        opened.value.get_by_role("link", name="Let me in").click()
        expect(page).to_have_attribute("data-connection", "live")
        expect(link).to_have_count(0)
        assert tab.evaluate("window.same")
        context.close()
