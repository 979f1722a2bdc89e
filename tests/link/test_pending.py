"""Writes that are cut off: what is known of them, and what the next contact does about it."""

import asyncio
from math import inf

import pytest

from custom_components.smartbms.bms.errors import (
    CommandRejectedError,
    ConnectionLostError,
    NoAnswerError,
    NoFreeSlotError,
    NotInReachError,
    PausedError,
)
from custom_components.smartbms.bms.settings import Block, SettingKey
from custom_components.smartbms.bms.state import Connection
from custom_components.smartbms.bms.writes import Change
from custom_components.smartbms.link.transaction import Held, PendingWrite, WriteStatus
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.write_fault import Fault, WriteFault

from .bench import HangingDisconnect
from .life import HOUR, MINUTE, Life
from .writing import LOWER, connected, go_wrong, kind_of, written

pytestmark = pytest.mark.usefixtures("virtual_time")

K = SettingKey


# The connection ends.


@pytest.mark.parametrize("fault", [Fault.LINK_LOST_AFTER, Fault.POWER_LOST_AFTER])
async def test_a_link_lost_in_the_middle_of_a_word(now: Life, fault: Fault) -> None:
    """The next contact finds the mixture and puts the old value back."""
    go_wrong(now, fault)
    outcome = await now.session.write([LOWER])
    assert outcome.status is WriteStatus.UNCLEAR
    assert outcome.changes == (Held(K.V_MIN, 2.9, 2.5, None),)
    assert isinstance(outcome.error, ConnectionLostError)
    assert now.pendings[-1] == (PendingWrite(K.V_MIN, 0x244, 0x1F4),)
    assert now.bms.firmware.counts[K.V_MIN] == 0x2F4
    await asyncio.sleep(MINUTE)
    assert now.settled == [(K.V_MIN, 2.9, 2.5, 2.9)]
    assert not now.session.pending
    assert now.session.fold.snapshot().settings[K.V_MIN] == 2.9
    assert now.bms.firmware.counts[K.V_MIN] == 0x244


async def test_a_link_lost_after_the_last_byte(now: Life) -> None:
    """The next contact finds that all of it is there."""
    go_wrong(now, Fault.LINK_LOST_AFTER, at=1)
    assert (await now.session.write([LOWER])).status is WriteStatus.UNCLEAR
    await asyncio.sleep(MINUTE)
    assert now.settled == [(K.V_MIN, 2.9, 2.5, 2.5)]
    assert len(written(now)) == 2


async def test_a_link_lost_between_two_settings(now: Life) -> None:
    """All or nothing also then: the first one is put back."""
    go_wrong(now, Fault.LINK_LOST_BEFORE, at=1)
    outcome = await now.session.write([Change(K.CRITICAL_MODE, 1), Change(K.CHEMISTRY, 2)])
    assert [change.held for change in outcome.changes] == [None, None]
    await asyncio.sleep(MINUTE)
    assert now.settled == [(K.CRITICAL_MODE, 0, 1, 0), (K.CHEMISTRY, 1, 2, 1)]


class WrongThenLost(WriteFault):
    """The second byte is stored wrongly, and the link is lost when it is put back."""

    def next(self) -> Fault | None:
        """Return the fault of the write that is heard now."""
        self.at += 1
        return {2: Fault.WRONG_BYTE, 3: Fault.LINK_LOST_BEFORE}.get(self.at)


async def test_a_link_lost_while_the_old_value_is_put_back(now: Life) -> None:
    """What was read before that is no longer what the device holds; the next contact puts it back."""
    now.bms.firmware.write_fault = WrongThenLost(fault=Fault.WRONG_BYTE, hang_up=now.bms.drop)
    outcome = await now.session.write([LOWER])
    assert outcome.status is WriteStatus.UNCLEAR
    assert outcome.changes == (Held(K.V_MIN, 2.9, 2.5, None),)
    # 0x00F4: a byte that was never sent, so it may be somebody's choice; it is told and left alone.
    await asyncio.sleep(MINUTE)
    assert now.settled == [(K.V_MIN, 2.9, 2.5, 1.22)]
    assert not now.session.pending


async def test_stopped_while_the_old_value_is_put_back(now: Life) -> None:
    """What was read before that is no longer known to be true."""
    stopping: list[asyncio.Future[None]] = []
    fault = WrongThenLost(fault=Fault.WRONG_BYTE)
    fault.hang_up = lambda: stopping.append(asyncio.ensure_future(now.session.stop()))
    now.bms.firmware.write_fault = fault
    outcome = await now.session.write([LOWER])
    await stopping[0]
    assert outcome.changes == (Held(K.V_MIN, 2.9, 2.5, None),)


async def test_stopped_in_the_middle(now: Life) -> None:
    """Home Assistant stops: what is pending has been told, and another session settles it."""
    stopping: list[asyncio.Future[None]] = []

    def stop() -> None:
        stopping.append(asyncio.ensure_future(now.session.stop()))

    now.bms.firmware.write_fault = WriteFault(fault=Fault.LINK_LOST_AFTER, hang_up=stop)
    outcome = await now.session.write([LOWER])
    await stopping[0]
    assert outcome.status is WriteStatus.UNCLEAR
    assert isinstance(outcome.error, ConnectionLostError)
    pending = now.pendings[-1]
    assert pending == (PendingWrite(K.V_MIN, 0x244, 0x1F4),)
    now.begin(pending=pending)
    await now.until(Connection.CONNECTED)
    assert now.settled == [(K.V_MIN, 2.9, 2.5, 2.9)]
    assert now.pendings[-1] == ()


class Slow(Firmware):
    """A BMS that comes to need its time."""

    is_slow = False

    def _answer(self, command: str) -> None:
        if not (self.is_slow and command == "S2@"):
            super()._answer(command)


async def test_stopped_before_the_first_byte(life: Life) -> None:
    """Nothing was written, and nothing is pending."""
    kind_of(life, Slow)
    await connected(life)
    assert isinstance(life.bms.firmware, Slow)
    life.bms.firmware.is_slow = True
    write = asyncio.ensure_future(life.session.write([LOWER]))
    await asyncio.sleep(1.5)
    await life.session.stop()
    with pytest.raises(ConnectionLostError):
        await write
    with pytest.raises(NotInReachError):
        await life.session.write([LOWER])
    assert (written(life), life.pendings) == ([], [])


async def test_a_link_lost_before_the_first_byte(life: Life) -> None:
    """Nothing was written; whoever waited behind is told as well."""
    kind_of(life, Slow)
    await connected(life)
    assert isinstance(life.bms.firmware, Slow)
    life.bms.firmware.is_slow = True
    both = [asyncio.ensure_future(life.session.write([LOWER])) for _ in range(2)]
    await asyncio.sleep(1.5)
    life.bms.drop()
    for write in both:
        with pytest.raises(ConnectionLostError):
            await write
    assert (written(life), life.pendings) == ([], [])


# When there is no connection to write over.


async def test_while_paused(now: Life) -> None:
    """The owner let go of it, and is told so; so is who waited when that happened."""
    waiting = asyncio.ensure_future(now.session.write([LOWER]))
    await asyncio.sleep(0.001)
    now.session.pause(MINUTE)
    with pytest.raises(ConnectionLostError):
        await waiting
    await now.until(Connection.PAUSED)
    with pytest.raises(PausedError):
        await now.session.write([LOWER])
    now.session.resume()
    await now.until(Connection.CONNECTED)
    now.session.pause(MINUTE)
    with pytest.raises(PausedError):
        await now.session.write([LOWER])


async def test_out_of_reach(life: Life) -> None:
    """What keeps the BMS away is what is said, to who waited for the first attempt and to who comes later."""
    life.trouble = NoFreeSlotError()
    session = life.begin()
    for _ in range(2):
        with pytest.raises(NoFreeSlotError):
            await session.write([LOWER])
    assert session.state is Connection.DISCONNECTED


async def test_while_the_first_connection_is_made(life: Life) -> None:
    """It waits for it; when there is none it is told why."""
    life.hangs = True
    session = life.begin()
    await life.until(Connection.CONNECTING)
    waiting = asyncio.ensure_future(session.write([LOWER]))
    await asyncio.sleep(5)
    life.hangs = False
    session.start()
    with pytest.raises(ConnectionLostError):
        await waiting
    waiting = asyncio.ensure_future(session.write([LOWER]))
    assert (await waiting).status is WriteStatus.VERIFIED


async def test_between_two_visits(life: Life) -> None:
    """The next visit comes now; when it is over the BMS is let go of again."""
    session = life.begin(visit_interval=HOUR)
    await life.until(Connection.WAITING)
    began = life.now
    outcome = await session.write([LOWER])
    assert outcome.status is WriteStatus.VERIFIED
    assert life.now - began < 5
    await life.until(Connection.WAITING)
    assert (session.connections, life.bms.connected) == (2, False)


async def test_a_write_that_comes_when_a_visit_is_just_over(life: Life) -> None:
    """There is one more visit at once."""
    life.via = HangingDisconnect
    session = life.begin(visit_interval=HOUR)
    await life.until(Connection.CONNECTED)
    while life.bms.connected:
        await asyncio.sleep(0.01)
    assert session.state is Connection.CONNECTED
    began = life.now
    assert (await session.write([LOWER])).status is WriteStatus.VERIFIED
    assert life.now - began < 10
    assert session.connections == 2


# What is pending from an earlier time.


@pytest.mark.parametrize(
    ("count", "held", "sent"),
    [
        (0x244, 2.9, []),
        (0x1F4, 2.5, []),
        (0x2F4, 2.9, [b"44-041!\r$"]),
        (0x144, 2.9, [b"02-040!\r$"]),
        # Chosen in the app in the meantime, 3.000 V.
        (0x258, 3.0, []),
    ],
    ids=["old", "new", "low byte first", "high byte first", "somebody's choice"],
)
async def test_a_write_that_was_pending(life: Life, count: int, held: float, sent: list[bytes]) -> None:
    """Finished or put back, unless somebody chose something else; whatever it is, it is told."""
    life.bms.firmware.counts[K.V_MIN] = count
    life.begin(pending=[PendingWrite(K.V_MIN, 0x244, 0x1F4)])
    await life.until(Connection.CONNECTED)
    assert life.settled == [(K.V_MIN, 2.9, 2.5, held)]
    assert life.session.fold.snapshot().settings[K.V_MIN] == held
    assert written(life) == sent
    assert life.pendings == [()]


async def test_a_pending_setting_that_is_not_told(life: Life) -> None:
    """It stays pending, and nothing else is written until it is settled."""
    life.bms.firmware.lack(Block.CHARGE_RELAY)
    pending = PendingWrite(K.CHARGE_RELAY_FUNCTION, 1, 3)
    life.begin(pending=[pending])
    await life.until(Connection.CONNECTED)
    assert life.session.pending == (pending,)
    with pytest.raises(NoAnswerError):
        await life.session.write([LOWER])
    life.bms.firmware.counts |= {
        K.CHARGE_RELAY_FORCE: 0,
        K.CHARGE_RELAY_FUNCTION: 1,
        K.CHARGE_RELAY_INVERT: 0,
    }
    assert (await life.session.write([LOWER])).status is WriteStatus.VERIFIED
    assert life.settled == [(K.CHARGE_RELAY_FUNCTION, 1, 3, 1)]


class Secretive(Firmware):
    """A BMS that refuses a block when it has been written to."""

    def _store(self, address: int, byte: int) -> bool:
        self.lack(Block.LOAD_RELAY)
        return super()._store(address, byte)


async def test_a_pending_write_that_cannot_be_read_back(life: Life) -> None:
    """It stays pending; the session goes on, and the next contact settles it with the blocks there are."""
    kind_of(life, Secretive)
    life.bms.firmware.counts[K.V_MIN] = 0x2F4
    life.begin(pending=[PendingWrite(K.V_MIN, 0x244, 0x1F4)])
    await life.until(Connection.CONNECTED)
    assert (len(life.session.pending), life.settled) == (1, [])
    life.bms.drop()
    await asyncio.sleep(MINUTE)
    assert life.settled == [(K.V_MIN, 2.9, 2.5, 2.9)]


async def test_a_link_lost_while_it_is_settled(life: Life) -> None:
    """It stays pending until a contact lasts long enough."""
    life.bms.firmware.counts[K.V_MIN] = 0x2F4
    go_wrong(life, Fault.LINK_LOST_BEFORE)
    pending = PendingWrite(K.V_MIN, 0x244, 0x1F4)
    life.begin(pending=[pending])
    await life.until(Connection.DISCONNECTED)
    assert (life.session.pending, life.settled) == ((pending,), [])
    await asyncio.sleep(MINUTE)
    assert life.settled == [(K.V_MIN, 2.9, 2.5, 2.9)]
    assert life.bms.firmware.counts[K.V_MIN] == 0x244


async def test_a_pending_write_that_is_refused(life: Life) -> None:
    """What the device holds is told; it is for a person to change."""
    life.bms.firmware.counts[K.V_MIN] = 0x2F4
    go_wrong(life, Fault.KO, times=inf)
    life.begin(pending=[PendingWrite(K.V_MIN, 0x244, 0x1F4)])
    await life.until(Connection.CONNECTED)
    assert life.settled == [(K.V_MIN, 2.9, 2.5, 3.78)]
    assert not life.session.pending


async def test_a_pending_delay_that_no_byte_can_hold(life: Life) -> None:
    """What the BMS says was damaged, so nobody knows; it stays pending, and nothing is written."""
    life.bms.firmware.counts[K.CHARGE_PAUSE_DELAY] = 0x105
    pending = PendingWrite(K.CHARGE_PAUSE_DELAY, 5, 10)
    life.begin(pending=[pending])
    await asyncio.sleep(MINUTE)
    assert (life.session.pending, life.settled) == ((pending,), [])
    assert written(life) == []


# Addresses that nobody has confirmed.

RESTART = Change(K.CHARGE_RESTART, 90)


async def test_an_unconfirmed_address_that_is_right(now: Life) -> None:
    """95 % becomes 90 %; until it is verified everything else is at stake."""
    now.bms.firmware.also_at = {0x080: K.CHARGE_RESTART}
    outcome = await now.session.write([RESTART])
    assert outcome.status is WriteStatus.VERIFIED
    assert outcome.changes == (Held(K.CHARGE_RESTART, 95, 90, 90),)
    assert len(now.pendings[0]) == len(now.bms.firmware.counts)
    assert written(now) == [b"5A-080!\r$"]


async def test_an_unconfirmed_address_of_another_setting(now: Life) -> None:
    """That one is put back where it is known to be written, and both are told."""
    now.bms.firmware.also_at = {0x080: K.V_MAX_HYSTERESIS}
    outcome = await now.session.write([RESTART])
    assert outcome.status is WriteStatus.RESTORED
    assert written(now) == [b"5A-080!\r$", b"05-052!\r$"]
    assert now.bms.firmware.counts[K.V_MAX_HYSTERESIS] == 5


async def test_an_unconfirmed_address_of_the_other_one(now: Life) -> None:
    """Discharge restart has no known address either, so it is put back where it was changed."""
    now.bms.firmware.also_at = {0x080: K.DISCHARGE_RESTART}
    outcome = await now.session.write([RESTART])
    assert outcome.status is WriteStatus.RESTORED
    assert written(now) == [b"5A-080!\r$", b"05-080!\r$"]


async def test_an_unconfirmed_address_that_shows_nothing(now: Life) -> None:
    """The byte was taken somewhere; it gets the old value."""
    now.bms.firmware.also_at = {0x080: None}
    outcome = await now.session.write([RESTART])
    assert outcome.status is WriteStatus.RESTORED
    assert written(now) == [b"5A-080!\r$", b"5F-080!\r$"]


async def test_an_unconfirmed_address_that_is_none(now: Life) -> None:
    """The device refuses."""
    with pytest.raises(CommandRejectedError):
        await now.session.write([RESTART])


async def test_a_link_lost_after_an_unconfirmed_byte(now: Life) -> None:
    """What it changed is found at the next contact, put back, and told; what did not change is not."""
    now.bms.firmware.also_at = {0x080: K.V_MAX_HYSTERESIS}
    go_wrong(now, Fault.LINK_LOST_AFTER)
    assert (await now.session.write([RESTART])).status is WriteStatus.UNCLEAR
    await asyncio.sleep(MINUTE)
    assert now.settled == [(K.CHARGE_RESTART, 95, 90, 95)]
    assert now.bms.firmware.counts[K.V_MAX_HYSTERESIS] == 5


async def test_a_link_lost_before_an_unconfirmed_byte(now: Life) -> None:
    """Nothing shows that anything was written there, so nothing is: it may be another setting's."""
    now.bms.firmware.also_at = {0x080: K.V_MAX_HYSTERESIS}
    go_wrong(now, Fault.LINK_LOST_BEFORE)
    assert (await now.session.write([RESTART])).status is WriteStatus.UNCLEAR
    await asyncio.sleep(MINUTE)
    assert now.settled == [(K.CHARGE_RESTART, 95, 90, 95)]
    assert written(now) == [b"5A-080!\r$"]


async def test_an_unconfirmed_byte_that_is_not_acknowledged(now: Life) -> None:
    """Nor is anything written when nothing came back and nothing shows."""
    now.bms.firmware.also_at = {0x080: K.V_MAX_HYSTERESIS}
    go_wrong(now, Fault.LOST_BYTE)
    with pytest.raises(NoAnswerError):
        await now.session.write([RESTART])
    assert written(now) == [b"5A-080!\r$"]
