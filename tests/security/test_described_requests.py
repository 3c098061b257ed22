"""Requests made from the description of the interfaces, by `schemathesis`, are answered as it says."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.security.endpoints import published
from tests.support.servers import Server, Servers, environment

REFUSED_WHERE_IT_FITS = (
    "get_targets",
    "get_tasks_id_events",
    "get_triggers",
    "patch_schedules_id",
    "post_schedules",
)
"""Their targets and times have grammars, or parameters that exclude each other, which no schema describes."""
SAME_EVERYWHERE = ("--generation-deterministic", "--suppress-health-check=all", "--request-timeout=60")
"""The same requests in every run, and none is given up because the machine is slow."""


@pytest.mark.timeout(300)
def test_requests_made_from_the_description_are_answered_as_described(fresh: Servers) -> None:
    server = fresh.start(extra_args=["--JupyterAgent.worker_limit=1"])
    config = server.home / "schemathesis.toml"
    known = "".join(_with_id(kind, ident) for kind, ident in _one_of_each(server).items())
    config.write_text(known + _HARMLESS + "".join(map(_may_refuse, REFUSED_WHERE_IT_FITS)))
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    command += ["--config-file", str(config), "run", f"{server.url}jupyter-agent/openapi.json"]
    command += ["--header", f"Authorization: token {server.token}", "--exclude-path", "/ws", "--no-color"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "3", *SAME_EVERYWHERE]
    command += ["--continue-on-failure"]
    env = environment(server.home) | {"NO_PROXY": "*"}
    done = subprocess.run(command, cwd=server.home, env=env, capture_output=True, text=True, timeout=280)
    print(done.stdout[done.stdout.find("=== SUMMARY") :])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in server.log_text()


_HARMLESS = """
[[operations]]
include-operation-id = "post_tasks"
generation.mode = "negative"
"""
"""Made-up targets that fit would be run."""


def _one_of_each(server: Server) -> dict[str, str]:
    when: dict[str, Any] = {"target": ["true"], "schedule": {"at": "2999-01-01T00:00"}}
    forward = {"url": "ws://127.0.0.1:9/events"}
    return {
        "tasks": published(server, ["queued", "running"]),
        "schedules": server.ask("schedules", method="POST", body=when).json["id"],
        "forwards": server.ask("forwards", method="POST", body=forward).json["id"],
    }


def _with_id(kind: str, ident: str) -> str:
    parameters = f'{{ "path.id" = {json.dumps(ident)} }}'
    return f'[[operations]]\ninclude-path-regex = "^/{kind}/"\nparameters = {parameters}\n'


def _may_refuse(operation: str) -> str:
    return (
        f'[[operations]]\ninclude-operation-id = "{operation}"\n'
        "checks.positive_data_acceptance.enabled = false\n"
    )
