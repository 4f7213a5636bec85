"""Work that takes long: told of, stopped by a button, by leaving, by a newer one or by time, in line, and ended in words."""

import threading
import time
from typing import Any

import pytest
from logs import ours

from merger.errors import OUR_FAULT, Cancelled, MergeError
from merger.ui.background import Background, Ended, Work


def counting(to: int, pause: float = 0.01) -> Any:
    def do(work: Work) -> int:
        for i in range(to):
            if work.stopped():
                raise Cancelled("stopped")
            work.tell(i)
            time.sleep(pause)
        return to

    return do


def last(seen: list[Any]) -> Ended[Any]:
    assert isinstance(seen[-1], Ended) and not any(isinstance(one, Ended) for one in seen[:-1])
    return seen[-1]


def test_what_is_told_arrives_in_order_and_then_the_end() -> None:
    seen = [*Background("counting", 0.02).run("me", counting(20))]
    assert [n for told in seen[:-1] for n in told] == [*range(20)]
    assert last(seen) == Ended(20, None) and last(seen).words == ""


def test_errors_end_in_words(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: Work) -> int:
        raise MergeError("no such model.")

    def break_down(_: Work) -> int:
        raise ZeroDivisionError("secret")

    background = Background("breaking", 0.02)
    assert last([*background.run("me", refuse)]).words == "no such model." and not ours(caplog)
    ended = last([*background.run("me", break_down)])
    assert ended.words == OUR_FAULT and not ended.cancelled and "breaking failed" in caplog.text


@pytest.mark.parametrize("how", ["cancel", "newer", "time"])
def test_it_is_stopped(how: str) -> None:
    background = Background("counting", 0.02)
    going = background.run("me", counting(10_000), seconds=0.1 if how == "time" else float("inf"))
    seen = [next(going), next(going)]
    others = background.run("you", counting(3))
    if how == "cancel":
        background.stop("me")
    elif how == "newer":
        newer = background.run("me", counting(3))
        next(newer)
    seen += [*going]
    assert last(seen).cancelled and not background._under_way.keys() - {"me"}
    assert last([*others]).value == 3  # another visitor's goes on
    if how == "newer":
        assert last([[], *newer]).value == 3  # the newer one is not stopped by the end of the older
    assert not background._under_way


def test_leaving_stops_it_and_what_was_made_is_thrown_away() -> None:
    background, made, thrown = Background("making", 0.02), threading.Event(), list[str]()

    def do(work: Work) -> str:
        while not work.stopped():
            time.sleep(0.01)
        made.set()
        return "the zip"

    going = background.run("me", do, thrown.append)
    next(going)
    going.close()
    assert made.wait(5)
    for _ in range(100):
        if thrown:
            break
        time.sleep(0.02)
    assert thrown == ["the zip"] and not background._under_way
    seen = [*background.run("me", lambda _: "kept", thrown.append)]
    assert last(seen).value == "kept" and thrown == ["the zip"]


def test_a_line_is_waited_for_and_left() -> None:
    background, line = Background("sweeping", 0.02), threading.Lock()
    with line:
        waiting = background.run("me", counting(2), line=line)
        other = background.run("you", counting(2), line=line)
        assert next(waiting) == [] and next(other) == [] and next(waiting) == []
        background.stop("me")
        assert last([[], *waiting]).cancelled
    assert last([[], *other]).value == 2 and not line.locked()
