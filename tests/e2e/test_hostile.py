"""Devices that look like a BMS and are hostile, beside a good one: what they cost, and what is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from typing import Final

import pytest
import pytest_asyncio

from scripts.rig.hostile import TRICKS, Trick
from scripts.rig.hostile_soak import LONGEST_LAG, MOST_GROWTH, Attack, End, Meter, attack, complaints
from scripts.rig.world import World

from .house import E2E, Bring, Log

pytestmark = E2E

# Longer than the silence after which a BMS counts as lost, and a new attempt.
SECONDS: Final = 14.0
BETWEEN: Final = 0.3
_CROWD: Final = 4
FLOODS: Final = {name: trick for name, trick in TRICKS.items() if trick.ends == "flooded"}
_NUMBERS: Final = count(6001)


@pytest_asyncio.fixture(loop_scope="session")
async def crowded(here: World) -> AsyncIterator[World]:
    """Give a house whose proxy has a connection for everybody, and has met a hostile device before."""
    before = here.proxy.slots
    here.proxy.slots = 2 * len(TRICKS)
    here.proxy.slots_changed()
    async with attack(here, next(_NUMBERS), Trick()) as first:
        await first.last(1)
    yield here
    here.proxy.slots = before
    here.proxy.slots_changed()


async def _begin_later(attack: Attack, number: int) -> End:
    """Play a trick, one after the other: they begin by hanging up, and not all of them at the same instant."""
    await asyncio.sleep(number * BETWEEN)
    # Who is only deceived by the first meeting has been.
    return await attack.last(0 if attack.trick.met_once else SECONDS)


@pytest.mark.parametrize(
    "tricks",
    [FLOODS, {name: trick for name, trick in TRICKS.items() if name not in FLOODS}],
    ids=["floods", "everything else"],
)
async def test_hostile_devices_at_once(
    crowded: World, bring: Bring, log: Log, tricks: dict[str, Trick]
) -> None:
    """Home Assistant is not held up and does not grow, a good BMS goes on, and the owner is told what is wrong."""
    good = bring()
    await good.set_up()
    meter = Meter(crowded)

    async def go_on() -> None:
        for _ in range(3):
            await good.shows_news()

    async with AsyncExitStack() as stack:
        attacks = await asyncio.gather(
            *(stack.enter_async_context(attack(crowded, next(_NUMBERS), trick)) for trick in tricks.values())
        )
        await meter.begin()
        ends, _ = await asyncio.gather(
            asyncio.gather(*(_begin_later(each, number) for number, each in enumerate(attacks))), go_on()
        )
        cost = await meter.cost()
    # A crowd at once, on a machine that others use; `scripts/soak --hostile` has the strict limit for each.
    assert cost.longest_but_one < _CROWD * LONGEST_LAG, cost
    assert cost.growth < MOST_GROWTH, cost
    unclear: dict[str, End] = {
        name: end for (name, trick), end in zip(tricks.items(), ends, strict=True) if not end.is_clear(trick)
    }
    assert not unclear
    assert not complaints(crowded.home_assistant.log)
    assert [text for text in log.complaints if good.name in text] == []
