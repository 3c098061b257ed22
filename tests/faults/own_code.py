"""Code as people have it, as tasks of a real kernel in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import Any

from tests.faults.tally import Say, Tally, attempt
from tests.support.builders import until
from tests.support.kernels import execute
from tests.support.servers import Server, Servers

PLACES = ("process", "detached")
KINDS = ("threads", "bar", "awaits", "pool", "forgives")

CODE = '''
import asyncio, json, multiprocessing, pathlib, random, threading, time
from concurrent.futures import ThreadPoolExecutor
import jupyter_agent as ja

def threads():
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(print, ["a", "b"]))
    one = threading.Thread(target=print, args=("c",))
    one.start()
    one.join()

def bar():
    from tqdm import tqdm
    for _ in tqdm(range(5)):
        pass
    print("d")

async def awaits():
    for _ in ja.track(range(4000)):
        await asyncio.sleep(0.05)

def pool():
    """Its processes are terminated while they wait: a handler of the task's must not run in them."""
    for _ in range(6):
        with multiprocessing.get_context("fork").Pool(2) as made:
            made.map(abs, range(8))

def forgives():
    for _ in ja.track(range(4000)):
        try:
            time.sleep(0.05)
        except Exception:
            pass

def has_begun(handle):
    while not (handle.progress and handle.progress.done) and not handle.state.ended:
        handle.wait(0.02)

def end_of(work, place, chance):
    handle = ja.task(work, on=place, show=False).submit()
    if work in (awaits, forgives):
        has_begun(handle)
        time.sleep(chance.random() * 0.2)
        handle.cancel()
    if not handle.wait(60):
        handle.cancel()
        return [work.__name__, place, "has not ended after 60 s", None, []]
    done = handle.progress.done if handle.progress else None
    return [work.__name__, place, str(handle.state), done, sorted(handle.logs().split())]

def all_ends(path, seed):
    chance = random.Random(seed)
    kinds, places = (threads, bar, awaits, pool, forgives), ("process", "detached")
    works = [(work, place) for work in kinds for place in places]
    chance.shuffle(works)
    pathlib.Path(path + ".new").write_text(json.dumps([end_of(*one, chance) for one in works]))
    pathlib.Path(path + ".new").rename(path)
'''


def own_code(factory: Servers, seeds: list[int], say: Say, folder: Path) -> Tally:
    """For each seed a kernel: each kind of work in each place ends as it should, and the kernel lives on."""
    tally = Tally("code")
    begun = monotonic()
    server = factory.start()
    for seed in seeds:
        attempt(tally, seed, say, lambda: _in_a_kernel(server, seed, folder / str(seed), tally))  # noqa: B023
        say(f"code: {len(tally.seeds)} kernels")
    tally.seconds = monotonic() - begun
    return tally


def _in_a_kernel(server: Server, seed: int, folder: Path, tally: Tally) -> None:
    folder.mkdir()
    kernel = server.start_kernel()
    try:
        execute(server, kernel, f"{CODE}\nall_ends({str(folder / 'ends')!r}, {seed})")
        until((folder / "ends").exists, 300)
        execute(server, kernel, f"import pathlib; pathlib.Path({str(folder / 'alive')!r}).touch()")
        until((folder / "alive").exists, 30)
    finally:
        server.api(f"kernels/{kernel}", "DELETE")
    ends: list[Any] = json.loads((folder / "ends").read_text())
    assert len(ends) == len(KINDS) * len(PLACES)
    wrong = [end for end in ends if not _is_right(*end)]
    assert not wrong, f"ended otherwise: {wrong}"
    for kind, place, *_ in ends:
        tally.saw(f"{kind} in {place}")
    lines = sum(line in found for *_, found in ends for line in "abcd")
    tally.ran(seed, 4 * len(PLACES), lines)


def _is_right(kind: str, _place: str, state: str, done: float | None, lines: list[str]) -> bool:
    match kind:
        case "threads":
            return (state, lines) == ("completed", ["a", "b", "c"])
        case "bar":
            return (state, done, "d" in lines) == ("completed", 5, True)  # the bar's last line is there, too
        case "pool":
            return (state, lines) == ("completed", [])
        case _:
            return state == "cancelled" and done is not None and done < 4000 and not lines
