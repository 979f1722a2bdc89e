"""Somebody listens in: everything that is said, the settings first, and nothing is disturbed."""

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.recording import Direction, Header, Recorder, Recording, parse
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Connection
from tests.simulated import peripheral

from .life import HOUR, MINUTE, Life

SETTINGS = ["S1@", "S2@", "S3@", "SRY0@", "SRY1@"]


def recorder() -> Recorder:
    """Return what writes down, from now on."""
    header = Header(
        integration="0.4.0",
        generation=Generation.GEN3,
        device_type=DeviceType.GEN3_RAYTAC,
        began=datetime(2026, 5, 1, tzinfo=UTC),
    )
    return Recorder(header, asyncio.get_running_loop().time)


def sent(recording: Recording) -> list[str]:
    """Return the commands in a recording."""
    return [said.text for said in recording.said if said.direction is Direction.SENT]


async def test_some_minutes(life: Life) -> None:
    """The stream stops for a moment, in which version and settings are asked for, and goes on."""
    session = life.begin()
    await asyncio.sleep(MINUTE)
    states = [session.is_recording]
    writer = recorder()
    session.record(writer.tap)
    states.append(session.is_recording)
    before = len(life.records)
    await asyncio.sleep(2 * MINUTE)
    session.end_recording()
    states.append(session.is_recording)
    assert states == [False, True, False]
    heard = len(life.records) - before
    text = writer.text
    await asyncio.sleep(MINUTE)
    assert writer.text == text
    recording = parse(text)
    assert sent(recording) == ["D!", "V@", *SETTINGS, "E!"]
    assert recording.said[0].seconds < 1.5
    assert recording.said[-1].seconds > 118
    *_, (_, fold) = recording.folded()
    # Up to the first heartbeat nobody listens in yet.
    assert heard - 16 <= fold.accepted <= heard
    live, read = session.fold.snapshot(), fold.snapshot()
    assert (read.firmware, read.cells, read.pack) == (live.firmware, live.cells, live.pack)
    assert read.settings == live.settings
    assert read.settings_verified
    assert session.connections == 1
    assert max(later - earlier for earlier, later in pairwise(life.records)) < 4


async def test_the_pin_is_in_no_recording(life: Life) -> None:
    """A connection that begins meanwhile is recorded from its login on, without the PIN."""
    life.bms.firmware.requires_pin = True
    life.bms.firmware.pin = "8642"
    session = life.begin(pin="8642")
    await life.until(Connection.CONNECTED)
    writer = recorder()
    session.record(writer.tap)
    await asyncio.sleep(MINUTE)
    life.bms.drop()
    await asyncio.sleep(MINUTE)
    session.end_recording()
    assert "8642" not in writer.text
    assert "38363432" not in writer.text
    recording = parse(writer.text)
    once = ["V@", *SETTINGS, "E!"]
    assert sent(recording) == ["D!", *once, "PW****!", "D!", *once]
    *_, (_, fold) = recording.folded()
    assert (
        fold.snapshot().settings[SettingKey.CAPACITY] == session.fold.snapshot().settings[SettingKey.CAPACITY]
    )
    assert fold.snapshot().settings_verified


async def test_begun_while_connecting(life: Life) -> None:
    """Nothing of a login is heard that began earlier; the settings are read once more."""
    session = life.begin(pin="1234")
    await asyncio.sleep(0.5)
    writer = recorder()
    assert session.state is Connection.CONNECTING
    session.record(writer.tap)
    await asyncio.sleep(MINUTE)
    assert sent(parse(writer.text))[-7:] == ["V@", *SETTINGS, "E!"]


async def test_ended_while_connecting(life: Life) -> None:
    """An end is one at any time, and another recording may follow."""
    session = life.begin()
    await life.until(Connection.CONNECTED)
    first, second = recorder(), recorder()
    session.record(first.tap)
    await asyncio.sleep(MINUTE)
    life.bms.drop()
    await life.until(Connection.CONNECTING)
    session.end_recording()
    text = first.text
    await asyncio.sleep(MINUTE)
    assert first.text == text
    session.record(second.tap)
    session.end_recording()
    session.record(second.tap)
    await asyncio.sleep(MINUTE)
    assert first.text == text
    assert sent(parse(second.text)) == ["D!", "V@", *SETTINGS, "E!"]


async def test_the_settings_are_read_again_later(life: Life) -> None:
    """A recording begins the ten minutes anew; it needs no second reading."""
    session = life.begin()
    await asyncio.sleep(595)
    writer = recorder()
    session.record(writer.tap)
    await asyncio.sleep(5 * MINUTE)
    assert sent(parse(writer.text)) == ["D!", "V@", *SETTINGS, "E!"]


async def test_between_visits(life: Life) -> None:
    """A BMS that is visited now and then is visited now, for as long as somebody listens in."""
    session = life.begin(visit_interval=HOUR)
    await life.until(Connection.WAITING)
    writer = recorder()
    session.record(writer.tap)
    await asyncio.sleep(5 * MINUTE)
    assert session.state is Connection.CONNECTED
    session.end_recording()
    await life.until(Connection.WAITING)
    assert session.connections == 2
    recording = parse(writer.text)
    assert sent(recording) == ["D!", "V@", *SETTINGS, "E!"]
    assert recording.said[-1].seconds > 299


async def test_not_while_paused(life: Life) -> None:
    """A BMS that was left to the phone stays left to it."""
    session = life.begin()
    session.pause(HOUR)
    await life.until(Connection.PAUSED)
    session.record(recorder().tap)
    await asyncio.sleep(5 * MINUTE)
    assert session.state is Connection.PAUSED


async def test_generation_2(life: Life) -> None:
    """Of generation 2 only what it knows is asked for."""
    life.bms = peripheral(asyncio.get_running_loop().time, DeviceType.GEN2, cells=4)
    session = life.begin()
    await asyncio.sleep(MINUTE)
    writer = recorder()
    session.record(writer.tap)
    await asyncio.sleep(MINUTE)
    assert sent(parse(writer.text)) == ["D!", "V@", "S1@", "S2@", "E!"]
