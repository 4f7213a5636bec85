"""How long visitors wait for answers: a simulation of the page's line, held against the page itself.

    python benchmarks/waiting.py                    measure what an answer takes of twenty visitors that come one after the other,
                                                    say how long twenty at once would wait, let twenty others come at once
                                                    (benchmarks/load.py), and compare
    python benchmarks/waiting.py --day 10000 [--seconds 0.45] [--answers 6] [--servers 1]
                                                    a day of so many visitors, of whom a tenth come in the busiest hour

One answer is made at a time, in the order in which they were asked for (merger/ui/turns.py); a visitor asks, reads, and asks
again. Called `waiting` and not `queue`: Python itself has a module of that name, and would find this one.
"""

import argparse
import asyncio
import heapq
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean as mean
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from merger.limits import ANSWERS, LINE_SECONDS  # noqa: E402


@dataclass(frozen=True)
class Waits:
    """What visitors met. Seconds from asking to the whole answer; who was refused has none."""

    seconds: tuple[float, ...]
    refused: int = 0
    busy: float = 0.0
    longest: int = 0
    """Answers that waited or were made at a time."""

    def at(self, share: float) -> float:
        """The wait that this share of answers is not above."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")

    @property
    def mean(self) -> float:
        return sum(self.seconds) / len(self.seconds) if self.seconds else float("nan")


@dataclass(frozen=True)
class Visitor:
    """Comes at a time and asks so many answers; pauses between one answer and the next question: from, to, in seconds."""

    comes: float
    answers: int
    pause: tuple[float, float]


def simulate(
    visitors: Sequence[Visitor], service: Sequence[float], servers: int = 1, seed: int = 0,
    most: int = int(ANSWERS), patience: float = float(LINE_SECONDS), quota: float = float("inf"),
    in_order: bool = False,
) -> Waits:  # fmt: skip
    """What visitors wait where each answer takes one of the `service` seconds, drawn at random.

    most      answers of everybody that may wait or be made: one more is refused; its visitor goes on with the next question
    patience  seconds in line after which an answer is given up
    quota     seconds of service that one visitor gets in all, as of a GPU that is lent; who has used them up is refused
    in_order  the first takes the first of them, and so on: a machine that others use is slow for a while, and then is not
    """
    rng = random.Random(seed)
    free = [0.0] * servers
    # (time of asking, order, visitor, answers left): a heap, the next first
    events = [(one.comes + rng.uniform(*one.pause), i, i, one.answers) for i, one in enumerate(visitors) if one.answers]
    used = [0.0] * len(visitors)
    heapq.heapify(events)
    ends: list[float] = []  # of answers that are under way, for how many there are
    waits: list[float] = []
    refused = longest = 0
    busy, order, now = 0.0, len(events), 0.0
    while events:
        now, _, who, left = heapq.heappop(events)
        while ends and ends[0] <= now:
            heapq.heappop(ends)
        takes = service[(len(waits) + refused) % len(service)] if in_order else rng.choice(service)
        begins = max(now, free[0])
        if len(ends) >= most or begins - now > patience or used[who] + takes > quota:
            refused += 1
            done = now + (patience if begins - now > patience else 0.0)
        else:
            done = begins + takes
            heapq.heapreplace(free, done)
            heapq.heappush(ends, done)
            waits.append(done - now)
            busy += takes
            used[who] += takes
            longest = max(longest, len(ends))
        if left > 1:
            order += 1
            heapq.heappush(events, (done + rng.uniform(*visitors[who].pause), order, who, left - 1))
    return Waits(tuple(waits), refused, busy / servers / max(now, 1e-9), longest)


def together(people: int, rounds: int, lets_go: float = 0.0, seed: int = 0) -> list[Visitor]:
    """Those of benchmarks/load.py: they come within eight seconds, drag for 1.5 s before they ask, and think for 4 to 10 s.

    lets_go  seconds until the page has heard that the hand let go
    """
    rng = random.Random(seed)
    pause = 5.5 + lets_go, 11.5 + lets_go
    return [Visitor(rng.uniform(0, 8) - 7, rounds, pause) for _ in range(people)]  # the first time there is no thought before


def day(visitors: int, answers: int, busiest: float = 0.1, seed: int = 0) -> list[Visitor]:
    """The busiest hour of a day, in which so large a share of its visitors comes, at random; each asks so many answers on
    average (at least one), and pauses 5 to 60 seconds."""
    rng = random.Random(seed)
    count = round(visitors * busiest)
    return [
        Visitor(rng.uniform(0, 3600), 1 + min(40, int(rng.expovariate(1 / max(1e-9, answers - 0.5)))), (5, 60))
        for _ in range(count)
    ]


def measured(address: str, pid: int, people: int, rounds: int, wave: int, at_once: bool = True) -> dict[str, list[Any]]:
    """So many visitors of benchmarks/load.py at a page, and what they met. wave: who has not been there before."""
    from benchmarks.load import everybody, in_turn

    if not at_once:
        return asyncio.run(in_turn(address, people, rounds, wave))
    return asyncio.run(everybody(address, people, 0, rounds, False, pid, wave))[0]


def services(served: Sequence[tuple[float, float]]) -> list[float]:
    """What each answer took once it was its turn, of those that were made one at a time: (asked, done) in seconds.

    >>> services([(0, 2), (1, 3), (9, 10)])
    [2, 1, 1]
    """
    ordered = sorted(served, key=lambda one: one[1])
    return [
        done - max(asked, before)
        for (asked, done), before in zip(ordered, [float("-inf"), *(d for _, d in ordered)], strict=False)
    ]


def compare(people: int, rounds: int, times: int) -> None:
    """Predict from visitors that come one after the other what as many others at once wait, and let those come."""
    from benchmarks.load import processor, serve

    app, address = serve()
    try:
        measured(address, app.pid, people, 1, -1)  # warm: what is made once for each prompt
        for wave in range(times):
            before = processor(app.pid)
            alone = measured(address, app.pid, people, rounds, 2 * wave, at_once=False)
            between = processor(app.pid)
            met = measured(address, app.pid, people, rounds, 2 * wave + 1)
            spent = (between - before) / (rounds * people), (processor(app.pid) - between) / (rounds * people)
            found, takes = Waits(tuple(done - asked for asked, done in met["served"])), services(met["served"])
            one = services(alone["served"])
            print(
                f"an answer takes {mean(one):.2f} s one after the other, {mean(takes):.2f} s among {people}; "
                f"of the server's processor {spent[0]:.2f} and {spent[1]:.2f} s a round; load {_load()}"
            )
            for name, own, lets_go in (("those in turn", one, alone["let go"]), ("what theirs took", takes, met["let go"])):
                predicted = _often(people, rounds, mean(lets_go) / 1e3, own, own is takes)
                rows = [(predicted.mean, found.mean), *((predicted.at(share), found.at(share)) for share in (0.5, 0.9))]
                said = (f"{what} {a:.2f} s, met {b:.2f} s, {a / b - 1:+.0%}" for what, (a, b) in zip(_SHOWN, rows, strict=True))
                print(f"   from {name}: {'; '.join(said)}", flush=True)
    finally:
        app.terminate()
        app.wait(20)


_SHOWN = ("mean", "p50", "p90")


def _often(people: int, rounds: int, lets_go: float, takes: Sequence[float], in_order: bool) -> Waits:
    runs = [simulate(together(people, rounds, lets_go, seed), takes, seed=seed, in_order=in_order) for seed in range(100)]
    return Waits(tuple(second for run in runs for second in run.seconds))


def _load() -> str:
    return Path("/proc/loadavg").read_text(encoding="ascii").split()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--day", type=int, metavar="VISITORS")
    parser.add_argument("--seconds", type=float, action="append", help="an answer takes; may be given several times")
    parser.add_argument("--answers", type=int, default=6, help="that a visitor asks for on average")
    parser.add_argument("--servers", type=int, default=1, help="machines with the page, or GPUs that are lent at a time")
    parser.add_argument("--quota", type=float, default=float("inf"), metavar="SECONDS", help="of answers that a visitor gets")
    options = parser.parse_args()
    if options.day is None:
        compare(options.people, options.rounds, options.times)
        return
    for seconds in options.seconds or (0.45,):
        met = simulate(
            day(options.day, options.answers), [seconds * k / 4 for k in range(1, 8)], options.servers, quota=options.quota
        )
        asked = len(met.seconds) + met.refused
        waits = ", ".join(f"{met.at(share):.1f} s (p{100 * share:.0f})" for share in (0.5, 0.9, 0.99))
        print(
            f"{options.day:,} visitors a day, {seconds:g} s an answer, {options.servers} at a time: busy {met.busy:.0%}, "
            f"answers after {waits}, {met.refused / asked:.1%} of {asked:,} refused, {met.longest} at most in line"
        )


if __name__ == "__main__":
    main()
