"""The documentation builds without a warning and names what the code has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import jupyter_agent
from jupyter_agent import errors
from jupyter_agent.cli.main import root
from jupyter_agent.protocol import messages
from jupyter_agent.server.extension import JupyterAgent

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

sys.path.append(str(DOCS / "_ext"))


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        "-d",
        str(tmp_path / "tree"),
    ]
    done = subprocess.run(
        [*command, str(DOCS), str(tmp_path / "html")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "html" / "_static" / "asyncapi.json").read_text())
    assert set(_references(document)) <= set(_targets(document))
    assert f"server.{'welcome'}" in document["channels"]["ws"]["messages"]


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [ref for item in value.values() for ref in _references(item)]
    return [ref for item in value for ref in _references(item)] if isinstance(value, list) else []


def _targets(document: dict[str, Any]) -> list[str]:
    schemas = [f"#/components/schemas/{name}" for name in document["components"]["schemas"]]
    sent = [f"#/channels/ws/messages/{name}" for name in document["channels"]["ws"]["messages"]]
    return ["#/channels/ws", *schemas, *sent]


def test_every_module_is_on_the_map() -> None:
    page = (DOCS / "explanation" / "architecture.md").read_text()
    package = ROOT / "jupyter_agent"
    found = (path.relative_to(package) for path in package.rglob("*.py") if path.name != "__init__.py")
    rooms = {
        path.parts[0] if path.parent.parts else "." for path in found if "node_modules" not in path.parts
    }
    missing = [room for room in sorted(rooms | {"frontend/src"}) if f"```{{module-map}} {room}\n" not in page]
    assert not missing, f"docs/explanation/architecture.md does not name {missing}"


def test_the_map_says_what_every_module_is() -> None:
    from module_map import modules

    rooms = [path.name for path in (ROOT / "jupyter_agent").iterdir() if (path / "__init__.py").exists()]
    folders = [".", *rooms, "frontend/src"]
    lines = {f"{room}/{name}": line for room in folders for name, line in modules(room).items()}
    unsaid = [name for name, line in lines.items() if not line.endswith(".")]
    assert len(lines) > 200
    assert not unsaid, f"the first lines of {unsaid} are no sentence"


def test_every_close_code_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "protocol.md").read_text()
    normal = {messages.Close.NORMAL, messages.Close.GOING_AWAY}
    missing = [
        code for code in messages.Close if code not in normal and not re.search(rf"\b{code.value}\b", page)
    ]
    assert not missing


def test_every_setting_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "cli.md").read_text()
    settings = JupyterAgent.class_own_traits(config=True)
    assert settings
    assert not [name for name in settings if f"`{name}`" not in page]


def test_every_command_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "cli.md").read_text()
    missing = [words for words in _commands(root) if f"`{words}" not in page]
    assert not missing


def _commands(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_every_public_name_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "api.md").read_text()
    drawn_from_code = set(vars(errors))
    missing = [
        name
        for name in jupyter_agent.__all__
        if name[0] != "_" and name not in drawn_from_code and not re.search(rf"`{name}\b", page)
    ]
    assert not missing


def test_every_folder_of_the_front_end_is_in_the_architecture() -> None:
    page = (DOCS / "explanation" / "architecture.md").read_text("utf-8")
    folders = (DOCS.parent / "jupyter_agent" / "frontend" / "src").iterdir()
    assert [one.name for one in folders if one.is_dir() and f"`{one.name}/`" not in page] == []
