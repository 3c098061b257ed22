"""User code: types of results, and an error for each misuse. It is checked, never run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, assert_type

import jupyter_agent as ja


@ja.task
def fit(epochs: int, *, rate: float = 0.1) -> dict[str, float]:
    """Take the user's own parameters."""
    for _ in ja.track(range(epochs)):
        ja.current().metric("loss", rate)
    state = ja.current().restore({"epoch": 0})
    assert_type(state, dict[str, int])
    assert_type(ja.current().restore(), Any)
    return {"loss": rate}


@ja.task(on="process", retries=2, tags=["night"], timeout=60)
def count(text: str) -> int:
    """Take options."""
    return len(text)


@ja.task
async def crawl(url: str) -> bytes:
    """Be a coroutine function."""
    return url.encode()


class Model:
    """Has methods that are tasks."""

    @ja.task
    def train(self, epochs: int) -> str:
        """Be a method."""
        return f"{self} {epochs}"

    @staticmethod
    @ja.task
    def scale(number: int) -> float:
        """Be a static method."""
        return number / 2

    @ja.task
    @staticmethod
    def shift(number: int) -> float:
        """Be one the other way round."""
        return number / 2

    @ja.task
    @classmethod
    def load(cls, path: str) -> bool:
        """Be a class method."""
        return cls.__name__ == path


class Large(Model):
    """Inherits them."""


def halve(number: int) -> float:
    """Be no task by itself."""
    return number / 2


def join(number: int, text: str) -> str:
    """Take two arguments."""
    return f"{number} {text}"


async def results() -> None:
    """Get results, each with its type."""
    assert_type(fit(3, rate=0.2), dict[str, float])
    assert_type(fit.submit(3).result(), dict[str, float])
    assert_type(await fit.submit(3, rate=0.5), dict[str, float])
    assert_type(count.submit("a"), ja.TaskHandle[int])
    assert_type(count.options(on="thread", name="c").submit("a").result(), int)
    assert_type(crawl.submit("https://example.org").result(), bytes)
    assert_type(ja.submit(halve, 3).result(), float)
    assert_type(ja.map(halve, [1, 2]).result(), list[float])
    assert_type(ja.map(count, ["a"], on="process", limit=2).result(), list[int])
    assert_type(ja.map(crawl, ["https://example.org"]).result(), list[bytes])
    assert_type(ja.map(join, [1], ["a"], on=ThreadPoolExecutor(2)).result(), list[str])
    assert_type(Model().train(3), str)
    assert_type(Model().train.submit(3).result(), str)
    assert_type(Model.train.submit(Model(), 3).result(), str)
    assert_type(Large().train.submit(3).result(), str)
    assert_type(Model.scale.submit(3).result(), float)
    assert_type(Large().scale.submit(3).result(), float)
    assert_type(Model.shift.submit(3).result(), float)
    assert_type(Large().shift.submit(3).result(), float)
    assert_type(Model.load.submit("a").result(), bool)
    assert_type(Large().load.submit("a").result(), bool)
    assert_type(ja.submit(Model().train, 3).result(), str)
    assert_type(ja.map(Model().train, [3]).result(), list[str])
    attached: ja.TaskHandle[int] = ja.attach("01M8033V4TBP292XC3A46WDYF1")
    assert_type(attached.result(), int)
    plain: ja.TaskHandle = fit.submit(1)
    called: Callable[[str], int] = count
    print(plain, called)


def misuse() -> None:
    """Be told of each mistake. A comment that ignores no error is one, too."""
    ja.task(halve, on="thred")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    ja.task(halve, retires=2)  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]
    fit.options(on="thred")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    fit.options(retires=2)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    fit.submit("three")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    fit.submit(3, rat=0.1)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    fit("three")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    ja.submit(halve, "three")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    ja.map(halve, ["a"])  # type: ignore[arg-type] # pyright: ignore[reportCallIssue, reportArgumentType]
    ja.map(halve, [1], on="detached")  # type: ignore[call-overload] # pyright: ignore[reportCallIssue, reportArgumentType]
    Model().train.submit("three")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    Model().scale.submit("three")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    Model.load.submit(3)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
