"""Agent targets: a function that is called with free text."""

from __future__ import annotations

from typing import Any

from ...detached.targets import AgentTarget
from .callables import call, find_function


def run(target: AgentTarget) -> Any:
    """Call the agent with the text. Raises `BadTarget` when it cannot be found, and what it raises."""
    return call(find_function(target.function), target.text)
