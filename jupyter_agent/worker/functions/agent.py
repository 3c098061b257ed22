"""Free text for an agent: a function of one argument."""

from __future__ import annotations

from typing import Any

from ...detached.targets import AgentTarget
from .callables import call, find_function


def run(target: AgentTarget) -> Any:
    """Call the agent with the text. Raises `BadTarget` where it cannot be found, and what it raises."""
    return call(find_function(target.function), target.text)
