"""Data folders that are deleted, and disks that are full, while servers and scripts use them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import monotonic

from tests.faults.disks import small_disk
from tests.faults.tally import Say, Tally, attempt
from tests.faults.work import WITHIN, story_of, wait_lines
from tests.support.builders import until
from tests.support.kernels import Written, script
from tests.support.servers import Server, Servers, servers

DELETED: dict[str, Callable[[Server, Written], Path]] = {
    "the data folder": lambda server, _: server.agent,
    "the journal": lambda server, _: server.agent / "journals" / "default" / "journal.sqlite",
    "its folder": lambda server, _: server.agent / "journals" / "default",
    "the spool": lambda server, written: server.agent / "spools" / written.producer,
    "all spools": lambda server, _: server.agent / "spools",
}


def deleted(_: Servers, seeds: list[int], say: Say, folder: Path) -> Tally:
    """Something is deleted while a script logs; once it is made again, both processes are killed."""
    return _each(Tally("deleted"), seeds, say, folder, _delete)


def full(_: Servers, seeds: list[int], say: Say, folder: Path) -> Tally:
    """A disk that spools and journal share is full while a script logs and ends, or is killed."""
    return _each(Tally("full"), seeds, say, folder, _fill)


def _each(
    tally: Tally,
    seeds: list[int],
    say: Say,
    folder: Path,
    one: Callable[[Tally, int, Servers, Path], None],
) -> Tally:
    begun = monotonic()
    for seed in seeds:
        home = folder / str(seed)

        def run(seed: int = seed, home: Path = home) -> None:
            with servers(home / "servers") as factory:
                one(tally, seed, factory, home)

        attempt(tally, seed, say, run)
        shutil.rmtree(home, ignore_errors=True)
    tally.seconds = monotonic() - begun
    say(f"{tally.part}: {tally.runs} of {len(seeds)} held")
    return tally


def _delete(tally: Tally, seed: int, factory: Servers, home: Path) -> None:
    chance = Random(seed)
    what = chance.choice(list(DELETED))
    server = factory.start()
    with script(server, home / "lines", pause=0.001, stderr=subprocess.DEVNULL) as (process, written):
        written.wait(chance.randrange(1, 300))
        gone = DELETED[what](server, written)
        if gone.is_dir():
            shutil.rmtree(gone, ignore_errors=True)
        else:
            gone.unlink()
        begun = monotonic()
        until(lambda: _is_made_again(server, written), WITHIN)
        took = monotonic() - begun
        wait_lines(written, chance.randrange(1, 100))
        assert server.ask("health").json["trouble"], "nobody says that files were deleted"
        for victim in chance.sample([server.kill, process.kill], 2):
            victim()
        process.wait()
    server.restart()
    lines, _ = story_of(server, written, "interrupted", tally)
    tally.saw(f"{what} deleted")
    tally.ran(seed, len(written.lines), lines, took)


def _is_made_again(server: Server, written: Written) -> bool:
    spool = server.agent / "spools" / written.producer
    journal = server.agent / "journals" / "default" / "journal.sqlite"
    said = server.ask("health").json["trouble"]
    return bool(said) and journal.exists() and any(spool.glob("*.seg"))


def _fill(tally: Tally, seed: int, factory: Servers, home: Path) -> None:
    chance = Random(seed)
    how = chance.choice(["that ends", "that is killed"])
    count = 2000 if how == "that ends" else None
    with small_disk(factory.home / "agent", "16m") as disk:
        server = factory.start()
        with script(server, home / "lines", count=count, pause=0.0005, stderr=subprocess.DEVNULL) as (
            process,
            written,
        ):
            written.wait(chance.randrange(50, 300))
            until(lambda: server.task(written.task))
            disk.fill(server, process.pid)
            if count is None:
                wait_lines(written, chance.randrange(1, 300))
                process.kill()
            process.wait(60)
        until(lambda: server.ask("health").json["trouble"], WITHIN)
        assert server.task(written.task)["state"] == "running"
        disk.empty(server)
        begun = monotonic()
        lines, _ = story_of(server, written, "interrupted" if count is None else "completed", tally)
        until(lambda: server.ask("health").json["status"] == "ok", WITHIN)
        tally.saw(f"a script {how}")
        tally.ran(seed, len(written.lines), lines, monotonic() - begun)
        server.stop()
