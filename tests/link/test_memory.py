"""The device's own memory: read when there is something new in it, and never in the way."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.memory import Memory
from custom_components.smartbms.bms.records import encode
from custom_components.smartbms.bms.state import Connection, LogEntry, LogEvent, TemperatureRecord
from custom_components.smartbms.simulator.firmware import Firmware
from tests.simulated import peripheral

from .life import HOUR, MINUTE, Life

LOW = LogEntry(400, LogEvent.VOLTAGE_LOW, 575, 7)
BROKEN = LogEntry(900, LogEvent.COMMUNICATION, 0, 8)
CLOCK = b"TS@\r$"
LOG = [f"L{digit}@\r$".encode() for digit in "0123456789"]
HISTORY = [f"H{digit}@\r$".encode() for digit in "0123456789ABCD"]
MEMORY = {CLOCK, *LOG, *HISTORY}


class Remembering(Firmware):
    """A device whose memory a test sets: lines by query, and the newest entry of its log."""

    lines: dict[str, str]
    fall: Callable[[], None]
    newest: int | None = 0
    silent: frozenset[str] = frozenset()
    hesitates = False
    falls: str | None = None

    def _hear(self, command: str) -> None:
        if command == self.falls:
            self.falls = None
            self.fall()
        elif command in self.silent:
            self._say(command)
        elif command in self.lines:
            self._say(command)
            self._say(self.lines[command])
        else:
            super()._hear(command)
            if self.hesitates:
                self._due = 0.0

    def _say(self, text: str) -> None:
        if text.startswith("T_"):
            text = encode(TemperatureRecord(293, 1, 293, 2, self.newest), self.generation)
        super()._say(text)


@pytest.fixture
async def bms(life: Life) -> Remembering:
    """Return a BMS with two entries in its log, the newer in slot 1, and a week of history."""
    life.bms = peripheral(asyncio.get_running_loop().time, cells=4, kind=Remembering)
    firmware = life.bms.firmware
    assert isinstance(firmware, Remembering)
    firmware.lines = {
        "TS@": "3E8_B0",
        **{f"L{slot}@": "000000_00_000_00_70" for slot in range(10)},
        "L0@": "000190_01_23F_07_9D",
        "L1@": "000384_05_000_08_8C",
        **{f"H{part:X}@": "0D_505050505050504F4E4D4C4B_8F" for part in range(14)},
    }
    firmware.newest = 1
    firmware.fall = life.bms.drop
    return firmware


def asked(life: Life) -> list[bytes]:
    """Return what was asked of the memory."""
    return [data for link in life.links for data in link.sent if data in MEMORY]


async def test_the_log_is_read(life: Life, bms: Remembering) -> None:
    """Clock and ten entries, oldest first, once every cell has been heard, the stream being stopped."""
    session = life.begin(reads_memory=True)
    await life.until(Connection.CONNECTED)
    connected = asyncio.get_running_loop().time()
    life.links[0].written.clear()
    await asyncio.sleep(3)
    assert life.records
    assert life.memories == []
    await asyncio.sleep(MINUTE)
    (memory,) = life.memories
    assert memory == Memory(1000, memory.read_at, (LOW, BROKEN), None)
    assert 3 < memory.read_at - connected < 8
    assert life.links[0].sent == [b"D!\r$", CLOCK, *LOG, b"E!\r$"]
    assert session.state is Connection.CONNECTED
    assert max(later - earlier for earlier, later in pairwise(life.records)) < 4


async def test_nobody_asks_for_it(life: Life, bms: Remembering) -> None:
    """Without somebody to tell it to, it is not read, and a history cannot be wanted."""
    session = life.begin(wants_history=True)
    await asyncio.sleep(5 * MINUTE)
    assert asked(life) == []
    assert not session.wants_history


async def test_somebody_listens_in(life: Life, bms: Remembering) -> None:
    """A recording holds the memory too, though nothing is new in it; its reading is told as ever."""
    session = life.begin(reads_memory=True)
    await asyncio.sleep(MINUTE)
    heard: list[str] = []
    session.record(lambda direction, text: heard.append(text))
    await asyncio.sleep(MINUTE)
    assert {"TS@", "3E8_B0", "L9@", "000384_05_000_08_8C"} <= set(heard)
    assert heard.index("S1@") < heard.index("TS@")
    assert [memory.log for memory in life.memories] == [(LOW, BROKEN)] * 2


async def test_generation_2_has_none(life: Life) -> None:
    """Generation 2 is not asked."""
    life.bms = peripheral(asyncio.get_running_loop().time, DeviceType.GEN2, cells=4)
    life.begin(reads_memory=True, wants_history=True)
    await asyncio.sleep(5 * MINUTE)
    assert asked(life) == []


async def test_a_new_entry(life: Life, bms: Remembering) -> None:
    """When another entry is the newest the log is read again, once."""
    life.begin(reads_memory=True)
    await asyncio.sleep(MINUTE)
    bms.lines["L2@"] = "0003E8_02_2E5_03_B1"
    bms.newest = 2
    await asyncio.sleep(MINUTE)
    assert len(life.memories) == 2
    assert life.memories[1].log == (LOW, BROKEN, LogEntry(1000, LogEvent.VOLTAGE_HIGH, 741, 3))
    await asyncio.sleep(HOUR)
    assert len(life.memories) == 2


async def test_a_newest_entry_that_was_a_mistake(life: Life, bms: Remembering) -> None:
    """The stream carries no checksum: an index that is there for one record only is nothing new."""
    life.begin(reads_memory=True)
    await asyncio.sleep(MINUTE)
    for wrong in (7, None):
        bms.newest = wrong
        await asyncio.sleep(1.2)
        bms.newest = 1
        await asyncio.sleep(MINUTE)
    assert len(life.memories) == 1


async def test_a_chain_that_breaks(life: Life, bms: Remembering) -> None:
    """Just then the log has to be read: it names the cell, which nothing else does."""
    session = life.begin(reads_memory=True)
    await asyncio.sleep(MINUTE)
    bms.chain_broken = True
    bms.newest = 2
    await asyncio.sleep(MINUTE)
    assert session.fold.snapshot().temperatures is None
    assert session.fold.newest_log_entry == 2
    assert len(life.memories) == 2


async def test_the_newest_entry_before_anything_was_heard(life: Life) -> None:
    """Nothing is known of it."""
    assert life.begin().fold.newest_log_entry is None


async def test_an_entry_made_while_the_link_was_lost(life: Life, bms: Remembering) -> None:
    """A new connection alone is no reason to read again, a new entry is."""
    life.begin(reads_memory=True)
    await asyncio.sleep(MINUTE)
    life.bms.drop()
    await asyncio.sleep(MINUTE)
    assert life.session.connections == 2
    assert len(life.memories) == 1
    life.bms.drop()
    bms.newest = 2
    await asyncio.sleep(MINUTE)
    assert len(life.memories) == 2


async def test_the_history(life: Life, bms: Remembering) -> None:
    """A week of hours, oldest first, is read once and wanted no more."""
    assert life.begin(reads_memory=True, wants_history=True).wants_history
    await asyncio.sleep(MINUTE)
    (memory,) = life.memories
    assert memory.history is not None
    assert len(memory.history) == 168
    assert memory.history[-3:] == (75, 80, 80)
    assert memory.log == (LOW, BROKEN)
    assert not life.session.wants_history
    assert asked(life) == [CLOCK, *LOG, *HISTORY]
    bms.newest = 2
    await asyncio.sleep(MINUTE)
    assert [memory.history is None for memory in life.memories] == [False, True]


async def test_the_history_is_wanted_later(life: Life, bms: Remembering) -> None:
    """Whoever wants it may say so at any time."""
    session = life.begin(reads_memory=True)
    await asyncio.sleep(MINUTE)
    session.wants_history = True
    await asyncio.sleep(MINUTE)
    assert [memory.history is None for memory in life.memories] == [True, False]


@pytest.mark.parametrize("answer", ["NA", "KO", "WRONG", "\a", "00_3E8_10", "3E8_B1"])
async def test_a_device_that_does_not_know_it(life: Life, bms: Remembering, answer: str) -> None:
    """Refused or garbled, it is asked for once in a connection, and everything else goes on."""
    bms.lines["TS@"] = answer
    session = life.begin(reads_memory=True, wants_history=True)
    await asyncio.sleep(HOUR)
    assert life.memories == []
    assert set(asked(life)) == {CLOCK}
    assert len(asked(life)) <= 3
    assert (session.state, session.connections) == (Connection.CONNECTED, 1)
    life.bms.drop()
    await asyncio.sleep(MINUTE)
    bms.lines["TS@"] = "3E8_B0"
    life.bms.drop()
    await asyncio.sleep(MINUTE)
    assert len(life.memories) == 1


@pytest.mark.parametrize(
    ("silent", "last", "memories"),
    [
        ("TS@", CLOCK, []),
        ("L3@", HISTORY[13], [(2, True)]),
        ("H5@", HISTORY[5], [(2, False)]),
    ],
)
async def test_a_device_that_does_not_answer(
    life: Life, bms: Remembering, silent: str, last: bytes, memories: list[tuple[int, bool]]
) -> None:
    """Two seconds of patience, and no more questions of this kind; the watchdog does not bite."""
    bms.silent = frozenset({silent})
    session = life.begin(reads_memory=True, wants_history=True)
    await asyncio.sleep(HOUR)
    assert asked(life)[-1] == last
    assert len(asked(life)) == len(set(asked(life)))
    assert [(len(memory.log), memory.history is not None) for memory in life.memories] == memories
    assert (session.state, session.connections) == (Connection.CONNECTED, 1)
    assert max(later - earlier for earlier, later in pairwise(life.records)) < 6


async def test_a_device_that_answers_nothing_for_a_while(life: Life, bms: Remembering) -> None:
    """Ten seconds without a record are ours when they were spent asking; then it has ten of its own."""
    session = life.begin(reads_memory=True)
    await asyncio.sleep(MINUTE)
    bms.silent = frozenset({"S1@", "S2@", "S3@", "SRY0@", "SRY1@"})
    bms.pace, bms.hesitates = 0.3, True
    await asyncio.sleep(HOUR)
    assert (session.state, session.connections) == (Connection.CONNECTED, 1)


async def test_a_log_that_is_garbled(life: Life, bms: Remembering) -> None:
    """What cannot be read, and what might come after it, is not there."""
    bms.lines["L1@"] = "000384_05_0G0_08_A3"
    life.begin(reads_memory=True)
    await asyncio.sleep(MINUTE)
    assert life.memories[0].log == (LOW,)


async def test_an_hour_that_passes_between_the_answers(life: Life, bms: Remembering) -> None:
    """A history that does not fit together is asked for again with the next connection."""
    bms.lines["HD@"] = "0E_505050505050504F4E4D4C4B_90"
    session = life.begin(reads_memory=True, wants_history=True)
    await asyncio.sleep(HOUR)
    assert [memory.history for memory in life.memories] == [None]
    assert session.wants_history
    bms.lines["HD@"] = bms.lines["H0@"]
    life.bms.drop()
    await asyncio.sleep(MINUTE)
    assert life.memories[1].history is not None


async def test_visits(life: Life, bms: Remembering) -> None:
    """In periodic mode it is read at the end of a visit, and again when there is something new."""
    session = life.begin(visit_interval=600, reads_memory=True)
    await life.until(Connection.WAITING)
    assert len(life.memories) == 1
    assert life.now < 10
    assert session.error is None
    await asyncio.sleep(HOUR)
    assert len(life.memories) == 1
    bms.newest = 2
    await asyncio.sleep(HOUR)
    assert len(life.memories) == 2


async def test_a_login_that_expires(life: Life, bms: Remembering) -> None:
    """When the login is over just then, the PIN is given again, and the memory is read."""
    bms.requires_pin = True
    session = life.begin(pin="1234", reads_memory=True)
    await life.until(Connection.CONNECTED)
    bms._authorised = False
    await asyncio.sleep(MINUTE)
    assert (session.state, session.connections) == (Connection.CONNECTED, 2)
    assert len(life.memories) == 1


async def test_a_link_that_is_lost_meanwhile(life: Life, bms: Remembering) -> None:
    """The memory is read with the next connection."""
    bms.falls = "L3@"
    session = life.begin(reads_memory=True)
    await asyncio.sleep(MINUTE)
    assert session.connections == 2
    assert [memory.log for memory in life.memories] == [(LOW, BROKEN)]
