"""Staying connected: hours in the life of a session, in virtual time."""

import asyncio
from itertools import pairwise
import logging

import pytest

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.errors import NotInReachError
from custom_components.smartbms.bms.lines import Rejection
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Connection
from custom_components.smartbms.simulator.firmware import Firmware
from tests.simulated import peripheral

from .bench import HangingDisconnect, HangingSubscription, HangingWrite, Recorder
from .life import HOUR, MINUTE, Life

pytestmark = pytest.mark.usefixtures("virtual_time")

GEN2, GEN3 = DeviceType.GEN2, DeviceType.GEN3_RAYTAC


async def test_hours_of_life(life: Life) -> None:
    """Three hours: one connection, some eight records a second, everything known."""
    session = life.begin()
    assert session.state is Connection.DISCONNECTED
    await asyncio.sleep(3 * HOUR)
    assert [state for _, state, _ in life.states] == [Connection.CONNECTING, Connection.CONNECTED]
    assert (session.connections, session.error, session.state) == (1, None, Connection.CONNECTED)
    assert len(life.records) == pytest.approx(8 * 3 * HOUR, rel=0.02)
    assert max(later - earlier for earlier, later in pairwise(life.records)) < 3
    assert session.last_contact is not None
    assert asyncio.get_running_loop().time() - session.last_contact < 2
    snapshot = session.fold.snapshot()
    assert snapshot.firmware == "3.3.11"
    assert [cell.voltage for cell in snapshot.cells] == [3.3] * 4
    assert snapshot.settings[SettingKey.V_MAX] == 3.7
    assert snapshot.settings_verified
    assert not session.rejected


async def test_what_is_said_first(life: Life) -> None:
    """Log in, quieten what an earlier client left running, read everything, then listen."""
    life.begin(pin="1234")
    await life.until(Connection.CONNECTED)
    assert life.links[0].sent == [
        b"$\r",
        b"PW1234!\r$",
        b"D!\r$",
        b"V@\r$",
        b"S1@\r$",
        b"S2@\r$",
        b"S3@\r$",
        b"SRY0@\r$",
        b"SRY1@\r$",
        b"E!\r$",
    ]
    assert life.now < 1


@pytest.mark.parametrize(
    ("device_type", "told", "known"),
    [
        (GEN2, None, Generation.GEN2),
        (GEN3, None, Generation.GEN3),
        (GEN2, Generation.GEN2, Generation.GEN2),
        (GEN3, Generation.GEN2, Generation.GEN2),
    ],
)
async def test_the_generation(
    life: Life, device_type: DeviceType, told: Generation | None, known: Generation
) -> None:
    """Where nobody says which generation it is, the version does; the owner's word comes first."""
    life.bms = peripheral(asyncio.get_running_loop().time, device_type)
    session = life.begin(generation=told)
    await life.until(Connection.CONNECTED)
    assert session.fold.generation is known


async def test_a_rejected_pin(life: Life) -> None:
    """A wrong PIN is given once; nothing is tried again by itself, not even when the BMS is heard."""
    life.bms.firmware.requires_pin = True
    session = life.begin(pin="4321")
    await asyncio.sleep(MINUTE)
    session.wake()
    await asyncio.sleep(HOUR)
    assert life.states[-1][1:] == (Connection.PIN_REJECTED, "pin_rejected")
    assert len(life.attempts) == 1
    assert not life.bms.connected
    assert life.links[0].sent == [b"$\r", b"PW4321!\r$"]


async def test_a_pause_does_not_try_a_rejected_pin_again(life: Life) -> None:
    """The BMS has been let go of already, and the end of a pause would give the wrong PIN again."""
    life.bms.firmware.requires_pin = True
    session = life.begin(pin="4321")
    await life.until(Connection.PIN_REJECTED)
    session.pause(MINUTE)
    session.resume()
    await asyncio.sleep(HOUR)
    assert session.state is Connection.PIN_REJECTED
    assert session.paused_until is None
    assert len(life.attempts) == 1


async def test_a_missing_pin(life: Life) -> None:
    """A BMS that wants a PIN when none is given asks for it in the same way."""
    life.bms.firmware.requires_pin = True
    life.begin()
    await asyncio.sleep(MINUTE)
    assert life.states[-1][1:] == (Connection.PIN_REJECTED, "pin_rejected")


async def test_a_pin_that_is_right_at_last(life: Life) -> None:
    """Starting again, which a person does, tries again."""
    life.bms.firmware.requires_pin = True
    life.bms.firmware.pin = "4321"
    session = life.begin(pin="1234")
    await life.until(Connection.PIN_REJECTED)
    life.bms.firmware.pin = "1234"
    session.start()
    await life.until(Connection.CONNECTED)
    assert session.error is None


async def test_silence(life: Life) -> None:
    """A BMS that is connected and silent for ten seconds is left, and reached again."""
    life.begin()
    await life.until(Connection.CONNECTED)
    life.bms.firmware.pace = 0
    spoke = life.records[-1] if life.records else life.now
    await life.until(Connection.DISCONNECTED)
    assert 10 < life.now - spoke < 13
    assert life.states[-1][2] == "no_answer"
    assert not life.bms.connected
    life.bms.firmware.pace = 1
    await life.until(Connection.CONNECTED)
    assert life.session.connections == 2


async def test_back_off(life: Life) -> None:
    """Out of reach: again after 1, 2, 4 and at last every 60 seconds, saying why all the time."""
    life.trouble = NotInReachError()
    life.begin()
    await asyncio.sleep(250)
    assert life.attempts == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
    assert life.states[:3] == [
        (0, Connection.CONNECTING, None),
        (0, Connection.DISCONNECTED, "not_in_reach"),
        (1, Connection.CONNECTING, "not_in_reach"),
    ]
    life.trouble = None
    await asyncio.sleep(MINUTE)
    assert life.states[-2:] == [
        (303, Connection.CONNECTING, "not_in_reach"),
        (pytest.approx(303.6), Connection.CONNECTED, None),
    ]


async def test_back_off_begins_anew(life: Life) -> None:
    """After a connection over which something came the next try comes after a second."""
    life.trouble = NotInReachError()
    session = life.begin()
    await asyncio.sleep(100)
    life.trouble = None
    await life.until(Connection.CONNECTED)
    await asyncio.sleep(2)
    life.attempts.clear()
    began = round(life.now, 1)
    life.bms.drop()
    await life.until(Connection.DISCONNECTED)
    assert session.error is not None
    assert session.error.key == "connection_lost"
    await life.until(Connection.CONNECTED)
    assert life.attempts == [pytest.approx(began + 1, abs=0.2)]


async def test_heard_again(life: Life) -> None:
    """In the middle of a long wait the BMS is heard: it is tried at once."""
    life.trouble = NotInReachError()
    session = life.begin()
    await asyncio.sleep(90)
    assert life.attempts[-1] == 63
    session.wake()
    await asyncio.sleep(1)
    assert life.attempts[-1] == 90
    await asyncio.sleep(MINUTE)
    assert life.attempts[-2:] == [90, 150]


async def test_heard_all_the_time(life: Life) -> None:
    """A BMS that advertises but cannot be had is tried every five seconds, not without pause."""
    life.trouble = NotInReachError()
    session = life.begin()
    for _ in range(2000):
        session.wake()
        await asyncio.sleep(0.1)
    gaps = {round(later - earlier) for earlier, later in pairwise(life.attempts)}
    assert gaps == {1, 2, 4, 5}
    assert len(life.attempts) == pytest.approx(4 + 193 / 5, abs=1)


async def test_dropped(life: Life) -> None:
    """A link that is lost is missed at once and back within two seconds."""
    life.begin()
    await life.until(Connection.CONNECTED)
    for connections in range(1, 6):
        assert life.session.connections == connections
        await asyncio.sleep(MINUTE)
        life.bms.drop()
        began = life.now
        await life.until(Connection.DISCONNECTED)
        assert life.now - began < 0.2
        await life.until(Connection.CONNECTED)
        assert life.now - began < 2
        await asyncio.sleep(2)
        assert life.records[-1] > began


async def test_dropped_while_connecting(life: Life) -> None:
    """A link that is lost before the session knows of it is reached again like any other."""

    class Falling(Recorder):
        async def connect(self) -> Falling:
            await super().connect()
            life.bms.drop()
            return self

    life.via = Falling
    life.begin()
    await asyncio.sleep(0.5)
    assert life.states[-1][1:] == (Connection.DISCONNECTED, "connection_lost")
    life.via = Recorder
    await life.until(Connection.CONNECTED)


async def test_pause(life: Life) -> None:
    """A pause lets go of the BMS and ends by itself."""
    session = life.begin()
    await life.until(Connection.CONNECTED)
    session.pause(HOUR)
    await life.until(Connection.PAUSED)
    began = life.now
    assert not life.bms.connected
    assert session.paused_until is not None
    await asyncio.sleep(HOUR - 1)
    session.wake()
    assert (session.state, len(life.attempts)) == (Connection.PAUSED, 1)
    await life.until(Connection.CONNECTED)
    assert life.now - began == pytest.approx(HOUR, abs=2)
    assert session.paused_until is None


async def test_resume(life: Life) -> None:
    """A pause can be ended, and prolonged."""
    session = life.begin()
    session.pause(MINUTE)
    await asyncio.sleep(50)
    session.pause(MINUTE)
    await asyncio.sleep(50)
    assert session.state is Connection.PAUSED
    session.resume()
    await life.until(Connection.CONNECTED)
    assert life.now < 102
    assert session.paused_until is None
    assert life.bms.connected


async def test_the_settings_are_read_again(life: Life) -> None:
    """Every ten minutes, with the stream stopped meanwhile: a setting changed in the app is seen."""
    session = life.begin()
    await life.until(Connection.CONNECTED)
    life.links[0].written.clear()
    life.bms.firmware.counts[SettingKey.V_MAX] = 720
    await asyncio.sleep(595)
    assert life.links[0].sent == []
    assert session.fold.snapshot().settings[SettingKey.V_MAX] == 3.7
    await asyncio.sleep(10)
    assert life.links[0].sent == [
        b"D!\r$",
        b"S1@\r$",
        b"S2@\r$",
        b"S3@\r$",
        b"SRY0@\r$",
        b"SRY1@\r$",
        b"E!\r$",
    ]
    assert session.fold.snapshot().settings[SettingKey.V_MAX] == 3.6
    await asyncio.sleep(600)
    assert life.links[0].sent.count(b"S2@\r$") == 2
    assert session.connections == 1


async def test_a_login_that_expires(life: Life) -> None:
    """How long a login lasts is not known: when it is over the PIN is given again, if it is right."""
    life.bms.firmware.requires_pin = True
    session = life.begin(pin="1234")
    await asyncio.sleep(300)
    life.bms.firmware._authorised = False
    await asyncio.sleep(310)
    assert (session.state, session.connections) == (Connection.CONNECTED, 2)
    assert Connection.PIN_REJECTED not in [state for _, state, _ in life.states]
    life.bms.firmware._authorised = False
    life.bms.firmware.pin = "4321"
    await asyncio.sleep(610)
    assert session.state is Connection.PIN_REJECTED


async def test_visits(life: Life) -> None:
    """Once in ten minutes for as long as it takes to hear every cell, and nobody else is kept out."""
    session = life.begin(visit_interval=600)
    await life.until(Connection.WAITING)
    assert [state for _, state, _ in life.states] == [
        Connection.CONNECTING,
        Connection.CONNECTED,
        Connection.WAITING,
    ]
    assert 3 < life.now < 8
    assert session.fold.full_cycle
    assert all(cell.voltage == 3.3 for cell in session.fold.snapshot().cells)
    assert not life.bms.connected
    await asyncio.sleep(HOUR)
    starts = [at for at, state, _ in life.states if state is Connection.CONNECTING]
    ends = [at for at, state, _ in life.states if state is Connection.WAITING]
    assert len(starts) == 6
    assert all(
        start - end == pytest.approx(600, abs=0.2) for end, start in zip(ends, starts[1:], strict=False)
    )
    assert all(3 < end - start < 8 for start, end in zip(starts, ends, strict=True))


async def test_a_visit_to_the_largest_pack(life: Life) -> None:
    """Of 255 cells every one is heard, which takes more than four minutes."""
    life.bms = peripheral(asyncio.get_running_loop().time, cells=255)
    session = life.begin(visit_interval=HOUR)
    await life.until(Connection.WAITING)
    assert 250 < life.now < 270
    cells = session.fold.snapshot().cells
    assert len(cells) == 255
    assert all(cell.voltage == 3.3 for cell in cells)


async def test_a_visit_that_hears_not_everything(life: Life) -> None:
    """A visit ends with what it has when a cell does not report, after three seconds for each."""

    class Stuck(Firmware):
        def advance(self) -> None:
            self._next_cell = 0
            super().advance()

    life.bms = peripheral(asyncio.get_running_loop().time, cells=4, kind=Stuck)
    session = life.begin(visit_interval=600)
    await life.until(Connection.WAITING)
    assert life.now == pytest.approx(10 + 4 * 3, abs=2)
    assert [cell.voltage for cell in session.fold.snapshot().cells] == [3.3, None, None, None]
    assert session.error is None


async def test_trouble_between_visits(life: Life) -> None:
    """A visit that fails is tried again soon; one that works starts the back-off anew."""
    life.trouble = NotInReachError()
    life.begin(visit_interval=600)
    await asyncio.sleep(40)
    life.trouble = None
    await life.until(Connection.WAITING)
    life.trouble = NotInReachError()
    life.attempts.clear()
    await asyncio.sleep(605)
    first, *others = life.attempts
    assert [round(at - first) for at in others] == [1, 3]


async def test_the_unexpected(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    """An error that nobody thought of is logged, and does not end the session."""
    life.trouble = ValueError("nobody thought of it")
    session = life.begin()
    await asyncio.sleep(1.5)
    assert (session.state, session.error and session.error.key) == (
        Connection.DISCONNECTED,
        "connection_lost",
    )
    assert "nobody thought of it" in caplog.text
    life.trouble = None
    await life.until(Connection.CONNECTED)


async def test_what_was_thrown_away(life: Life) -> None:
    """What is received and not understood is counted, over all connections."""
    session = life.begin()
    await life.until(Connection.CONNECTED)
    life.links[0].notified(10, b"Q_01\rU_0528\r" + b"A" * 300 + b"\r\xff\r")
    await asyncio.sleep(0)
    expected = {
        Rejection.UNKNOWN: 1,
        Rejection.FIELD_COUNT: 1,
        Rejection.TOO_LONG: 1,
        Rejection.NOT_TEXT: 1,
    }
    assert session.rejected == expected
    life.bms.drop()
    await life.until(Connection.DISCONNECTED)
    await life.until(Connection.CONNECTED)
    assert session.rejected == expected


async def test_the_pin_is_in_no_log(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    """At no level, whether it is right or wrong, over connections and settings that hold it."""
    caplog.set_level(logging.DEBUG)
    life.bms.firmware.requires_pin = True
    life.bms.firmware.pin = "7391"
    session = life.begin(pin="7391")
    await life.until(Connection.CONNECTED)
    await asyncio.sleep(700)
    life.bms.firmware.pin = "7392"
    life.bms.drop()
    await life.until(Connection.PIN_REJECTED)
    assert "7391" not in caplog.text
    assert "37333931" not in caplog.text
    assert "7391" not in f"{session.error!r}{session.fold.snapshot()}"


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize(
    "state",
    [
        Connection.DISCONNECTED,
        Connection.CONNECTING,
        Connection.CONNECTED,
        Connection.WAITING,
        Connection.PAUSED,
        Connection.PIN_REJECTED,
    ],
)
async def test_stop(life: Life, state: Connection, eager: bool) -> None:
    """In whatever state, the end comes within three seconds, even if disconnecting hangs."""
    life.eager = eager
    life.via = HangingDisconnect
    life.bms.firmware.requires_pin = True
    match state:
        case Connection.DISCONNECTED:
            life.trouble = NotInReachError()
        case Connection.CONNECTING:
            life.hangs = True
    pin = "4321" if state is Connection.PIN_REJECTED else "1234"
    session = life.begin(pin=pin, visit_interval=600 if state is Connection.WAITING else None)
    if state is Connection.PAUSED:
        session.pause(HOUR)
    await asyncio.sleep(0.1)
    await life.until(state)
    began = life.now
    await session.stop()
    assert life.now - began < 3
    assert not life.bms.connected
    assert len(asyncio.all_tasks()) == 1
    attempts = len(life.attempts)
    await asyncio.sleep(HOUR)
    assert len(life.attempts) == attempts
    await session.stop()


@pytest.mark.parametrize("via", [Recorder, HangingSubscription, HangingWrite, HangingDisconnect])
@pytest.mark.parametrize("eager", [False, True])
async def test_stop_at_any_moment(life: Life, via: type[Recorder], eager: bool) -> None:
    """Through all of connecting, reading and leaving there is no moment at which stopping fails."""
    life.via, life.eager = via, eager
    for tenths in range(90):
        session = life.begin(pin="1234", visit_interval=1)
        await asyncio.sleep(tenths / 10)
        began = life.now
        await session.stop()
        assert life.now - began < 3
        assert not life.bms.connected
        assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13])
async def test_impatience(life: Life, eager: bool, turns: int) -> None:
    """Pausing, resuming and stopping in quick succession leaves exactly one at work, and then none."""
    life.via, life.eager = HangingDisconnect, eager
    session = life.begin()
    await life.until(Connection.CONNECTED)
    for _ in range(3):
        session.pause(HOUR)
        for _ in range(turns):
            await asyncio.sleep(0)
        session.resume()
        for _ in range(turns):
            await asyncio.sleep(0)
    await life.until(Connection.CONNECTING)
    await life.until(Connection.CONNECTED)
    assert len([task for task in asyncio.all_tasks() if task.get_name() == "smartbms session"]) == 1
    session.pause(HOUR)
    session.resume()
    began = life.now
    await session.stop()
    assert life.now - began < 3
    assert not life.bms.connected
    assert len(asyncio.all_tasks()) == 1
