"""Changes to a run spec: the submission that it was made of, with the fields that a caller replaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import msgspec
from msgspec.structs import replace

from ..core.secrets import MASK, MAX_DEPTH, as_command_line, mask_secrets, masked_value
from ..errors import BadTarget
from .run_spec import RunSpec
from .submission import Submission, run_spec_of
from .target_parser import command_words
from .targets import (
    AgentTarget,
    CommandTarget,
    FunctionTarget,
    NotebookTarget,
    PickledTarget,
    Target,
    default_name,
)

_OF_A_TARGET = ("parameters", "kernel", "cell_timeout", "allow_errors")
"""Fields of a submission that mean something for the target which they were given for."""


def changed_run_spec(run_spec: RunSpec, changes: Mapping[str, Any], *, agent: str, cwd: str) -> RunSpec:
    """Return *run_spec* with *changes*: fields of a `Submission`, checked as new ones; ``None`` resets one.

    Another target starts without what was given for the old one. *agent* and *cwd* are as for `run_spec_of`.
    Raises `BadTarget`.
    """
    fields: dict[str, Any] = msgspec.to_builtins(_submission_of(run_spec))
    given = dict(changes)
    given |= {"target": _unmasked_target(run_spec.target, given["target"])} if "target" in given else {}
    is_other = given.get("target", fields["target"]) != fields["target"]
    if "parameters" in given:
        given["parameters"] = _unmasked(given["parameters"], fields.get("parameters", {}))
    for name in _OF_A_TARGET if is_other else ():
        fields.pop(name, None)
    if is_other and run_spec.about.name == default_name(run_spec.target):
        del fields["name"]
    if isinstance(run_spec.target, AgentTarget) and not is_other:
        agent = run_spec.target.function
    merged = {name: value for name, value in (fields | given).items() if value is not None}
    try:
        submission = msgspec.convert(merged, Submission)
    except msgspec.ValidationError as error:
        raise BadTarget(str(error)[:200].replace("`", "'")) from error
    changed = run_spec_of(submission, agent=agent, cwd=cwd, owner=run_spec.about.owner or "")
    if not is_other and type(changed.target) is not type(run_spec.target):
        # A path with spaces is text for the agent where its file is gone, and such text may be a file by now.
        raise BadTarget(f"what is run means something else by now: {str(submission.target)[:200]!r}")
    return changed


def masked_target(target: Target) -> Target:
    """Return *target* as answers show it: secrets among its parameters and its words are masked."""
    match target:
        case NotebookTarget() | FunctionTarget():
            shown = {name: masked_value(name, value) for name, value in target.parameters.items()}
            return replace(target, parameters=shown)
        case CommandTarget():
            return replace(target, argv=as_command_line(target.argv))
        case AgentTarget():
            return replace(target, text=mask_secrets(target.text))
        case PickledTarget():
            return target
        case _:
            assert_never(target)


def _submission_of(run_spec: RunSpec) -> Submission:
    """Return the submission that *run_spec* was made of, with its folder, environment and Python."""
    target = run_spec.target
    made = Submission(
        "",
        name=run_spec.about.name,
        tags=list(run_spec.about.tags),
        retries=run_spec.retries,
        timeout=run_spec.timeout,
        grace=run_spec.grace,
        cwd=run_spec.cwd,
        env=run_spec.env,
        python=run_spec.python,
    )
    match target:
        case NotebookTarget():
            made = replace(made, kernel=target.kernel, cell_timeout=target.cell_timeout)
            return replace(
                made, target=target.path, parameters=target.parameters, allow_errors=target.allow_errors
            )
        case FunctionTarget():
            return replace(made, target=target.function, parameters=target.parameters)
        case CommandTarget():
            return replace(made, target=target.argv)
        case AgentTarget():
            return replace(made, target=target.text)
        case PickledTarget():
            raise BadTarget("a function of a notebook cannot be changed here; submit it again")
        case _:
            assert_never(target)


def _unmasked(given: Any, before: Mapping[str, Any]) -> Any:
    """Return *given* with what is masked replaced by what it stands for. Raises `BadTarget`."""
    if not isinstance(given, dict):
        return given
    return {name: _restored(name, value, before.get(name), MAX_DEPTH) for name, value in given.items()}


def _restored(name: str, value: Any, before: Any, depth: int) -> Any:
    if isinstance(value, str) and MASK in value:
        if value != masked_value(name, before, depth):
            where = f"the parameter {name[:60]!r}" if name else "a parameter"
            raise BadTarget(f"{where} has a masked part ({MASK}); write what it stands for")
        return before
    if depth and isinstance(value, dict):
        known = before if isinstance(before, dict) else {}
        return {key: _restored(key, one, known.get(key), depth - 1) for key, one in value.items()}
    if depth and isinstance(value, list):
        old = [*(before if isinstance(before, list) else []), *[None] * len(value)]
        return [_restored("", one, was, depth - 1) for one, was in zip(value, old, strict=False)]
    return value


def _unmasked_target(target: Target, given: Any) -> Any:
    """Return *given* with the masked words of a command, or of a text, replaced by what they stand for."""
    words: Any = command_words(given) if isinstance(target, CommandTarget) else given
    if isinstance(target, CommandTarget) and words == as_command_line(target.argv):
        return target.argv
    if isinstance(target, AgentTarget) and words == mask_secrets(target.text):
        return target.text
    masked = [words] if isinstance(words, str) else words if isinstance(words, list) else []
    if any(isinstance(word, str) and MASK in word for word in masked):
        what = "text" if isinstance(words, str) else "command"
        raise BadTarget(f"the {what} has a masked word ({MASK}); write what it stands for")
    return words
