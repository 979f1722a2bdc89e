"""Changing settings: what is sent, what is read back, and what is done when a byte goes wrong."""

import asyncio
from collections.abc import Mapping
from math import inf

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.errors import (
    CommandRejectedError,
    NoAnswerError,
    NotVerifiedError,
    PinRejectedError,
    SettingFault,
    SettingRefusedError,
    SmartBmsError,
)
from custom_components.smartbms.bms.settings import Block, SettingKey
from custom_components.smartbms.bms.state import Connection
from custom_components.smartbms.bms.writes import Change
from custom_components.smartbms.link.transaction import Held, PendingWrite, WriteStatus
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.write_fault import Fault, WriteFault

from .life import MINUTE, Life
from .writing import LOWER, connected, go_wrong, kind_of, written

pytestmark = pytest.mark.usefixtures("virtual_time")

GEN2 = DeviceType.GEN2
K = SettingKey
BLOCKS = [b"S1@\r$", b"S2@\r$", b"S3@\r$", b"SRY0@\r$", b"SRY1@\r$"]


# When all goes well.


async def test_a_word(now: Life) -> None:
    """Read everything, write both bytes, read everything again; the stream is silent meanwhile."""
    outcome = await now.session.write([LOWER])
    assert outcome.status is WriteStatus.VERIFIED
    assert outcome.changes == (Held(K.V_MIN, 2.9, 2.5, 2.5),)
    assert (outcome.settings[K.V_MIN], outcome.settings[K.V_MAX]) == (2.5, 3.7)
    assert (outcome.error, outcome.unnamed_differ) == (None, False)
    snapshot = now.session.fold.snapshot()
    assert (snapshot.settings[K.V_MIN], snapshot.settings_verified) == (2.5, True)
    assert now.bms.firmware.counts[K.V_MIN] == 0x1F4
    await asyncio.sleep(1)
    sent = now.links[0].sent
    assert sent[0] == b"D!\r$"
    assert sent[1:6] == BLOCKS
    # The low byte first: in between is 0x02F4 or 3.780 V, which protects more than both.
    assert sent[6:8] == [b"F4-041!\r$", b"01-040!\r$"]
    assert sent[8:] == [*BLOCKS, b"E!\r$"]
    assert [len(pending) for pending in now.pendings] == [1, 0]
    assert now.pendings[0] == (PendingWrite(K.V_MIN, 0x244, 0x1F4),)
    assert (now.session.state, now.session.connections) == (Connection.CONNECTED, 1)
    assert now.settled == []


async def test_only_the_byte_that_differs(now: Life) -> None:
    """3.000 V is 0x0258: the high byte stays what it is."""
    await now.session.write([Change(K.V_MIN, 3.0)])
    assert written(now) == [b"58-041!\r$"]


async def test_several(now: Life) -> None:
    """One after the other in the order given, each block read back before the next is written."""
    outcome = await now.session.write([Change(K.CRITICAL_MODE, 1), Change(K.V_MIN, 3.0)])
    assert outcome.status is WriteStatus.VERIFIED
    assert [change.key for change in outcome.changes] == [K.CRITICAL_MODE, K.V_MIN]
    sent = now.links[0].sent
    assert sent[6:9] == [b"01-017!\r$", b"S3@\r$", b"58-041!\r$"]
    assert len(now.pendings[0]) == 2


async def test_what_the_device_holds_already(now: Life) -> None:
    """Nothing is written, and it is said so."""
    outcome = await now.session.write([Change(K.V_MIN, 2.9)])
    assert outcome.status is WriteStatus.UNCHANGED
    assert outcome.changes == (Held(K.V_MIN, 2.9, 2.9, 2.9),)
    assert written(now) == []
    assert now.pendings == []


async def test_generation_2(life: Life) -> None:
    """It has two blocks."""
    kind_of(life, Firmware, GEN2)
    await connected(life)
    assert (await life.session.write([LOWER])).status is WriteStatus.VERIFIED
    assert life.links[0].sent[1:3] == BLOCKS[:2]
    assert life.links[0].sent[3:] == [b"F4-041!\r$", b"01-040!\r$", *BLOCKS[:2], b"E!\r$"]


async def test_early_firmware(life: Life) -> None:
    """Blocks and fields that it lacks are not missed."""
    life.bms.firmware.lack(Block.CHARGE_RELAY)
    life.bms.firmware.lack(Block.LOAD_RELAY)
    life.bms.firmware.lack(Block.THRESHOLDS, 6)
    await connected(life)
    assert (await life.session.write([LOWER])).status is WriteStatus.VERIFIED
    with pytest.raises(NoAnswerError):
        await life.session.write([Change(K.V_LOW, 3.1)])


async def test_the_pin_is_given_again(life: Life) -> None:
    """How long a login lasts is not known, and some only ask for it when something is written."""
    life.bms.firmware.requires_pin = True
    await connected(life, pin="1234")
    assert (await life.session.write([LOWER])).status is WriteStatus.VERIFIED
    assert life.links[0].sent[:3] == [b"D!\r$", b"PW1234!\r$", b"S1@\r$"]


async def test_two_at_a_time(now: Life) -> None:
    """They are written one after the other, in the order of asking."""
    both = [now.session.write([Change(K.V_MIN, value)]) for value in (2.6, 2.7)]
    outcomes = await asyncio.gather(*both)
    assert [outcome.changes[0] for outcome in outcomes] == [
        Held(K.V_MIN, 2.9, 2.6, 2.6),
        Held(K.V_MIN, 2.6, 2.7, 2.7),
    ]


async def test_the_relays_follow(now: Life) -> None:
    """A V min above every cell lets the load relay fall at once; a lower one lets it back."""
    await now.session.write([Change(K.V_MIN, 3.5)])
    assert not now.bms.firmware.relays.load


# What is refused before the first byte.


async def test_what_was_changed_in_the_app_meanwhile(now: Life) -> None:
    """The check sees it, and everything known is up to date even if it refuses."""
    now.bms.firmware.counts[K.V_MAX] = 720
    seen: list[float] = []

    def check(settings: Mapping[SettingKey, float]) -> None:
        seen.append(settings[K.V_MAX])
        raise SettingRefusedError(SettingFault.MISSING, {"setting": "V min"})

    with pytest.raises(SettingRefusedError):
        await now.session.write([LOWER], check=check)
    assert seen == [3.6]
    assert now.session.fold.snapshot().settings[K.V_MAX] == 3.6
    assert written(now) == []
    await asyncio.sleep(MINUTE)
    assert (now.session.state, now.session.connections) == (Connection.CONNECTED, 1)


async def test_a_checksum_that_never_agrees(life: Life) -> None:
    """What the BMS says is not sure enough to change anything."""

    class Garbled(Firmware):
        def _say(self, text: str) -> None:
            super()._say(text[:-2] + "00" if text.count("_") > 5 and text[3:4] == "_" else text)

    kind_of(life, Garbled)
    await connected(life)
    with pytest.raises(NotVerifiedError):
        await life.session.write([LOWER])
    assert written(life) == []


async def test_a_pin_that_was_changed(life: Life) -> None:
    """The write fails with it, and so does the session; nothing is written."""
    await connected(life, pin="1234")
    life.bms.firmware.requires_pin, life.bms.firmware.pin = True, "4321"
    with pytest.raises(PinRejectedError):
        await life.session.write([LOWER])
    await life.until(Connection.PIN_REJECTED)
    with pytest.raises(PinRejectedError):
        await life.session.write([LOWER])
    assert written(life) == []


async def test_a_caller_who_is_gone(now: Life) -> None:
    """What nobody waits for any more is not written."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await now.session.write([LOWER])
    await asyncio.sleep(MINUTE)
    assert written(now) == []


async def test_a_caller_who_is_gone_before_the_turn_comes(now: Life) -> None:
    """The one that is under way is finished, the other one never begun."""
    first = asyncio.ensure_future(now.session.write([LOWER]))
    second = asyncio.ensure_future(now.session.write([Change(K.V_MAX, 3.65)]))
    await asyncio.sleep(0.001)
    now.bms.firmware.write_fault = WriteFault(fault=Fault.LOST_ACKNOWLEDGEMENT, at=1, hang_up=lambda: None)
    while not written(now):
        await asyncio.sleep(0.01)
    first.cancel()
    second.cancel()
    await asyncio.sleep(MINUTE)
    assert now.bms.firmware.counts[K.V_MIN] == 0x1F4
    assert now.bms.firmware.counts[K.V_MAX] == 740
    assert not now.session.pending


# What goes wrong with a byte.


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.KO, CommandRejectedError),
        (Fault.NA, PinRejectedError),
        (Fault.LOST_BYTE, NoAnswerError),
    ],
)
async def test_a_first_byte_that_is_not_taken(now: Life, fault: Fault, error: type[SmartBmsError]) -> None:
    """Nothing was written, which was read back, and the error says why."""
    go_wrong(now, fault)
    with pytest.raises(error):
        await now.session.write([LOWER])
    assert now.bms.firmware.counts[K.V_MIN] == 0x244
    assert not now.session.pending
    assert len(written(now)) == 1


@pytest.mark.parametrize("fault", [Fault.KO, Fault.NA, Fault.LOST_BYTE])
async def test_a_second_byte_that_is_not_taken(now: Life, fault: Fault) -> None:
    """The first one is put back."""
    go_wrong(now, fault, at=1)
    outcome = await now.session.write([LOWER])
    assert outcome.status is WriteStatus.RESTORED
    assert outcome.error is not None
    assert outcome.changes == (Held(K.V_MIN, 2.9, 2.5, 2.9),)
    assert now.bms.firmware.counts[K.V_MIN] == 0x244
    assert now.session.fold.snapshot().settings[K.V_MIN] == 2.9
    assert not now.session.pending
    assert len(written(now)) == 3


async def test_an_acknowledgement_that_is_lost(now: Life) -> None:
    """Of the last byte: it is there, as reading back shows. Of the first: it is put back."""
    go_wrong(now, Fault.LOST_ACKNOWLEDGEMENT, at=1)
    outcome = await now.session.write([LOWER])
    assert (outcome.status, outcome.error) == (WriteStatus.VERIFIED, None)
    go_wrong(now, Fault.LOST_ACKNOWLEDGEMENT)
    outcome = await now.session.write([Change(K.V_MIN, 2.9)])
    assert outcome.status is WriteStatus.RESTORED
    assert isinstance(outcome.error, NoAnswerError)
    assert now.bms.firmware.counts[K.V_MIN] == 0x1F4


async def test_a_wrong_byte(now: Life) -> None:
    """It was acknowledged, and yet it is put back."""
    go_wrong(now, Fault.WRONG_BYTE, at=1)
    outcome = await now.session.write([LOWER])
    assert (outcome.status, outcome.error) == (WriteStatus.RESTORED, None)
    assert now.bms.firmware.counts[K.V_MIN] == 0x244


async def test_the_third_setting_is_refused(now: Life) -> None:
    """All or nothing: the first two are put back, the last one first, and the fourth is never written."""
    go_wrong(now, Fault.KO, at=2)
    changes = [
        Change(K.CRITICAL_MODE, 1),
        Change(K.CHEMISTRY, 2),
        Change(K.CHARGE_PAUSE_DELAY, 20),
        Change(K.CAPACITY, 5000),
    ]
    outcome = await now.session.write(changes)
    assert outcome.status is WriteStatus.RESTORED
    assert isinstance(outcome.error, CommandRejectedError)
    assert [change.held == change.old for change in outcome.changes] == [True] * 4
    assert written(now) == [
        b"01-017!\r$",
        b"02-015!\r$",
        b"0A-086!\r$",
        b"01-015!\r$",
        b"00-017!\r$",
    ]


async def test_the_first_setting_is_stored_wrongly(now: Life) -> None:
    """The second one is not even begun."""
    go_wrong(now, Fault.WRONG_BYTE)
    outcome = await now.session.write([Change(K.CHEMISTRY, 3), Change(K.CRITICAL_MODE, 1)])
    assert outcome.status is WriteStatus.RESTORED
    assert written(now) == [b"03-015!\r$", b"01-015!\r$"]


async def test_a_wrong_byte_that_cannot_be_put_back(now: Life) -> None:
    """It is said exactly what the device holds, and once more at the next contact, when it is left alone."""
    go_wrong(now, Fault.WRONG_BYTE, times=inf)
    outcome = await now.session.write([Change(K.CHEMISTRY, 3)])
    assert outcome.status is WriteStatus.UNCLEAR
    assert outcome.changes == (Held(K.CHEMISTRY, 1, 3, 0),)
    assert outcome.settings[K.CHEMISTRY] == 0
    assert now.pendings[-1] == (PendingWrite(K.CHEMISTRY, 1, 3),)
    await asyncio.sleep(MINUTE)
    assert now.session.connections == 2
    assert now.settled == [(K.CHEMISTRY, 1, 3, 0)]
    assert not now.session.pending
    assert now.bms.firmware.counts[K.CHEMISTRY] == 0


class Silenced(Firmware):
    """A BMS that does not answer one of its blocks any more once something was written."""

    def _query(self, command: str) -> list[str] | None:
        return None if self.counts[K.V_MIN] != 0x244 and command == "SRY1@" else super()._query(command)


async def test_a_block_that_cannot_be_read_back(life: Life) -> None:
    """Nobody knows what it holds, and that is what is said."""
    kind_of(life, Silenced)
    await connected(life)
    outcome = await life.session.write([LOWER])
    assert outcome.status is WriteStatus.UNCLEAR
    assert isinstance(outcome.error, CommandRejectedError)
    assert outcome.changes == (Held(K.V_MIN, 2.9, 2.5, None),)
    await asyncio.sleep(MINUTE)
    # What is there now is the new value; the block is not there for anybody.
    assert life.settled == [(K.V_MIN, 2.9, 2.5, 2.5)]


class Deaf(Firmware):
    """A BMS that lets every other query go unanswered once something was written."""

    queries = 0

    def _answer(self, command: str) -> None:
        if self.counts[K.V_MIN] != 0x244 and command.startswith("S"):
            self.queries += 1
        if not self.queries % 2:
            super()._answer(command)


async def test_a_query_that_gets_lost_when_reading_back(life: Life) -> None:
    """It is asked once more."""
    kind_of(life, Deaf)
    await connected(life)
    assert (await life.session.write([LOWER])).status is WriteStatus.VERIFIED


class Careless(Firmware):
    """A BMS that stores V min over its PIN as well."""

    def _store(self, address: int, byte: int) -> bool:
        self.pin = "1235"
        return super()._store(address, byte)


async def test_a_field_that_has_no_name(life: Life) -> None:
    """Every field is compared, the PIN too, and none that has no name is ever shown."""
    kind_of(life, Careless)
    await connected(life)
    outcome = await life.session.write([LOWER])
    assert outcome.status is WriteStatus.UNCLEAR
    assert outcome.unnamed_differ
    assert outcome.changes == (Held(K.V_MIN, 2.9, 2.5, 2.9),)
    assert "1235" not in repr(outcome)


class Boundless(Firmware):
    """A BMS that tells of a pause delay which no byte can hold."""

    def _store(self, address: int, byte: int) -> bool:
        self.counts[K.CHARGE_PAUSE_DELAY] = 0x105
        return super()._store(address, byte)


async def test_what_no_byte_can_hold(life: Life) -> None:
    """What the BMS says was damaged each time, so what it holds is not known; it is told so."""
    kind_of(life, Boundless)
    await connected(life)
    outcome = await life.session.write([LOWER])
    assert outcome.status is WriteStatus.UNCLEAR
    assert outcome.changes == (Held(K.V_MIN, 2.9, 2.5, None),)
