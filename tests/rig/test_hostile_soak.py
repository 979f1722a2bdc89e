"""What `scripts/soak --hostile` says of what it has seen, and how it measures."""

import asyncio
import gc
from time import perf_counter

import pytest

from scripts.rig.components.event_loop import Watch
from scripts.rig.hostile import TRICKS
from scripts.rig.hostile_soak import Cost, End, complaints, table

CHEAP = Cost(p99=1.0, longest=20.0, longest_but_one=10.0, collection=200.0, growth=1.0)


@pytest.mark.parametrize(
    ("trick", "form", "entry", "is_clear"),
    [
        ("flood", None, ("connection_lost", "flooded", None), True),
        ("flood", None, ("connection_lost", None), False),
        ("flood", "no_answer", ("flooded",), False),
        ("silent", "no_answer", ("no_answer",), True),
        ("silent", None, ("no_answer", "flooded"), False),
        ("absurd_values", None, ("connection_lost", None), True),
        ("absurd_values", None, ("connection_lost", "connection_lost"), False),
        ("hangs_up_on_the_pin", "connection_lost", ("connection_lost",), True),
        ("no_way_in", "not_a_bms", (), True),
        ("no_way_in", "connection_lost", (), False),
    ],
)
def test_which_ends_are_clear(
    trick: str, form: str | None, entry: tuple[str | None, ...], is_clear: bool
) -> None:
    """The right error was told, no other one but the loss with which a trick begins, and it stays where it must."""
    assert End(form=form, entry=entry).is_clear(TRICKS[trick]) is is_clear


@pytest.mark.parametrize(
    ("longest", "growth", "passes"), [(49.9, 19.9, True), (50.0, 0.0, False), (1.0, 20.0, False)]
)
def test_the_limits(longest: float, growth: float, passes: bool) -> None:
    """50 ms and 20 MB."""
    cost = Cost(p99=1.0, longest=longest, longest_but_one=1.0, collection=300.0, growth=growth)
    assert cost.passes is passes


def test_the_table() -> None:
    """A line for each trick, with what was told and what it cost."""
    flooded = End(form=None, entry=("connection_lost", "flooded", "flooded"))
    head, good, bad = table([("flood", flooded, CHEAP), ("silent", flooded, CHEAP)])
    assert head.split() == ["trick", "form", "says", "entry", "says", "p99", "ms", "longest", "garbage", "MB"]
    assert good.split() == ["flood", "-", "connection_lost,", "flooded", "1.0", "20.0", "200.0", "1.0", "ok"]
    assert bad.split()[-1] == "FAILS"


def test_what_is_a_complaint() -> None:
    """An error that is ours or nobody's; not one of a camera, nor the full story of a retry."""
    ours = "2026-11-20 21:36:22.925 ERROR (MainThread) [custom_components.smartbms.link.session] Unexpected error"
    nobodys = "2026-11-20 21:36:22.925 ERROR (MainThread) [homeassistant] Error doing job"
    others = (
        "2026-11-20 21:36:22.925 ERROR (ImportExecutor_0) [homeassistant.components.camera.img_util] Error loading",
        "2026-11-20 21:36:22.925 DEBUG (MainThread) [custom_components.smartbms] Full exception",
    )
    assert complaints("\n".join((ours, *others, nobodys))) == [ours, nobodys]


async def test_what_holds_the_loop_up_is_measured_and_garbage_apart() -> None:
    """Work of 60 ms is a lag of some 50; a collection is a pause, and no lag; to wait is neither."""
    watch = Watch()
    await asyncio.sleep(0.05)
    until = perf_counter() + 0.06
    while perf_counter() < until:
        pass
    await asyncio.sleep(0.02)
    # Another's turn on the core may have been taken off.
    assert 0.005 < max(watch.lags) < 0.2
    watch.lags.clear()
    gc.collect()
    await asyncio.sleep(0.05)
    assert watch.pauses
    watch.stop()
    count = len(watch.lags)
    await asyncio.sleep(0.05)
    assert len(watch.lags) == count
