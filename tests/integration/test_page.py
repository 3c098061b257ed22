"""The tasks page and the built front-end's files, with a front-end of the tests' own and without one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest

from tests.support import servers
from tests.support.servers import TOKEN, Server, assert_problem

SCRIPT = "console.log('the page')\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built front-end, with what must not be served beside it."""
    root = tmp_path_factory.mktemp("built") / "static"
    (root / "chunks").mkdir(parents=True)
    (root / "page.js").write_text(SCRIPT)
    (root / "page.css").write_text("main{color:inherit}\n")
    (root / "chunks" / "rich-4F.js").write_text("export {}\n")
    (root / ".hidden.js").write_text("no\n")
    (root / "page.html").write_text("<script>no</script>\n")
    (root / "noend").write_text("no\n")
    (root / "folder.js").mkdir()
    (root.parent / "secret.js").write_text("a secret\n")
    (root / "way-out.js").symlink_to(root.parent / "secret.js")
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Server]:
    with servers.servers(tmp_path_factory.mktemp("with")) as factory:
        yield factory.start(config=_root(folder), base_url="/user/ada/")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.servers(tmp_path_factory.mktemp("without")) as factory:
        yield factory.start(config=_root(factory.home / "nothing"))


def _root(folder: Path) -> str:
    """Jupyter's configuration, which is Python, for a server whose front-end lies in *folder*."""
    lines = ["import pathlib", "from jupyter_agent.server.handlers import static"]
    return "\n".join([*lines, f"static.ROOT = pathlib.Path({str(folder)!r})", ""])


class Page(HTMLParser):
    """The tags of a page with their attributes, and the text of its data block."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][1].get("id") == "jupyter-config-data":
            self.data += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("page.js", "text/javascript; charset=utf-8", SCRIPT),
        ("page.css", "text/css; charset=utf-8", "main{color:inherit}\n"),
        ("chunks/rich-4F.js", "text/javascript; charset=utf-8", "export {}\n"),
    ],
)
def test_a_file_of_the_front_end_needs_no_login(built: Server, name: str, kind: str, text: str) -> None:
    answer = built.ask(f"static/{name}", token=None)
    assert (answer.status, answer.body.decode()) == (200, text)
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_file_is_asked_for_again_and_sent_only_when_it_is_another(built: Server, folder: Path) -> None:
    first = built.ask("static/page.js")
    assert first.headers.get_all("Cache-Control") == ["no-cache"]
    known = {"If-None-Match": first.headers["ETag"]}
    again = built.ask("static/page.js", headers=known)
    assert (again.status, again.body) == (304, b"")
    (folder / "page.js").write_text("console.log('upgraded')\n")
    try:
        upgraded = built.ask("static/page.js", headers=known)
        assert (upgraded.status, upgraded.body) == (200, b"console.log('upgraded')\n")
    finally:
        (folder / "page.js").write_text(SCRIPT)


def test_the_head_of_a_file_is_its_answer_without_the_body(built: Server) -> None:
    whole, head = built.ask("static/page.js"), built.ask("static/page.js", method="HEAD", token=None)
    assert (head.status, head.body) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "nothing.js",
        "../secret.js",
        "..%2fsecret.js",
        "%2e%2e/secret.js",
        "chunks/../../secret.js",
        "chunks/%2e%2e/%2e%2e/secret.js",
        "..%5csecret.js",
        "%252e%252e/secret.js",
        "//etc/hostname.js",
        "/etc/hostname.js",
        "page.js/",
        "page.js%00.css",
        "page.js%0d%0aX-Evil:%201",
        "./page.js",
        "chunks",
        "chunks/",
        "chunks//rich-4F.js",
        "folder.js",
        ".hidden.js",
        "way-out.js",
        "page.html",
        "noend",
        "PAGE.JS",
        "%F0%9F%8E%89.js",
        "x" * 4000 + ".js",
    ],
)
def test_nothing_else_is_served(built: Server, path: str) -> None:
    answer = built.ask(f"static/{path}", token=None)
    assert_problem(answer, 404)
    assert b"secret\n" not in answer.body
    assert "X-Evil" not in answer.headers
    assert len(answer.body) < 400


def test_bytes_that_are_no_text_name_no_file(built: Server) -> None:
    assert_problem(built.ask("static/%ff%fe.js", token=None), 400)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_front_end_is_only_read(built: Server, folder: Path, method: str) -> None:
    assert_problem(built.ask("static/page.js", method=method, body={}), 405)
    assert_problem(built.ask("static/page.js", method=method, body={}, token=None), 403)
    assert (folder / "page.js").read_text() == SCRIPT


def test_without_a_built_front_end_its_files_say_how_to_build_it(bare: Server) -> None:
    answer = bare.ask("static/page.js", token=None)
    assert_problem(answer, 404, "not_found")
    assert "make frontend" in answer.json["detail"]


def test_without_a_built_front_end_the_page_is_the_plain_list(bare: Server) -> None:
    answer = bare.ask("")
    page = Page(answer.body.decode())
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("noscript")
    assert page.all("meta")[-1] == {"http-equiv": "refresh", "content": "3"}
    assert "script-src" not in answer.headers["Content-Security-Policy"]


def test_the_page_names_its_script_style_and_server_relative_to_itself(built: Server) -> None:
    page = Page(built.ask("").body.decode())
    module = next(script for script in page.all("script") if "src" in script)
    assert module == {"type": "module", "src": "static/page.js"}
    assert page.all("link") == [{"rel": "stylesheet", "href": "static/page.css"}]
    here = built.url + "jupyter-agent/"
    assert urljoin(here, json.loads(page.data)["baseUrl"]) == built.url
    for address in (module["src"], page.all("link")[0]["href"]):
        assert address is not None
        assert built.ask(urljoin(here, address).removeprefix(here)).status == 200


def test_only_a_browser_without_scripts_loads_the_page_again(built: Server) -> None:
    tags = [tag for tag, _ in Page(built.ask("").body.decode()).tags]
    assert tags[tags.index("noscript") + 1] == "meta"
    assert tags.count("meta") == 3


def test_the_pages_policy_lets_in_its_own_files_and_nothing_inline(built: Server) -> None:
    policy = built.ask("").headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in re.split("[;,]", policy))
    assert directives["default-src"] == directives["base-uri"] == directives["form-action"] == "'none'"
    assert directives["script-src"] == directives["connect-src"] == directives["font-src"] == "'self'"
    assert directives["frame-src"] == "'self'"
    assert directives["img-src"] == "'self' data: blob:"
    assert re.fullmatch(r"'self' 'sha256-[A-Za-z0-9+/=]+'", directives["style-src"])
    assert directives["frame-ancestors"] == "'self'"
    assert "unsafe" not in policy


def test_websockets_elsewhere_are_named_to_the_script_and_in_the_policy(tmp_path: Path, folder: Path) -> None:
    config = _root(folder) + "c.ServerApp.websocket_url = 'wss://elsewhere.example:8443'\n"
    with servers.servers(tmp_path) as factory:
        answer = factory.start(config=config, base_url="/x/").ask("")
    assert "connect-src 'self' wss://elsewhere.example:8443," in answer.headers["Content-Security-Policy"]
    assert json.loads(Page(answer.body.decode()).data)["wsUrl"] == "wss://elsewhere.example:8443/x/"


def test_a_hub_with_a_host_of_its_own_may_be_visited_in_a_frame(tmp_path: Path, folder: Path) -> None:
    with servers.servers(tmp_path) as factory:
        env = {"JUPYTERHUB_HOST": "https://hub.example:8443/; script-src *"}
        answer = factory.start(config=_root(folder), env=env).ask("")
    policy = answer.headers["Content-Security-Policy"]
    assert "; frame-src 'self' https://hub.example:8443;" in policy
    assert "*" not in policy


@pytest.mark.parametrize("path", ["?task=01M8033V4TBP292XC3A46WDYF1", "?a=1&task=%3C%22%0D%0AX%3A 1"])
def test_a_deep_link_survives_the_login(built: Server, path: str) -> None:
    path = path.replace(" ", "%20")
    answer = built.ask(path, token=None)
    assert answer.status == 302
    (onwards,) = parse_qs(urlsplit(answer.headers["Location"]).query)["next"]
    assert urljoin(built.url, onwards) == built.url + "jupyter-agent/" + path
    assert "X" not in answer.headers
    back = built.ask(
        answer.headers["Location"].removeprefix(urlsplit(built.url).path) + f"&token={TOKEN}",
        token=None,
        root="",
    )
    assert back.status == 302
    assert urljoin(built.url, back.headers["Location"]) == built.url + "jupyter-agent/" + path


@pytest.mark.parametrize("query", ["", "?task=01M8033V4TBP292XC3A46WDYF1&x=%0d%0aX-Evil:1"])
def test_without_its_last_slash_the_page_is_somewhere_else_with_the_same_query(
    built: Server, query: str
) -> None:
    answer = built.ask(f"jupyter-agent{query}", root="")
    assert answer.status == 302
    assert (
        urljoin(built.url + "jupyter-agent", answer.headers["Location"])
        == f"{built.url}jupyter-agent/{query}"
    )
    assert "X-Evil" not in answer.headers


def test_a_token_in_the_address_becomes_cookies_that_serve_the_script(built: Server) -> None:
    answer = built.ask(f"?token={TOKEN}&task=x", token=None)
    cookies = dict(
        re.findall(r"^([^=]+)=([^;]*)", "\n".join(answer.headers.get_all("Set-Cookie", [])), re.MULTILINE)
    )
    assert TOKEN not in answer.body.decode()
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    assert built.ask("tasks", token=None, headers=headers).status == 200
    refused = built.ask("tasks/x", method="DELETE", token=None, headers=headers)
    assert_problem(refused, 403)
    headers["X-XSRFToken"] = cookies["_xsrf"]
    assert_problem(built.ask("tasks/x", method="DELETE", token=None, headers=headers), 404, "unknown_task")


def test_the_cookie_for_the_scripts_requests_is_set_for_those_who_have_none(built: Server) -> None:
    set_cookies = built.ask("").headers.get_all("Set-Cookie") or []
    (xsrf,) = [cookie for cookie in set_cookies if cookie.startswith("_xsrf=")]
    assert "HttpOnly" not in xsrf, "the script has to read it"
