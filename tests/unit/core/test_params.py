"""Parameters of a task as short texts, without the secrets in them."""

from __future__ import annotations

import argparse
import datetime as dt
import enum
import functools
import pathlib
import random
from collections import defaultdict, namedtuple
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_agent.core.params import MAX_PARAMS, as_params, call_params
from jupyter_agent.core.secrets import MASK, as_command_line, is_secret, mask_secrets
from jupyter_agent.core.short_text import MAX_TEXT, short_text


@dataclass
class Config:
    lr: float = 3e-4
    db_password: str = "hunter2"
    hidden: int = field(default=1, repr=False)


class Frame:
    shape = (1000, 5)

    def __repr__(self) -> str:
        raise AssertionError("a frame is formatted only when somebody looks at it")


class Broken:
    @property
    def shape(self) -> Any:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError


class Plain:
    pass


class Placed:
    def __repr__(self) -> str:
        return "<Placed at 0x7f00aa>"


class Colour(enum.Enum):
    RED = 1


Point = namedtuple("Point", "x token")  # noqa: PYI024 - people still write them


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12, "12"),
        (True, "True"),
        (None, "None"),
        (3e-4, "3e-4"),
        (-0.00015, "-1.5e-4"),
        (0.01, "0.01"),
        (1e6, "1e6"),
        (123456.0, "123456.0"),
        (1e-12, "1e-12"),
        (1.5e300, "1.5e300"),
        (0.0, "0.0"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ("adam", "adam"),
        ("two\nlines", "two lines"),
        (pathlib.PurePosixPath("/data/a.csv"), "/data/a.csv"),
        (dt.date(2031, 5, 17), "2031-05-17"),
        (Colour.RED, "Colour.RED"),
        (len, "len"),
        (Config, "Config"),
        (Config(), f"Config(lr=3e-4, db_password={MASK})"),
        (Point(1, "abc"), f"Point(x=1, token={MASK})"),
        ({"a": 1, "api_key": "abc"}, f"{{'a': 1, 'api_key': {MASK}}}"),
        (defaultdict(str, {"secret": "x"}), f"{{'secret': {MASK}}}"),
        (argparse.Namespace(lr=1, password="a b"), f"Namespace(lr=1, password={MASK})"),
        (SimpleNamespace(token=None), "namespace(token=None)"),
        ([1, [2, [3, [4, [5]]]]], "[1, [2, [3, […]]]]"),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, …]"),
        (b"abc", "<bytes of 3>"),
        (1 << 5000, "<int of 5001 bits>"),
        (Frame(), "Frame 1000\u00d75"),
        (Plain(), "<Plain>"),
        (Placed(), "<Placed>"),
        (Broken(), "<Broken>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_one_short_line(value: object, text: str) -> None:
    assert short_text(value) == text


def test_the_short_form_of_a_float_is_that_float() -> None:
    rng = random.Random(7)
    for _ in range(2000):
        value = rng.choice(
            [rng.random(), rng.uniform(-1, 1) * 10.0 ** rng.randint(-30, 30), rng.randint(0, 10**9) * 1.0]
        )
        assert float(short_text(value)) == value
        assert len(short_text(value)) <= len(repr(value))


def test_a_long_text_is_cut() -> None:
    text = short_text("x" * 1000)
    assert len(text) == MAX_TEXT
    assert text.endswith("x…")


@pytest.mark.parametrize(
    "name",
    [
        "password", "PASSWORD", "db_password", "passwd", "pwd", "token", "hf_token", "accessToken", "api_key",
        "apiKey", "APIKEY", "key", "ssh-key", "client_secret", "credential", "aws_credentials", "auth",
        "authorization", "cookie",
    ],
)  # fmt: skip
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret(name)
    assert as_params({name: "hunter2"}) == {name: MASK}


@pytest.mark.parametrize(
    "name", ["tokenizer", "tokenize", "keyboard", "monkey", "author", "passes", "compass", "epochs"]
)
def test_other_names_are_none(name: str) -> None:
    assert not is_secret(name)


def test_a_number_of_tokens_is_shown_and_a_missing_secret_too() -> None:
    assert as_params({"max_tokens": 512, "token": None}) == {"max_tokens": "512", "token": "None"}
    assert as_params({"tokens": "abc", "password": 1234}) == {"tokens": MASK, "password": MASK}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:hunter2@db/x", f"postgresql://me:{MASK}@db/x"),
        ("https://h/x?token=abc&page=2", f"https://h/x?token={MASK}&page=2"),
        ("host=h password=hunter2 user=u", f"host=h password={MASK} user=u"),
        ("Authorization: Bearer abc", f"Authorization: {MASK}"),
        ("max_tokens=5", "max_tokens=5"),
        ("the token is here", "the token is here"),
        ("https://h:8888/x", "https://h:8888/x"),
        ("https://h:8888/@me and a@b", "https://h:8888/@me and a@b"),
        ("http://[::1]:80/@x", "http://[::1]:80/@x"),
        ("postgresql://u:p@ss@h/db", f"postgresql://u:{MASK}@h/db"),
        ("postgresql://u:p/w@h/db", f"postgresql://u:{MASK}@h/db"),
        ("a://u:p@h, b://:q@h", f"a://u:{MASK}@h, b://:{MASK}@h"),
        ("https://ghp_0123456789abcdefghij@github.com/x", f"https://{MASK}@github.com/x"),
        ("https://ada@h/x", "https://ada@h/x"),
        (
            "https://h/b?sig=a%2Bb&X-Amz-Signature=ab&page=2",
            f"https://h/b?sig={MASK}&X-Amz-Signature={MASK}&page=2",
        ),
        ("C(password='it\\'s mine', lr=1)", f"C(password={MASK}, lr=1)"),
        ("C(key='cut here, and wi", f"C(key={MASK}"),
    ],
)
def test_secrets_within_a_text_are_masked(text: str, shown: str) -> None:
    assert mask_secrets(text) == shown


def test_no_part_of_a_long_secret_is_shown() -> None:
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *["MIIEvAIBADANBgkqhkiG9w0BAQEFAASC"] * 60])
    for holder in (
        SimpleNamespace(private_key=key),
        argparse.Namespace(api_key=key),
        Config(db_password=key),
    ):
        assert "MIIE" not in short_text(holder)
        assert "BEGIN" not in short_text(holder)


def test_a_command_line_shows_no_secret() -> None:
    given = [
        "run",
        "--token",
        "abc",
        "--api-key=abc",
        "PASSWORD=abc",
        "-u",
        "me",
        "--token",
        "-v",
        "https://u:abc@h",
    ]
    assert as_command_line(given) == [
        "run", "--token", MASK, f"--api-key={MASK}", f"PASSWORD={MASK}", "-u", "me", "--token", "-v", f"https://u:{MASK}@h",
    ]  # fmt: skip


def fit(self: object, data: str, epochs: int = 12, *rest: int, lr: float = 0.1, **more: object) -> None:
    pass


def test_arguments_are_named_by_the_signature_with_its_defaults() -> None:
    assert call_params(fit, (Plain(), "a.csv"), {"lr": 3e-4, "seed": 1}) == {
        "data": "a.csv", "epochs": "12", "lr": "3e-4", "seed": "1",
    }  # fmt: skip
    assert call_params(fit, (Plain(), "a", 1, 2, 3), {})["rest"] == "(2, 3)"


def test_a_partial_a_builtin_and_a_wrong_call_are_named_as_far_as_can_be() -> None:
    assert call_params(functools.partial(fit, Plain(), lr=1), ("a",), {})["lr"] == "1"
    assert call_params(fit, (), {"lr": 1}) == {"lr": "1"}
    assert call_params(dict, ([],), {"a": 1}) == {"1": "[]", "a": "1"}


def test_at_most_so_many_are_kept() -> None:
    shown = as_params({f"p{n}": n for n in range(MAX_PARAMS + 7)})
    assert len(shown) == MAX_PARAMS + 1
    assert shown["…"] == "7 more"


def test_a_long_word_is_searched_for_secrets_once() -> None:
    word = "a1" * 200_000
    assert mask_secrets(word) == word
    assert mask_secrets(f"{word} token=abc") == f"{word} token=••••"
