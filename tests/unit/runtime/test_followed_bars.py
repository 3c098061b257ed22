"""Which of the bars of one attempt is its progress."""

from __future__ import annotations

from jupyter_agent.runtime.progress_sampler import ProgressSampler, Values


class Bar:
    def __init__(self, total: int | None, *, is_scoped: bool = True, name: str | None = None) -> None:
        self.done = 0
        self.total = total
        self.is_scoped = is_scoped
        self.is_over = False
        self.name = name

    def values(self) -> Values:
        return self.done, self.total, self.name

    def last_line(self) -> str:
        return ""


class Loop:
    initial = 0

    def values(self) -> tuple[int, int | None]:
        return 8, 70


class Sampled:
    """A sampler, and what it wrote last."""

    def __init__(self) -> None:
        self._written: list[Values] = []
        self.sampler = ProgressSampler(self._written.append)

    def begin(self, bar: Bar) -> Bar:
        self.sampler.begin_bar(bar)
        return bar

    def end(self, bar: Bar) -> None:
        self.sampler.end_bar(bar)

    def done(self) -> object:
        """Return how far the progress is now."""
        self.sampler.sample()
        return self._written[-1][0] if self._written else None

    def message(self) -> object:
        self.sampler.sample()
        return self._written[-1][2]


def test_the_outer_loop_is_the_progress_before_it_has_moved_and_after() -> None:
    sampled = Sampled()
    outer = sampled.begin(Bar(3))
    for epoch in range(3):
        inner = sampled.begin(Bar(10))
        inner.done = 5
        assert sampled.done() == epoch
        sampled.end(inner)
        outer.done += 1
    assert sampled.done() == 3


def test_an_outer_bar_that_is_moved_by_hand_is_the_progress_too() -> None:
    sampled = Sampled()
    outer = sampled.begin(Bar(3, is_scoped=False))
    for epoch in range(3):
        inner = sampled.begin(Bar(10))
        inner.done = 5
        assert sampled.done() == epoch
        sampled.end(inner)
        outer.done += 1
        assert sampled.done() == epoch + 1


def test_a_bar_that_was_left_open_silences_no_later_one_and_does_not_come_back() -> None:
    sampled = Sampled()
    left = sampled.begin(Bar(9, is_scoped=False))
    left.done = 2
    assert sampled.done() == 2
    for total in (5, 6):
        later = sampled.begin(Bar(total))
        later.done = total - 1
        assert sampled.done() == total - 1
        sampled.end(later)
    sampled.end(left)
    assert sampled.done() == 5


def test_a_bar_that_is_full_gives_way() -> None:
    sampled = Sampled()
    full = sampled.begin(Bar(2, is_scoped=False))
    full.done = 2
    later = sampled.begin(Bar(9))
    later.done = 4
    assert sampled.done() == 4


def test_a_bar_inside_a_tracked_loop_does_not_hide_it_but_one_around_it_does() -> None:
    sampled = Sampled()
    loop = Loop()
    around = sampled.begin(Bar(3))
    around.done = 1
    sampled.sampler.positions.append(loop)
    inside = sampled.begin(Bar(50))
    inside.done = 20
    assert sampled.done() == 1
    sampled.end(around)
    assert sampled.done() == 7


def test_what_the_task_reports_itself_stays_until_the_bar_moves() -> None:
    sampled = Sampled()
    bar = sampled.begin(Bar(9))
    bar.done = 1
    assert sampled.done() == 1
    sampled.sampler.newest = (40, 50, "mine")
    assert sampled.done() == 40
    bar.done = 2
    assert sampled.done() == 2


def test_the_description_of_one_bar_is_not_that_of_the_next() -> None:
    sampled = Sampled()
    first = sampled.begin(Bar(1, name="first"))
    assert sampled.message() == "first"
    sampled.end(first)
    sampled.begin(Bar(2))
    assert sampled.message() is None
