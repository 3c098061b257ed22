"""The tasks page: a real server behind a base URL, a real kernel, the built front-end, and Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, expect
from playwright.sync_api import Page as Tab

from jupyter_agent.server.handlers import static
from tests.support import kernels, servers
from tests.support.builders import until
from tests.support.servers import Server

from .axe import grave_faults
from .cable import cable

PHONE = {"width": 390, "height": 800}
AWAY = re.compile("WebSocket connection to|net::ERR_")
"""Chromium's own message while a server cannot be reached."""

HEAD = """\
import pathlib, time
import jupyter_agent as ja

@ja.task
def train(stop):
    count = 0
    while not pathlib.Path(stop).exists():
        count += 1
        ja.current().progress(count, 1000, message=f"epoch {count}")
        ja.current().log(f"line {count}")
        ja.current().raise_if_cancelled()
        time.sleep(0.05)
    return count

@ja.task
def broken():
    print("before")
    ja.current().metric("loss", 0.5, 1)
    raise ValueError("no such column: price")

@ja.task
def quick():
    return 42
"""


@dataclass
class Office:
    """A server, a kernel in which `HEAD` has run, and a folder."""

    server: Server
    kernel: str
    folder: Path
    stops: list[Path] = field(default_factory=list)

    def run(self, code: str) -> None:
        """Run it in the kernel; returns when it has begun."""
        with ThreadPoolExecutor(1) as pool:  # this thread's loop is Playwright's
            pool.submit(kernels.execute, self.server, self.kernel, code).result()

    def submit(self, name: str, *arguments: str, calling: str | None = None) -> str:
        """Submit one of the tasks; its id, once the server knows it."""
        before = {task["id"] for task in self.tasks()}
        label = f".options(name={calling!r})" if calling else ""
        self.run(f"run = {name}{label}.submit({', '.join(map(repr, arguments))})")
        return str(until(lambda: {task["id"] for task in self.tasks()} - before).pop())

    def train(self, calling: str = "train") -> str:
        """A task that runs until `stop`."""
        self.stops.append(self.folder / f"stop-{len(self.stops)}")
        return self.submit("train", str(self.stops[-1]), calling=calling)

    def stop(self) -> None:
        """Let every training end."""
        for path in self.stops:
            path.touch()

    def tasks(self) -> list[dict[str, Any]]:
        return list(self.server.ask("tasks?limit=1000").json["tasks"])

    def state(self, task: str) -> str:
        return str(self.server.task(task)["state"])


def office_at(server: Server, folder: Path) -> Office:
    made = Office(server, server.start_kernel(), folder)
    made.run(HEAD)
    return made


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    assert static.is_built(), "the front-end is not built: make frontend"
    folder = tmp_path_factory.mktemp("page")
    with servers.servers(folder / "servers") as factory:
        yield office_at(factory.start(base_url="/user/x/"), folder)


@pytest.fixture(autouse=True)
def all_stop(office: Office) -> Iterator[None]:
    yield
    office.stop()
    until(lambda: not any(task["state"] in ("queued", "running") for task in office.tasks()))


@dataclass
class Visitor:
    """A user's browser context, which records messages on the console."""

    context: BrowserContext
    url: str
    token: str
    said: list[str] = field(default_factory=list)

    def visit(self, path: str = "", *, login: bool = True) -> Tab:
        """Open the tasks page in a tab of its own."""
        tab = self.context.new_page()
        tab.on("console", self._record)
        tab.on("pageerror", lambda error: self.said.append(str(error)))
        if login:
            tab.goto(f"{self.url}login?token={self.token}")
        tab.goto(f"{self.url}jupyter-agent/{path}")
        return tab

    def _record(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"{message.text} {message.location}")


Visit = Callable[..., Visitor]


@pytest.fixture
def visitor(browser: Browser, office: Office) -> Iterator[Visit]:
    """``visitor(**options)``: a browser context of its own, with an empty console and no failed request."""
    made: list[Visitor] = []

    def make(url: str = "", **options: Any) -> Visitor:
        context = browser.new_context(**options)
        made.append(Visitor(context, url or office.server.url, office.server.token))
        return made[-1]

    yield make
    for one in made:
        one.context.close()
        assert [line for line in one.said if not AWAY.search(line)] == []


def row(tab: Tab, task: str) -> Locator:
    return tab.locator(f'li[data-task-id="{task}"]')


def view(tab: Tab, task: str) -> Locator:
    return tab.locator(f'jupyter-agent-task[data-task-id="{task}"]')


def is_live(tab: Tab) -> None:
    expect(tab.locator("jupyter-agent-tasks")).to_have_attribute("data-connection", "live")


def done(tab: Tab, task: str) -> int:
    return int(row(tab, task).get_by_role("progressbar").get_attribute("aria-valuenow") or 0)


WIDE = """() => ["html", ".jap-list", ".jap-task"].filter((name) => {
  const box = document.querySelector(name);
  return box && box.scrollWidth > box.clientWidth;
})"""


def too_wide(tab: Tab) -> Any:
    """Return the elements of the page that scroll sideways."""
    return tab.evaluate(WIDE)


def test_the_list_is_live_and_takes_the_place_of_the_plain_one(office: Office, visitor: Visit) -> None:
    tab = visitor().visit()
    is_live(tab)
    expect(tab.locator("main.plain")).to_have_count(0)
    task = office.train("first light")
    expect(row(tab, task)).to_have_attribute("data-state", "running")
    expect(row(tab, task)).to_contain_text("first light")
    before = until(lambda: done(tab, task))
    until(lambda: done(tab, task) > before)
    office.stop()
    expect(row(tab, task)).to_have_attribute("data-state", "completed")
    expect(tab.locator('[aria-live="polite"]').first).to_have_text("first light completed")


def test_a_deep_link_survives_the_login_page(office: Office, visitor: Visit) -> None:
    task = office.submit("quick")
    tab = visitor().visit(f"?task={task}", login=False)
    assert "/user/x/login" in tab.url
    tab.locator("#password_input").fill(office.server.token)
    tab.locator("#login_submit").click()
    expect(view(tab, task)).to_have_attribute("data-state", "completed")
    expect(tab).to_have_url(f"{office.server.url}jupyter-agent/?task={task}")
    expect(row(tab, task)).to_have_attribute("aria-current", "true")
    expect(tab).to_have_title("quick · completed · Tasks")


def test_the_back_button_goes_back(office: Office, visitor: Visit) -> None:
    first, second = office.submit("quick"), office.submit("broken")
    tab = visitor().visit()
    row(tab, first).get_by_role("link", name="quick").click()
    expect(view(tab, first)).to_be_visible()
    row(tab, second).get_by_role("link", name="broken").click()
    expect(view(tab, second)).to_have_attribute("data-state", "failed")
    expect(tab).to_have_title("broken · failed · Tasks")
    tab.go_back()
    expect(view(tab, first)).to_be_visible()
    expect(view(tab, second)).to_have_count(0)
    tab.go_back()
    expect(view(tab, first)).to_have_count(0)
    expect(tab).to_have_title("Tasks")
    tab.go_forward()
    expect(view(tab, first)).to_be_visible()
    tab.reload()
    expect(view(tab, first)).to_be_visible()


def test_the_focus_moves_into_the_opened_task_and_back(office: Office, visitor: Visit) -> None:
    task = office.submit("quick", calling="in and out")
    tab = visitor().visit()
    row(tab, task).get_by_role("link").focus()
    tab.keyboard.press("Enter")
    expect(view(tab, task)).to_be_visible()
    expect(tab.get_by_label("One task")).to_be_focused()
    beside = "(button, view) => button.getBoundingClientRect().left >= view.getBoundingClientRect().right"
    shown = view(tab, task).element_handle()
    assert tab.get_by_role("button", name="Close").evaluate(beside, shown), "it takes no row of its own"
    tab.keyboard.press("Escape")
    expect(view(tab, task)).to_have_count(0)
    expect(row(tab, task).get_by_role("link")).to_be_focused()
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name="Close the task").click()
    expect(row(tab, task).get_by_role("link")).to_be_focused()
    expect(tab).to_have_url(f"{office.server.url}jupyter-agent/")


def test_a_view_has_an_address_and_keeps_the_open_task_beside_it(office: Office, visitor: Visit) -> None:
    task = office.submit("quick")
    tab = visitor().visit()
    tab.get_by_role("navigation").get_by_role("link", name="Schedules").click()
    expect(tab.get_by_text("No schedules.")).to_be_visible()
    expect(tab).to_have_url(f"{office.server.url}jupyter-agent/?view=schedules")
    expect(tab).to_have_title("Schedules · Tasks")
    tab.go_back()
    expect(row(tab, task)).to_be_visible()
    tab.go_forward()
    expect(tab.get_by_text("No schedules.")).to_be_visible()
    tab.goto(f"{tab.url}&task={task}")
    expect(view(tab, task)).to_have_attribute("data-state", "completed")
    expect(tab.get_by_text("No schedules.")).to_be_visible()


def test_list_and_task_share_one_socket_below_the_base_url(office: Office, visitor: Visit) -> None:
    task = office.submit("quick")
    one = visitor()
    sockets: list[str] = []
    one.context.on("page", lambda tab: tab.on("websocket", lambda socket: sockets.append(socket.url)))
    tab = one.visit(f"?task={task}")
    expect(view(tab, task)).to_have_attribute("data-connection", "live")
    is_live(tab)
    assert sockets == [f"ws{office.server.url.removeprefix('http')}jupyter-agent/ws"]


def test_the_title_says_how_far_a_task_is(office: Office, visitor: Visit) -> None:
    task = office.train("far")
    tab = visitor().visit(f"?task={task}")
    expect(tab).to_have_title(re.compile(r"^far · \d+% · Tasks$"))
    tab.get_by_role("navigation").get_by_role("link", name="Tasks").click()
    expect(tab).to_have_title("1 running · Tasks")
    office.stop()
    expect(tab).to_have_title("Tasks")


def test_a_task_is_cancelled_retried_and_deleted_from_the_list(office: Office, visitor: Visit) -> None:
    task = office.train("to and fro")
    tab = visitor().visit()
    line = row(tab, task)
    line.get_by_role("button", name="Cancel").click()
    expect(line).to_have_attribute("data-state", "cancelled")
    line.get_by_role("button", name="Retry").click()
    expect(line).to_have_attribute("data-state", "running")
    expect(line).to_contain_text("attempt 2")
    office.stop()
    expect(line).to_have_attribute("data-state", "completed")
    line.get_by_role("button", name="Delete").click()
    expect(line).to_have_count(0)
    tab.get_by_role("button", name="Undo").click()
    expect(line).to_have_count(1)
    line.get_by_role("button", name="Delete").click()
    assert office.server.ask(f"tasks/{task}").status == 200
    tab.get_by_role("button", name="Now").click()
    expect(tab.get_by_text("Deleted to and fro.")).to_be_visible()
    assert office.server.ask(f"tasks/{task}").status == 404


def test_the_open_task_is_cancelled_there_and_leaves_when_it_is_deleted(
    office: Office, visitor: Visit
) -> None:
    task = office.train("open")
    tab = visitor().visit(f"?task={task}")
    view(tab, task).get_by_role("button", name="Cancel").click()
    expect(view(tab, task)).to_have_attribute("data-state", "cancelled")
    row(tab, task).get_by_role("button", name="Delete").click()
    expect(view(tab, task)).to_have_count(0)
    expect(tab).to_have_url(f"{office.server.url}jupyter-agent/")
    tab.goto("about:blank")  # what could be undone until then is done
    until(lambda: office.server.ask(f"tasks/{task}").status == 404)


def test_keys_are_enough(office: Office, visitor: Visit) -> None:
    task = office.submit("broken", calling="by keys")
    tab = visitor().visit()
    row(tab, task).wait_for()
    tab.get_by_role("searchbox", name="Search tasks").focus()
    tab.keyboard.type("by keys")
    expect(tab.locator("li[data-task-id]")).to_have_count(1)
    tab.keyboard.press("ArrowDown")
    expect(row(tab, task).get_by_role("link")).to_be_focused()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    expect(row(tab, task).get_by_role("button", name="Delete")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(row(tab, task)).to_have_count(0)
    expect(tab.get_by_role("searchbox", name="Search tasks")).to_be_focused()
    tab.get_by_role("button", name="Undo").press("Enter")
    row(tab, task).get_by_role("link").press("Enter")
    expect(view(tab, task)).to_be_visible()


def test_a_task_that_is_not_there_is_said_to_be_so(visitor: Visit) -> None:
    tab = visitor().visit("?task=01JNOSUCHTASK00000000000AA")
    expect(tab.get_by_text("This server knows no such task.")).to_be_visible()
    expect(tab).to_have_title("No such task · Tasks")


def test_a_phone_shows_one_thing_at_a_time_and_nothing_beside_the_screen(
    office: Office, visitor: Visit
) -> None:
    office.submit("quick", calling="a name that is a good deal longer than a phone is wide " * 3)
    task = office.submit("broken")
    tab = visitor(viewport=PHONE, has_touch=True, is_mobile=True).visit()
    row(tab, task).wait_for()
    assert too_wide(tab) == []
    row(tab, task).get_by_role("link").tap()
    expect(view(tab, task)).to_be_visible()
    expect(row(tab, task)).to_be_hidden()
    assert too_wide(tab) == []
    tab.get_by_role("link", name="All tasks").tap()
    expect(row(tab, task)).to_be_visible()
    expect(row(tab, task).get_by_role("link")).to_be_focused()


SIZES = """() => [...document.querySelectorAll("jupyter-agent-tasks *")]
  .filter((one) => one.matches("a, button, input:not(.jal-check), select, .jal-mark"))
  .filter((one) => one.checkVisibility())
  .map((one) => [one.className, one.getBoundingClientRect()])
  .filter(([, {width, height}]) => height < 44 || width < 44)
  .map(([name, {width, height}]) => `${name} ${width}x${height}`)"""


def test_a_finger_hits_everything_in_the_list(office: Office, visitor: Visit) -> None:
    task = office.submit("broken", calling="ft")
    tab = visitor(viewport=PHONE, has_touch=True, is_mobile=True).visit()
    row(tab, task).locator(".jal-mark").tap()
    expect(row(tab, task).get_by_role("checkbox")).to_be_checked()
    expect(view(tab, task)).to_have_count(0)
    row(tab, task).get_by_role("button", name="More actions").tap()
    expect(tab.get_by_role("menuitem", name="Open")).to_be_focused()
    assert too_wide(tab) == []
    assert tab.evaluate(SIZES) == []


def test_many_tasks_are_deleted_when_the_page_goes_away(office: Office, visitor: Visit) -> None:
    office.run("for _ in range(60): run = quick.options(name='one of many').submit()")
    many = {"name": "one of many", "state": "completed"}
    until(lambda: len([task for task in office.tasks() if many.items() <= task.items()]) == 60, 60)
    tab = visitor().visit("?q=name%3A%22one+of+many%22&group=name")
    expect(tab.get_by_role("searchbox", name="Search tasks")).to_have_value('name:"one of many"')
    group = tab.get_by_role("button", name="one of many", exact=True)
    expect(group).to_have_attribute("aria-expanded", "true")
    expect(row(tab, str(office.tasks()[0]["id"]))).to_have_css("height", "44px")
    tab.get_by_role("checkbox", name="Select all of one of many").check()
    tab.get_by_role("toolbar", name="Selected tasks").get_by_role("button", name="Delete 60").click()
    expect(tab.get_by_text("Deleting 60 tasks")).to_be_visible()
    expect(tab.locator("li[data-task-id]")).to_have_count(0)
    assert len([task for task in office.tasks() if many.items() <= task.items()]) == 60
    tab.goto("about:blank")
    until(lambda: not [task for task in office.tasks() if many.items() <= task.items()])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_as_light_or_dark_as_the_visitor_wants_it(
    office: Office, visitor: Visit, scheme: Any
) -> None:
    task = office.submit("broken")
    tab = visitor(color_scheme=scheme).visit(f"?task={task}")
    expect(view(tab, task)).to_have_attribute("data-state", "failed")
    grounds = [brightness(tab, place) for place in ("body", "jupyter-agent-tasks", "jupyter-agent-task")]
    texts = [brightness(tab, place, "color") for place in (".jal-name", ".ja-name")]
    assert all(ground > 200 for ground in grounds) == (scheme == "light")
    assert all(ground < 60 for ground in grounds) == (scheme == "dark")
    assert all(text < 60 for text in texts) == (scheme == "light")


def brightness(tab: Tab, place: str, part: str = "background-color") -> float:
    """From 0 (black) to 255."""
    colour = tab.locator(place).first.evaluate(
        "(one, part) => getComputedStyle(one).getPropertyValue(part)", part
    )
    return sum(float(number) for number in re.findall(r"[\d.]+", str(colour))[:3]) / 3


def test_the_page_goes_on_when_its_line_was_cut(office: Office, visitor: Visit) -> None:
    task = office.train("cut")
    with cable(office.server.url) as line:
        tab = visitor(line.url).visit(f"?task={task}")
        is_live(tab)
        line.pull()
        expect(tab.locator("jupyter-agent-tasks")).not_to_have_attribute("data-connection", "live")
        later = office.submit("quick", calling="meanwhile")
        line.plug()
        is_live(tab)
        expect(row(tab, later)).to_have_attribute("data-state", "completed")
        office.stop()
        expect(row(tab, task)).to_have_attribute("data-state", "completed")
        expect(view(tab, task)).to_have_attribute("data-state", "completed")
        tab.close()


def test_a_page_that_stays_open_sees_what_the_next_server_says(
    tmp_path: Path, visitor: Visit, browser: Browser
) -> None:
    with servers.servers(tmp_path / "servers") as factory:
        home = office_at(factory.start(base_url="/user/x/"), tmp_path)
        ended, running = home.submit("quick"), home.train("outlived")
        with cable(home.server.url) as line:
            one = visitor(line.url)
            tab = one.visit(f"?task={running}")
            expect(view(tab, running)).to_have_attribute("data-state", "running")
            tab.evaluate("window.same = true")
            home.server.stop()
            expect(tab.locator("jupyter-agent-tasks")).not_to_have_attribute("data-connection", "live")
            line.lead_to(home.server.restart().url)
            is_live(tab)
            expect(view(tab, running)).to_have_attribute("data-state", "interrupted")
            expect(row(tab, running)).to_have_attribute("data-state", "interrupted")
            expect(row(tab, ended)).to_have_attribute("data-state", "completed")
            assert tab.evaluate("window.same")
            tab.close()
        one.said[:] = [text for text in one.said if "status of 503" not in text]  # the server ends or begins


def test_nothing_inline_runs_or_is_drawn_by_the_policy(office: Office, visitor: Visit) -> None:
    task = office.train("strict")
    one = visitor()
    tab = one.visit(f"?task={task}")
    expect(view(tab, task).get_by_role("progressbar").first).to_have_attribute(
        "aria-valuenow", re.compile(r"\d")
    )
    answer = tab.request.get(tab.url)
    assert "unsafe" not in answer.headers["content-security-policy"]
    # That the policy is in force: this is refused, and said, while all that the page did was not.
    with tab.expect_console_message(lambda message: "Content Security Policy" in message.text):
        tab.evaluate("document.body.setAttribute('style', 'color: red')")
    one.said.pop()


def test_a_token_in_the_address_lets_in_and_is_gone(office: Office, visitor: Visit) -> None:
    task = office.train("in sight")
    tab = visitor().visit(f"?token={office.server.token}&task={task}", login=False)
    expect(view(tab, task)).to_have_attribute("data-connection", "live")
    expect(tab).to_have_url(f"{office.server.url}jupyter-agent/?task={task}")
    tab.reload()
    expect(view(tab, task)).to_have_attribute("data-connection", "live")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1300])
def test_axe_finds_no_serious_fault(office: Office, visitor: Visit, scheme: Any, width: int) -> None:
    running, failed = office.train("in sight"), office.submit("broken")
    office.submit("quick")
    viewport = {"width": width, "height": 800}
    tab = visitor(viewport=viewport, color_scheme=scheme, reduced_motion="reduce").visit()
    row(tab, running).wait_for()
    assert grave_faults(tab) == []
    for task in (running, failed):
        tab.goto(f"{office.server.url}jupyter-agent/?task={task}")
        expect(view(tab, task)).to_have_attribute("data-connection", "live")
        expect(view(tab, task).get_by_role("log")).to_contain_text("line" if task == running else "before")
        assert grave_faults(tab) == []
    tab.goto(f"{office.server.url}jupyter-agent/")
    tab.get_by_role("button", name="View").click()
    row(tab, failed).get_by_role("checkbox").check()
    row(tab, failed).hover()
    row(tab, failed).get_by_role("button", name="More actions").click()
    tab.get_by_role("menu").wait_for()
    assert grave_faults(tab) == []


def test_an_old_task_that_still_runs_is_on_top_and_the_rest_is_there_on_demand(
    tmp_path: Path, visitor: Visit
) -> None:
    with servers.servers(tmp_path / "servers") as factory:
        home = office_at(factory.start(base_url="/user/x/"), tmp_path)
        old = home.train("old")
        home.run("for _ in range(220): run = quick.submit()")
        until(lambda: len(home.tasks()) == 221, 60)
        tab = visitor(home.server.url).visit()
        expect(tab.locator("li[data-task-id]").first).to_have_attribute("data-task-id", old)
        expect(tab.locator("li[data-task-id]")).to_have_count(100)
        for shown in (200, 221):
            tab.get_by_role("button", name="Load more").click()
            expect(tab.locator("li[data-task-id]")).to_have_count(shown)
        home.stop()
        expect(row(tab, old)).to_have_attribute("data-state", "completed")
        tab.close()
