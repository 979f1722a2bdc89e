"""The device's own memory: its log as events and in the logbook, its history as statistics."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.components.recorder.common import async_wait_recording_done  # type: ignore[import-untyped]

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.state import LogEntry, LogEvent
from custom_components.smartbms.const import EVENT_DEVICE_LOG
from custom_components.smartbms.logbook import async_describe_events
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .radio import Radio, entity_id, radio_of, set_up, shown, still_bms
from .virtual_time import virtual_time

__all__ = ["virtual_time"]

LOG = "device_log"


def heard(hass: HomeAssistant) -> list[Event]:
    """Collect what the logbook gets to hear."""
    events: list[Event] = []

    @callback
    def hear(event: Event) -> None:
        events.append(event)

    hass.bus.async_listen(EVENT_DEVICE_LOG, hear)
    return events


def happen(bms: BmsPeripheral, event: LogEvent, value: int, cell: int, *, ago: int = 0) -> None:
    """Let the device log an alarm."""
    memory = bms.firmware.memory
    memory.newest_entry = 0 if memory.newest_entry is None else memory.newest_entry + 1
    memory.log[memory.newest_entry] = LogEntry(int(memory.clock) - ago, event, value, cell)


async def test_old_alarms_are_for_the_logbook(hass: HomeAssistant, radio: Radio) -> None:
    """What happened before Home Assistant knew the BMS is told with its time, and triggers nothing."""
    bms = still_bms(hass)
    events = heard(hass)
    happen(bms, LogEvent.VOLTAGE_LOW, 575, 7, ago=7200)
    await set_up(hass, radio, bms, seconds=60)
    (event,) = events
    assert (event.data["type"], event.data["cell"], event.data["voltage"]) == ("voltage_low", 7, 2.875)
    ago = dt_util.utcnow() - event.time_fired
    assert 7200 < ago.total_seconds() < 7260
    assert datetime.fromisoformat(event.data["occurred"]) == event.time_fired
    assert shown(hass, LOG) == "unknown"


async def test_a_new_alarm_is_an_event(hass: HomeAssistant, radio: Radio) -> None:
    """The entity tells its kind, its cell and its value, once."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, seconds=60)
    events = heard(hass)
    happen(bms, LogEvent.TEMPERATURE_HIGH, 345, 3)
    await asyncio.sleep(60)
    entity = entity_id(hass, LOG)
    state = None if entity is None else hass.states.get(entity)
    assert state is not None
    assert state.attributes["event_type"] == "temperature_high"
    assert (state.attributes["cell"], state.attributes["temperature"]) == (3, 63.6)
    assert [event.data["type"] for event in events] == ["temperature_high"]
    await asyncio.sleep(1200)
    assert len(events) == 1


async def test_a_restart_tells_nothing_again(hass: HomeAssistant, radio: Radio) -> None:
    """What has been told is remembered; what happened meanwhile is told."""
    bms = still_bms(hass)
    happen(bms, LogEvent.VOLTAGE_LOW, 575, 7, ago=7200)
    entry = await set_up(hass, radio, bms, seconds=60)
    events = heard(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    happen(bms, LogEvent.COMMUNICATION, 0, 8, ago=60)
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(60)
    assert [(event.data["type"], event.data["cell"]) for event in events] == [("communication", 8)]


async def test_a_counter_that_was_set_back(hass: HomeAssistant, radio: Radio) -> None:
    """After a loss of power nobody knows when an old alarm was."""
    bms = still_bms(hass)
    happen(bms, LogEvent.VOLTAGE_HIGH, 742, 2)
    bms.firmware.memory.restart()
    events = heard(hass)
    await set_up(hass, radio, bms, seconds=60)
    assert [event.data["occurred"] for event in events] == [None]


async def test_generation_2_keeps_no_log(hass: HomeAssistant, radio: Radio) -> None:
    """It has no such entity."""
    await set_up(hass, radio, still_bms(hass, DeviceType.GEN2), seconds=60)
    assert entity_id(hass, LOG) is None


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ((LogEvent.VOLTAGE_LOW, 575, 7), "reported: Cell below V min (Cell 7, 2.875 V)"),
        ((LogEvent.VOLTAGE_HIGH, 742, 2), "reported: Cell above V max (Cell 2, 3.710 V)"),
        (
            (LogEvent.TEMPERATURE_LOW_CHARGE, 270, 1),
            "reported: Cell below T min for charging (Cell 1, -0.7 °C)",
        ),
        ((LogEvent.COMMUNICATION, 0, 0), "reported: Communication with the cells lost"),
    ],
)
async def test_the_words_of_the_logbook(
    hass: HomeAssistant, radio: Radio, entry: tuple[LogEvent, int, int], message: str
) -> None:
    """An entry names the BMS, the alarm, the cell and the value."""
    bms = still_bms(hass)
    events = heard(hass)
    happen(bms, *entry)
    await set_up(hass, radio, bms, seconds=60)
    described: dict[str, Any] = {}
    async_describe_events(hass, lambda domain, kind, describe: described.update({kind: describe}))
    assert described[EVENT_DEVICE_LOG](events[0]) == {"name": "123\\SmartBMS 03330", "message": message}


async def test_a_device_that_is_gone(hass: HomeAssistant) -> None:
    """What it logged is still told."""
    described: dict[str, Any] = {}
    async_describe_events(hass, lambda domain, kind, describe: described.update({kind: describe}))
    data = {
        "device_id": "gone",
        "type": "temperature_high",
        "cell": None,
        "voltage": None,
        "temperature": None,
    }
    assert described[EVENT_DEVICE_LOG](Event(EVENT_DEVICE_LOG, data)) == {
        "name": "123\\SmartBMS",
        "message": "reported: Cell above T max",
    }


async def statistics(hass: HomeAssistant, entity: str) -> dict[float, float | None]:
    """Return the hourly means of an entity by the beginning of their hour."""
    await async_wait_recording_done(hass)
    rows = await get_instance(hass).async_add_executor_job(
        statistics_during_period, hass, dt_util.utc_from_timestamp(0), None, {entity}, "hour", None, {"mean"}
    )
    return {row["start"]: row.get("mean") for row in rows.get(entity, ())}


async def test_the_graph_does_not_begin_empty(
    recorder_mock: object, hass: HomeAssistant, mock_bluetooth: None, virtual_time: None
) -> None:
    """168 hours of the state of charge are there from the first day, each in its hour, and only once."""
    async with radio_of(hass) as radio:
        bms = still_bms(hass)
        memory = bms.firmware.memory
        memory.history = [50] * 168
        memory.newest_hour = 3
        memory.history[3], memory.history[4], memory.history[5] = 64, 41, None
        entry = await set_up(hass, radio, bms, seconds=60)
        entity = entity_id(hass, "state_of_charge")
        assert entity is not None
        found = await statistics(hass, entity)
        newest = dt_util.utcnow().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        assert len(found) == 167
        assert found[newest.timestamp()] == 64
        assert found[(newest - timedelta(hours=167)).timestamp()] == 41
        assert (newest - timedelta(hours=166)).timestamp() not in found
        memory.history = [99] * 168
        await hass.config_entries.async_reload(entry.entry_id)
        await asyncio.sleep(60)
        assert await statistics(hass, entity) == found


async def test_hours_that_have_statistics_keep_them(
    recorder_mock: object, hass: HomeAssistant, mock_bluetooth: None, virtual_time: None
) -> None:
    """A BMS that is added again brings only what is missing."""
    async with radio_of(hass) as radio:
        bms = still_bms(hass)
        bms.firmware.memory.history = [None] * 167 + [50]
        entry = await set_up(hass, radio, bms, seconds=60)
        entity = entity_id(hass, "state_of_charge")
        assert entity is not None
        await statistics(hass, entity)
        await hass.config_entries.async_remove(entry.entry_id)
        bms.firmware.memory.history = [40] * 168
        await set_up(hass, radio, bms, seconds=60)
        found = await statistics(hass, entity)
        assert len(found) == 168
        assert set(found.values()) == {40, 50}


async def test_a_state_of_charge_that_nobody_wants(
    recorder_mock: object, hass: HomeAssistant, mock_bluetooth: None, virtual_time: None
) -> None:
    """While its entity is disabled nothing is imported; once it is there the history comes."""
    async with radio_of(hass) as radio:
        bms = still_bms(hass)
        entry = await set_up(hass, radio, bms, seconds=5)
        registry = er.async_get(hass)
        entity = entity_id(hass, "state_of_charge")
        assert entity is not None
        registry.async_remove(entity)
        await asyncio.sleep(60)
        assert entry.runtime_data.remembered.has_history is False


async def test_an_empty_history(
    recorder_mock: object, hass: HomeAssistant, mock_bluetooth: None, virtual_time: None
) -> None:
    """A BMS that has not lived an hour has nothing to import, and is not asked again."""
    async with radio_of(hass) as radio:
        bms = still_bms(hass)
        bms.firmware.memory.history = [None] * 168
        entry = await set_up(hass, radio, bms, seconds=60)
        assert entry.runtime_data.remembered.has_history is True
