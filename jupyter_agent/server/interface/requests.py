"""Bodies of requests as they are described: as narrow as JSON Schema can say what the server refuses.

The handlers decode them themselves, with a sentence for each mistake. What depends on the machine (whether
a notebook, a folder or a program exists) and grammars (of time spans, cron, targets) are not described.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from ...core.events import DATA_TYPES
from ...core.trigger_parser import Overlap
from ...core.triggers import MAX_SECONDS, MIN_SECONDS
from ...detached.submission import Submission
from ...forwarding.spec import Format
from ...forwarding.spec_parser import MAX_HEADER, MAX_HEADERS, MAX_TASKS, MAX_URL
from ...journal.operations.firing import ScheduleCommand

_KINDS = ("every", "cron", "at")


def _has(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": [name], "properties": {name: schema}}


def _not_null(name: str) -> dict[str, Any]:
    return _has(name, {"not": {"type": "null"}})


_ONE_KIND = Meta(extra_json_schema={"oneOf": [_not_null(name) for name in _KINDS]})
_ONE_KIND_AT_MOST = Meta(
    extra_json_schema={
        "not": {
            "anyOf": [
                {"allOf": [_not_null(one), _not_null(other)]}
                for one, other in (("every", "cron"), ("every", "at"), ("cron", "at"))
            ]
        }
    }
)

NotEmpty = Annotated[str, Meta(pattern=r"\S")]
Span = Annotated[float, Meta(ge=MIN_SECONDS, le=MAX_SECONDS)]


class Times(Struct, forbid_unknown_fields=True):
    """When a schedule runs: one of ``every``, ``cron`` and ``at``.

    ``overlap``: what happens when a run is due and the previous one has not ended.
    """

    every: NotEmpty | Span | None = None
    cron: NotEmpty | None = None
    at: NotEmpty | None = None
    timezone: NotEmpty | None = None
    overlap: Overlap | None = None


_DESCRIBED = {
    "target": NotEmpty | Annotated[list[str], Meta(min_length=1)],
    "schedule": Annotated[Times, _ONE_KIND],
}
_FIELDS = {each.name: each for each in msgspec.structs.fields(Submission)}


def _submission(name: str, doc: str, **replaced: tuple[Any, ...]) -> Any:
    """Return the fields of a `Submission` as a type; *replaced* have another type, and default."""
    fields = []
    for each in _FIELDS.values():
        kind = _DESCRIBED.get(each.name, each.type)
        default = () if each.required else (_default(each),)
        fields.append((each.name, *replaced.get(each.name, (kind, *default))))
    return msgspec.defstruct(
        name, fields, kw_only=True, forbid_unknown_fields=True, namespace={"__doc__": doc}
    )


def _default(one: msgspec.structs.FieldInfo) -> Any:
    made = one.default_factory
    return one.default if made is msgspec.NODEFAULT else field(default_factory=made)


TaskSubmission: Any = _submission(
    "Submission",
    "What to run now. ``target``: text, or a command as a list; times in seconds.",
    schedule=(None, None),
)
ScheduleSubmission: Any = _submission(
    "ScheduleSubmission",
    "What to run on a schedule: the fields of a `Submission` without a key.",
    schedule=(_DESCRIBED["schedule"],),
    key=(None, None),
)

CHANGEABLE = tuple(name for name in _FIELDS if name != "key")
"""Fields of a schedule that PATCH may have."""

_CHANGED = {"target": _DESCRIBED["target"], "schedule": Annotated[Times, _ONE_KIND_AT_MOST]}
_SOMETHING = Meta(
    extra_json_schema={
        "anyOf": [
            _has("schedule", {"minProperties": 1}),
            *({"required": [name]} for name in CHANGEABLE if name != "schedule"),
        ]
    }
)
ScheduleChange: Any = Annotated[
    msgspec.defstruct(
        "ScheduleChange",
        [(name, _CHANGED.get(name, _FIELDS[name].type | None) | UnsetType, UNSET) for name in CHANGEABLE],
        forbid_unknown_fields=True,
        namespace={"__doc__": "What is to change of a schedule; null resets a field to its default."},
    ),
    _SOMETHING,
]


class StopArgs(Struct):
    """``now``: end the task at once."""

    now: bool = False


class TaskCommand(Struct, forbid_unknown_fields=True):
    """A command for a task; ``attempt``: only if that is the present one."""

    command: Literal["cancel", "retry"]
    args: StopArgs = field(default_factory=StopArgs)
    attempt: int | None = None


class InputArgs(Struct, forbid_unknown_fields=True):
    """``prompt_id``: the question that the text answers; without one, the open one."""

    text: str
    prompt_id: str | None = None


class InputCommand(Struct, forbid_unknown_fields=True):
    """Text for a task; ``attempt``: only if that is the present one."""

    command: Literal["input"]
    args: InputArgs
    attempt: int | None = None


_EventType: Any = Literal[tuple(DATA_TYPES)]
_TaskId = Annotated[str, Meta(pattern="^[0-9A-Z]{26}$")]
_Address = Annotated[str, Meta(pattern="^[Ww][Ss][Ss]?://[!-~]+$", max_length=MAX_URL)]
_HeaderName = Annotated[str, Meta(pattern="^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$")]
_HeaderValue = Annotated[str, Meta(pattern="^[ -~]*$", max_length=MAX_HEADER)]


class ForwardBody(Struct, forbid_unknown_fields=True):
    """What is to be forwarded, and where to; ``task`` is short for ``tasks`` with one id.

    Null for tasks and types means all. It begins with the first event of the named tasks, else now;
    ``from_start``: with the oldest event.
    """

    url: _Address
    task: _TaskId | None = None
    tasks: _TaskId | Annotated[list[_TaskId], Meta(min_length=1, max_length=MAX_TASKS)] | None = None
    types: _EventType | Annotated[list[_EventType], Meta(min_length=1, max_length=len(DATA_TYPES))] | None = (
        None
    )
    headers: Annotated[dict[_HeaderName, _HeaderValue], Meta(max_length=MAX_HEADERS)] | None = None
    format: Format | None = "json"
    from_start: bool | None = False


class ScheduleCommandBody(Struct, forbid_unknown_fields=True):
    """A command for a schedule."""

    command: ScheduleCommand


ForwardRequest: Any = Annotated[
    ForwardBody,
    Meta(extra_json_schema={"not": {"allOf": [_not_null("task"), _not_null("tasks")]}}),
]
