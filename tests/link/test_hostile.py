"""A session and something hostile that looks like a BMS, in virtual time."""

import asyncio
from itertools import pairwise

import pytest

from custom_components.smartbms.bms.lines import Rejection
from custom_components.smartbms.bms.state import Connection
from custom_components.smartbms.link.client import Client
from custom_components.smartbms.simulator.in_process import FoundServices
from scripts.rig.hostile import TRICKS, HostileBms, Trick, hostile_bms

from .bench import Recorder
from .life import MINUTE, Life

pytestmark = pytest.mark.usefixtures("virtual_time")

# A stand-in for bleak finds no characteristic twice.
IN_PROCESS = {name: trick for name, trick in TRICKS.items() if not name.startswith("two_ways")}


def meet(life: Life, trick: Trick) -> HostileBms:
    """Let the BMS be one that plays a trick."""
    bms = hostile_bms(666)
    bms.play(trick)
    life.bms = bms
    return bms


def pins_given(life: Life) -> int:
    """Return how often the PIN was sent."""
    return sum(data.startswith(b"PW") for link in life.links for data in link.sent)


@pytest.mark.parametrize(
    ("trick", "ends"), [(trick, trick.ends) for trick in IN_PROCESS.values()], ids=IN_PROCESS
)
async def test_how_every_trick_ends(life: Life, trick: Trick, ends: str | None) -> None:
    """With the error that says what is wrong, and with a connection only where there is nothing to object to."""
    bms = meet(life, trick)
    session = life.begin(pin="1234")
    await asyncio.sleep(5 * MINUTE)
    errors = {error for _, state, error in life.states if state is not Connection.CONNECTING}
    assert errors - {None} == (set() if ends is None else {ends})
    assert (session.state is Connection.CONNECTED) is bms.connected is (ends is None)
    # At most once a second, soon once a minute.
    assert all(later - earlier >= 1 for earlier, later in pairwise(life.attempts))
    assert len(life.attempts) <= 14


@pytest.mark.parametrize(
    "trick", [trick for trick in IN_PROCESS.values() if trick.ends], ids=lambda t: t.ends
)
async def test_a_bms_that_becomes_good_is_a_bms_again(life: Life, trick: Trick) -> None:
    """Whatever it was, unless it rejected the PIN: then only a person can tell."""
    bms = meet(life, trick)
    session = life.begin(pin="1234")
    await asyncio.sleep(MINUTE)
    bms.play(Trick())
    await asyncio.sleep(2 * MINUTE)
    if trick.ends == "pin_rejected":
        assert session.state is Connection.PIN_REJECTED
        return
    assert session.state is Connection.CONNECTED
    assert session.last_contact is not None
    assert asyncio.get_running_loop().time() - session.last_contact < 2


async def test_the_pin_is_not_given_again_to_one_that_rejected_it(life: Life) -> None:
    """It took the PIN and rejected what came next: that is a rejection, and there is one attempt."""
    meet(life, TRICKS["asks_for_the_pin_again"])
    life.begin(pin="1234")
    await asyncio.sleep(60 * MINUTE)
    assert pins_given(life) == 1


async def test_a_flood_is_cut_off(life: Life) -> None:
    """8000 bytes are taken, which is some 350 records and more than half a minute of a BMS's words."""
    bms = meet(life, TRICKS["flood"])
    session = life.begin(pin="1234")
    await asyncio.sleep(1.5)
    (_, connecting, _), (began, connected, _), (ended, disconnected, error) = life.states
    assert (connecting, connected) == (Connection.CONNECTING, Connection.CONNECTED)
    assert (disconnected, error) == (Connection.DISCONNECTED, "flooded")
    assert ended - began < 0.2
    assert not bms.connected
    assert 200 < len(life.records) < 400
    assert session.rejected == {Rejection.TOO_MUCH: 1}


async def test_one_that_flooded_is_believed_once_it_has_stayed(life: Life) -> None:
    """What comes before the next flood is not: it would look like a BMS that comes and goes."""
    bms = meet(life, TRICKS["flood"])
    session = life.begin(pin="1234")
    await asyncio.sleep(MINUTE)
    records, contact = len(life.records), session.last_contact
    assert len(life.attempts) > 3
    assert records < 400
    assert life.records[-1] < 2
    bms.play(Trick())
    await life.until(Connection.CONNECTED)
    assert (len(life.records), session.last_contact) == (records, contact)
    await asyncio.sleep(3)
    assert len(life.records) > records
    assert session.last_contact != contact


async def test_a_backlog_is_no_flood(life: Life) -> None:
    """What a proxy held up for half a minute may come at once: 240 records."""
    session = life.begin()
    await life.until(Connection.CONNECTED)
    before = len(life.records)
    for _ in range(240):
        life.links[0].notified(
            life.bms.services[-1].characteristics[-1].handle, b"E_00070A_0018D2_000403_37\r"
        )
    await asyncio.sleep(1)
    assert len(life.records) >= before + 240
    assert session.state is Connection.CONNECTED


async def test_what_comes_after_the_end_is_not_heard(life: Life) -> None:
    """Until a backend has ended a connection, a flood goes on."""
    heard: list[str] = []
    link = await Recorder(life.bms).connect()
    async with Client(link, heard.extend) as client:
        await client.start_stream()
        client.lost()
        link.notified(life.bms.services[-1].characteristics[-1].handle, b"U_0675_+000_+000_+000\r")
        await asyncio.sleep(1)
        assert heard == []


async def test_a_session_without_records_has_no_contact(life: Life) -> None:
    """A BMS that answers and says nothing by itself has not been heard, however often it is reached."""
    meet(life, TRICKS["no_stream"])
    session = life.begin(pin="1234")
    await asyncio.sleep(5 * MINUTE)
    assert session.connections > 3
    assert session.last_contact is None


class Remembering(Recorder):
    """A proxy that remembers the services of its first connection until it is told to forget them."""

    remembered: FoundServices | None = None

    async def connect(self) -> Remembering:
        """Connect, and believe that the services are those of the first time."""
        kind = type(self)
        kind.remembered = self.services = kind.remembered or self.services
        await super().connect()
        return self

    async def clear_cache(self) -> bool:
        """Forget them."""
        type(self).remembered = None
        return True


async def test_services_that_were_cut_short_are_not_remembered(life: Life) -> None:
    """A table that arrived in part is read again; else it would be no BMS for ever."""
    bms = meet(life, TRICKS["no_way_in"])
    life.via = Remembering
    life.begin(pin="1234")
    await asyncio.sleep(1)
    assert life.states[-1][2] == "not_a_bms"
    bms.play(Trick())
    await asyncio.sleep(5)
    assert life.session.state is Connection.CONNECTED
