"""``jupyter agent completion``: the script for a shell, and the ids that it offers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, MutableMapping
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem, get_completion_class

from ...core.query import TaskQuery
from ...core.sanitize import to_single_line
from ...errors import AgentError
from ..backends.forwards import list_forwards
from ..backends.journals import Journals
from ..backends.schedules import list_schedules
from .help import examples

T = TypeVar("T")
VARIABLE = "_JUPYTER_AGENT_COMPLETE"
"""Set by the scripts when they ask for completions; see click's shell completion."""

PROGRAM = "jupyter-agent"
SHELLS = ("bash", "zsh", "fish")
ANSWER_TIMEOUT = 1.0
"""Seconds after which a shell gets no ids."""

SCAN_LIMIT = 200
"""Number of newest tasks among which completions are looked for."""

MAX_OFFERED = 30
_SUBCOMMAND = re.compile(r"^(\S*/)?jupyter(?:\s+)agent(?=\s|$)")
_WITH_JUPYTER = {
    "bash": """
_jupyter_before=$(complete -p jupyter 2>/dev/null | sed -n 's/.* -F \\([^ ]*\\) .*/\\1/p')
_jupyter_with_agent() {
    if [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} == agent ]]; then
        _jupyter_agent_completion jupyter-agent
    elif [[ -n $_jupyter_before && $_jupyter_before != _jupyter_with_agent ]]; then
        "$_jupyter_before" "$@"
    fi
}
complete -o nosort -o bashdefault -o default -F _jupyter_with_agent jupyter
""",
    "zsh": """
_jupyter_before=${_comps[jupyter]:-_default}
_jupyter_with_agent() {
    if (( CURRENT > 2 )) && [[ ${words[2]} == agent ]]; then
        _jupyter_agent_completion
    else
        $_jupyter_before "$@"
    fi
}
compdef _jupyter_with_agent jupyter
""",
    "fish": """
complete --no-files --command jupyter --condition "__fish_seen_subcommand_from agent" \
--arguments "(_jupyter_agent_completion)"
""",
}


@click.command(
    short_help="Make a shell complete these commands.",
    epilog=examples("completion bash >> ~/.bashrc", "completion zsh >> ~/.zshrc", "completion fish | source"),
)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(*, shell: str) -> None:
    """Print what SHELL needs to complete 'jupyter agent' and 'jupyter-agent'."""
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(click.Group(PROGRAM), {}, PROGRAM, VARIABLE).source()
    click.echo(script.rstrip() + "\n" + _WITH_JUPYTER[shell].rstrip())


def as_own_program(environment: MutableMapping[str, str]) -> None:
    """Turn a shell's request for ``jupyter agent …`` into one for ``jupyter-agent …``."""
    words = environment.get("COMP_WORDS", "")
    if VARIABLE not in environment or not _SUBCOMMAND.match(words):
        return
    environment["COMP_WORDS"] = _SUBCOMMAND.sub(PROGRAM, words)
    if environment.get("COMP_CWORD", "").isdigit():  # fish gives the word itself
        environment["COMP_CWORD"] = str(int(environment["COMP_CWORD"]) - 1)


def task_ids(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return the newest tasks whose id or name begins with *begun*."""
    found = _within_timeout(_journals().tasks(TaskQuery(limit=SCAN_LIMIT)))
    return [
        CompletionItem(task.id, help=f"{to_single_line(task.name)} ({task.state.value})")
        for task in found
        if _fits(begun, task.id, task.name)
    ][:MAX_OFFERED]


def schedule_ids(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return the schedules whose id or name begins with *begun*."""
    found = _within_timeout(list_schedules(_journals()))
    return [
        CompletionItem(one.id, help=f"{to_single_line(one.name)}, {to_single_line(one.text)}")
        for one in found
        if _fits(begun, one.id, one.name)
    ]


def forward_ids(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Return the forwards whose id or address begins with *begun*."""
    return [
        CompletionItem(one.id, help=to_single_line(one.url))
        for one in _within_timeout(list_forwards(_journals()))
        if _fits(begun, one.id, one.url)
    ]


def files(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Have the shell complete files itself."""
    return [CompletionItem(begun, type="file")]


def _journals() -> Journals:
    """Return the journals without recovery of spools, which may take long."""
    return Journals(answer_timeout=0.0, recover=False)


def _fits(begun: str, ident: str, name: str) -> bool:
    return ident.startswith(begun.upper()) or name.startswith(begun)


def _within_timeout(work: Coroutine[Any, Any, list[T]]) -> list[T]:
    """Return what *work* returns, or nothing on an error or timeout, which would garble the line."""

    async def timed() -> list[T]:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return await work

    try:
        return asyncio.run(timed())
    except (AgentError, OSError, TimeoutError):
        return []
