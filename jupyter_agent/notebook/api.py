"""`task` and `submit`: functions that run as tasks."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

from ..rendering.signatures import readable, submit_signature, take_keywords
from ..runtime.options import Options
from .handle import TaskHandle
from .submit import check, run_as_task

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from typing import Concatenate, Literal, TypedDict, Unpack

    On = Literal["thread", "loop", "process", "detached"]
    """Where a task runs, by word; an `Executor` may stand in its place."""

    class TaskOptions(TypedDict, total=False):
        """The keywords of `task`, which `TaskFunction.options` changes."""

        name: str
        key: str | None
        on: On | Executor
        retries: int
        timeout: float | None
        tags: Iterable[str]
        show: bool
        grace: float | None

    MapOn = Literal["thread", "loop", "process"]

    class MapOptions(TypedDict, total=False):
        """The keywords of `map`."""

        name: str | None
        on: MapOn | Executor
        limit: int | None
        grace: float | None


P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")
R_co = TypeVar("R_co", covariant=True)
M = TypeVar("M", bound=Callable[..., Any])


class _BoundSubmit:
    """`TaskFunction.submit` of one function: help and completion show the parameters of that function."""

    def __init__(self, method: Callable[..., Any], function: TaskFunction[..., Any]) -> None:
        self.__func__ = method
        self.__self__ = function
        self.__name__ = method.__name__
        self.__doc__ = "\n\n".join(filter(None, (inspect.getdoc(method), inspect.getdoc(function))))

    @property
    def __signature__(self) -> inspect.Signature:
        return submit_signature(self.__self__)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.__func__(self.__self__, *args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return self.__self__ is other.__self__ if isinstance(other, _BoundSubmit) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.__self__)

    def __reduce__(self) -> Any:
        return getattr, (self.__self__, self.__name__)

    def __repr__(self) -> str:
        return f"<bound method {self.__name__} of {self.__self__!r}>"


class _OwnParameters:
    """Descriptor of `TaskFunction.submit`."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method

    def __get__(self, instance: TaskFunction[..., Any] | None, owner: type) -> Callable[..., Any]:
        return self._method if instance is None else _BoundSubmit(self._method, instance)


def _with_own_parameters(method: M) -> M:
    return cast("M", _OwnParameters(method))


@readable
class TaskFunction(Generic[P, R_co]):
    """A function that can also run as a task. Called, it is the plain function."""

    def __init__(self, function: Callable[P, R_co], options: Options, binds: str = "instance") -> None:
        functools.update_wrapper(self, function)
        self.__wrapped__ = function
        self._options = options
        self._binds = binds

    @property
    def __jupyter_agent_function__(self) -> Callable[P, R_co]:
        """The plain function; a worker, which does not import this module, finds it by this name."""
        return self.__wrapped__

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.__wrapped__)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R_co:
        return self.__wrapped__(*args, **kwargs)

    @overload
    def submit(
        self: TaskFunction[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> TaskHandle[R]: ...
    @overload
    def submit(self, /, *args: P.args, **kwargs: P.kwargs) -> TaskHandle[R_co]: ...
    @_with_own_parameters
    def submit(self, /, *args: P.args, **kwargs: P.kwargs) -> TaskHandle:
        """Start it as a task; returns at once."""
        return run_as_task(self._options, self.__wrapped__, args, kwargs)

    def options(self, **changes: Unpack[TaskOptions]) -> TaskFunction[P, R_co]:
        """The same function with other options: the keywords of `task`."""
        unknown = set(changes) - _KEYWORDS
        if unknown:
            words = ", ".join(sorted(_KEYWORDS))
            raise TypeError(f"options() knows {words}; not {', '.join(sorted(unknown))}")
        given: dict[str, Any] = {**changes}
        if "tags" in changes:
            given["tags"] = _tags(changes["tags"])
        changed = replace(self._options, **given)
        check(changed)
        return TaskFunction(self.__wrapped__, changed, self._binds)

    # A class method takes the class, a method its instance; what takes neither is a static method. `self` is
    # a `Callable` in these, since mypy compares the first parameter of nothing else with the instance.
    @overload
    def __get__(  # type: ignore[misc] # not every task function takes a class first
        self: Callable[Concatenate[type[S], Q], R], instance: S | None, owner: type[S]
    ) -> TaskFunction[Q, R]: ...
    @overload
    def __get__(self, instance: None, owner: type | None = None) -> TaskFunction[P, R_co]: ...
    @overload
    def __get__(
        self: Callable[Concatenate[S, Q], R], instance: S, owner: type | None = None
    ) -> TaskFunction[Q, R]: ...
    @overload
    def __get__(self, instance: object, owner: type | None = None) -> TaskFunction[P, R_co]: ...
    def __get__(self, instance: object, owner: type | None = None) -> Any:
        first = owner or type(instance) if self._binds == "class" else instance
        if first is None or self._binds == "nothing":
            return self
        bound = functools.partial(self.__wrapped__, first)  # type: ignore[arg-type]
        functools.update_wrapper(bound, self.__wrapped__)
        del bound.__wrapped__  # type: ignore[attr-defined] # a signature would be that of the unbound function
        return TaskFunction(bound, self._options)

    def __reduce__(self) -> Any:
        by_value = (TaskFunction, (self.__wrapped__, self._options, self._binds))
        # cloudpickle takes functions of a notebook along. Any other pickler finds them by name, as it finds
        # plain functions: the plain function itself has no name of its own.
        caller = str(sys._getframe(1).f_globals.get("__name__"))  # noqa: SLF001
        return by_value if "cloudpickle" in caller or not _is_found(self) else _name_in_module(self)

    def __repr__(self) -> str:
        return f"<TaskFunction {self._options.name}>"


def _is_found(function: TaskFunction[..., Any]) -> bool:
    """Return whether *function* is what its module has under its name."""
    try:
        return attrgetter(_name_in_module(function))(sys.modules[function.__module__]) is function
    except (AttributeError, KeyError, TypeError):
        return False


def _name_in_module(function: TaskFunction[..., Any]) -> str:
    return str(getattr(function, "__qualname__", ""))


_BINDS: dict[type, str] = {staticmethod: "nothing", classmethod: "class"}
_KEYWORDS = {"name", "key", "on", "retries", "timeout", "tags", "show", "grace"}


@overload
def task(fn: Callable[P, R], /) -> TaskFunction[P, R]: ...
@overload
def task(
    fn: Callable[P, R],
    /,
    *,
    name: str | None = None,
    key: str | None = None,
    on: On | Executor = "thread",
    retries: int = 0,
    timeout: float | None = None,
    tags: Iterable[str] = (),
    show: bool = True,
    grace: float | None = None,
) -> TaskFunction[P, R]: ...
@overload
def task(
    fn: None = None,
    /,
    *,
    name: str | None = None,
    key: str | None = None,
    on: On | Executor = "thread",
    retries: int = 0,
    timeout: float | None = None,
    tags: Iterable[str] = (),
    show: bool = True,
    grace: float | None = None,
) -> Callable[[Callable[P, R]], TaskFunction[P, R]]: ...


@readable
def task(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    key: str | None = None,
    on: Literal["thread", "loop", "process", "detached"] | Executor = "thread",
    retries: int = 0,
    timeout: float | None = None,
    tags: Iterable[str] = (),
    show: bool = True,
    grace: float | None = None,
) -> TaskFunction[..., Any] | Callable[[Callable[..., Any]], TaskFunction[..., Any]]:
    """Make a task of a function: a decorator, with or without options.

    *on*: ``"thread"``, ``"loop"`` (a coroutine function on the kernel's event loop), ``"process"``,
    ``"detached"`` (a worker that needs this process no more), or a `concurrent.futures.Executor`.
    *key*: two submits with the same key are the same work. *retries*: further attempts after a failure, each
    after a pause. *timeout*: seconds an attempt may take. *show*: display the view. *grace*: seconds to clean
    up after a cancel or the timeout, before it is ended; by default ``c.JupyterAgent.grace_seconds``, 15.
    """

    def decorate(function: Callable[..., Any]) -> TaskFunction[..., Any]:
        binds = _BINDS.get(type(function), "instance")
        plain: Any = function
        if isinstance(function, TaskFunction) or type(function) in _BINDS:
            plain = function.__wrapped__  # type: ignore[attr-defined]
        if not callable(plain):
            raise TypeError(f"a task is made of a function, not of {type(plain).__name__} {plain!r:.60}")
        chosen = Options(name or name_of(plain), key, on, retries, timeout, _tags(tags), show, grace=grace)
        check(chosen)
        return TaskFunction(plain, chosen, binds)

    return decorate if fn is None else decorate(fn)


take_keywords(TaskFunction.options, task)


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    if isinstance(tags, str):
        raise TypeError(f"tags={tags!r} is one text; use tags=[{tags!r}]")
    if not isinstance(tags, Iterable):
        raise TypeError(f"tags={tags!r} is no list of texts; use tags=['night']")
    found = tuple(tags)
    if not all(isinstance(tag, str) for tag in found):
        raise TypeError(f"tags={tags!r} are not all texts")
    return found


@overload
def submit(
    fn: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
) -> TaskHandle[R]: ...
@overload
def submit(fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> TaskHandle[R]: ...
@readable
def submit(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> TaskHandle:
    """Start *fn* as a task with these arguments; returns at once."""
    function = fn if isinstance(fn, TaskFunction) else task(fn)
    return function.submit(*args, **kwargs)


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function, for people."""
    inner = function.func if isinstance(function, functools.partial) else function
    name = getattr(inner, "__name__", type(inner).__name__)
    return "lambda" if name == "<lambda>" else str(name)
