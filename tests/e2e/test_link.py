"""The radio link: lost for a moment, lost for long."""

import asyncio
from collections.abc import Callable
from time import monotonic

from scripts.rig.esphome_link import LINK_TIMEOUT
from scripts.rig.world import World

from .house import ABOUT_THE_LINK, E2E, Bms, Bring, Log, shows_something

pytestmark = E2E

GRACE = 30.0


def _lose_radio_contact(bms: Bms) -> None:
    bms.here.proxy.drop_link(bms.address, LINK_TIMEOUT)


def _hang_up(bms: Bms) -> None:
    bms.peripheral.drop()


async def _lose_for_a_moment(bms: Bms, lose: Callable[[Bms], None]) -> None:
    await bms.set_up()
    async with bms.history() as changes:
        lose(bms)
        assert not bms.is_linked
        await bms.becomes("connection", "disconnected", "connecting")
        await bms.becomes("connection", "connected")
        for cell in bms.firmware.battery.cells:
            cell.voltage += 0.1
        await bms.shows_everything()
    # Nothing is known of the cells while their chain is broken, so this comes last.
    await bms.shows_news()
    connection = [state for key, state in changes if key == "connection"]
    assert connection == ["disconnected", "connecting", "connected"]
    assert not {"unavailable", "unknown"} & {state for _, state in changes}


async def test_a_link_lost_for_a_moment_is_hardly_noticed(bring: Bring) -> None:
    """Whoever ended it, the BMS is connected again, and no value was taken from the screen."""
    await asyncio.gather(
        _lose_for_a_moment(bring(), _lose_radio_contact), _lose_for_a_moment(bring(), _hang_up)
    )


async def test_values_are_withdrawn_when_a_bms_is_away_for_long(here: World, bring: Bring, log: Log) -> None:
    """Without contact the values go after the grace time, and return with the BMS.

    One that is only visited now and then keeps them: it is not expected yet.
    """
    bms, visited = bring(), bring()
    await asyncio.gather(bms.set_up(), visited.set_up())
    here.proxy.out_of_reach.add(bms.address)
    gone_since = monotonic()
    await visited.configure(connection_mode="periodic", visit_minutes=1)
    await visited.becomes("connection", "waiting")
    here.proxy.out_of_reach.add(visited.address)
    async with bms.history() as changes:
        await bms.becomes_unavailable(GRACE + 10)
        assert monotonic() - gone_since > GRACE - 1
        assert (await bms.states())["connection"] != "connected"
        assert ABOUT_THE_LINK.isdisjoint(key for key, state in changes if state == "unavailable")
        assert shows_something(await visited.states())
    assert [text.startswith(f"{bms.name} is unavailable") for text in log.complaints] == [True]

    here.proxy.out_of_reach.clear()
    await bms.shows_news()
    assert len(log.complaints) == 1
