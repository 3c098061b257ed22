from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agent.core.ids import Cursor, is_ulid, ulid, ulid_after, ulid_floor
from jupyter_agent.errors import BadCursor
from jupyter_agent.system.ids import new_id

MILLISECONDS = st.integers(0, (1 << 48) - 1)


def test_a_ulid_is_the_one_of_the_specification() -> None:
    assert ulid(1469918176.385, bytes(10)) == "01ARYZ6S410000000000000000"


@given(MILLISECONDS, st.binary(min_size=10, max_size=10))
def test_every_ulid_has_the_form_of_one(now: int, random: bytes) -> None:
    made = ulid(now / 1000, random)
    assert len(made) == 26
    assert is_ulid(made)


@given(st.integers(0, 1 << 40), st.integers(1, 1 << 20), st.binary(min_size=10, max_size=10))
def test_ulids_sort_by_age(first: int, later: int, random: bytes) -> None:
    assert ulid(first, random) < ulid(first + later, random)


@given(MILLISECONDS, st.binary(min_size=10, max_size=10), st.binary(min_size=8, max_size=8))
def test_one_after_another_is_greater_and_has_the_form(now: int, random: bytes, more: bytes) -> None:
    first = ulid(now / 1000, random)
    second = ulid_after(first, more)
    assert second > first
    assert is_ulid(second)


@given(MILLISECONDS, st.binary(min_size=10, max_size=10))
def test_the_first_of_a_time_is_not_behind_another_of_it(now: int, random: bytes) -> None:
    assert (
        ulid_floor(now / 1000) <= ulid(now / 1000, random) < ulid_floor((now + 2) / 1000)
        or now + 2 >= 1 << 48
    )


def test_no_time_is_too_early_or_too_late_for_an_id() -> None:
    assert ulid_floor(-5) == "0" * 26
    assert ulid_floor(1e12) == "7ZZZZZZZZZ" + "0" * 16


def test_what_one_process_makes_keeps_its_order() -> None:
    made = [new_id() for _ in range(5000)]
    assert made == sorted(set(made))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "0" * 25,
        "0" * 27,
        "0" * 25 + "l",
        "../../../../../../etc/pass",
        "0" * 25 + "\n",
        "0" * 26 + "\n",
        "0" * 12 + "\0" + "0" * 13,
        "0" * 12 + " " + "0" * 13,
    ],
)
def test_what_is_no_id_is_no_file_name_either(text: str) -> None:
    assert not is_ulid(text)


def test_an_id_that_another_program_made_is_one() -> None:
    assert is_ulid("01PRODUCER0000000000000000")


@given(st.from_regex(r"[0-9A-Za-z]{1,32}", fullmatch=True), st.integers(0, 10**18 - 1))
def test_a_cursor_reads_back_what_it_wrote(epoch: str, offset: int) -> None:
    assert Cursor.parse(str(Cursor(epoch, offset))) == (epoch, offset)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "a:",
        ":1",
        "a:b",
        "a:-1",
        "a:1 ",
        "a:1\n",
        "a b:1",
        "a:1:2",
        "a:" + "9" * 19,
        "é:1",
        "a:\u0661",
    ],
)
def test_a_token_that_no_journal_wrote_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(BadCursor, match="is not a cursor; use one that the server gave") as error:
        Cursor.parse(text)
    assert "\n" not in str(error.value)


def test_a_refused_token_is_shown_shortened() -> None:
    with pytest.raises(BadCursor) as error:
        Cursor.parse("x" * 10_000)
    assert len(str(error.value)) < 250
