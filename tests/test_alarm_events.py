"""The event entity of the five alarms: what comes and goes is told once, at once, with its cells."""

import asyncio
from collections.abc import Mapping

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.state import LogEntry, LogEvent
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.restore_state import RestoredExtraData, async_get

from .diary import set_up_counted
from .radio import Radio, entity_id, set_up, shown, still_bms

ALARM = "alarm"
TOLD = ("event_type", "alarm", "cell", "value", "unit", "threshold", "cells")


class Listener:
    """Whoever automates on the entity: each new time is an event."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Hear nothing yet."""
        self.heard: list[Mapping[str, object]] = []
        self.times: list[float] = []
        entity = entity_id(hass, ALARM)
        assert entity is not None

        @callback
        def hear(event: Event[EventStateChangedData]) -> None:
            old, new = event.data["old_state"], event.data["new_state"]
            if event.data["entity_id"] != entity or old is None or new is None:
                return
            if old.state != new.state and "unavailable" not in (old.state, new.state):
                self.heard.append({key: new.attributes[key] for key in TOLD})
                self.times.append(hass.loop.time())

        hass.bus.async_listen(EVENT_STATE_CHANGED, hear)

    @property
    def kinds(self) -> list[object]:
        """What was told, without its numbers."""
        return [event["event_type"] for event in self.heard]


async def test_a_cell_above_v_max(hass: HomeAssistant, radio: Radio) -> None:
    """Vh names the highest cell, its voltage and V max when it comes, and again when it goes."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    listener = Listener(hass)
    cells = bms.firmware.battery.cells
    cells[2].voltage = 3.725
    await asyncio.sleep(20)
    cells[2].voltage, cells[6].voltage = 3.3, 3.35
    await asyncio.sleep(20)
    assert listener.heard == [
        {
            "event_type": "voltage_high_raised",
            "alarm": "Vh",
            "cell": 3,
            "value": 3.725,
            "unit": "V",
            "threshold": 3.7,
            "cells": [3],
        },
        {
            "event_type": "voltage_high_cleared",
            "alarm": "Vh",
            "cell": 7,
            "value": 3.35,
            "unit": "V",
            "threshold": 3.7,
            "cells": [],
        },
    ]


@pytest.mark.parametrize("device_type", [DeviceType.GEN2, DeviceType.GEN3_RAYTAC])
async def test_a_cell_too_cold(hass: HomeAssistant, radio: Radio, device_type: DeviceType) -> None:
    """Tl names the coldest cell, in degrees; on either generation."""
    bms = still_bms(hass, device_type)
    await set_up(hass, radio, bms)
    listener = Listener(hass)
    bms.firmware.battery.cells[11].temperature = -3.0
    await asyncio.sleep(20)
    assert listener.heard == [
        {
            "event_type": "temperature_low_raised",
            "alarm": "Tl",
            "cell": 12,
            "value": -3.3,
            "unit": "°C",
            "threshold": 1.9,
            "cells": [12],
        }
    ]


async def test_it_is_told_at_once_and_not_on_hearsay(hass: HomeAssistant, radio: Radio) -> None:
    """Two of three records raise an alarm, however long the publish interval; one raises none."""
    firmware, _ = await set_up_counted(hass, radio, publish_interval=3600)
    listener = Listener(hass)
    for _ in range(5):
        await firmware.say(5)
        firmware.chain_broken = True
        await firmware.say()
        firmware.chain_broken = False
    await firmware.say(5)
    assert listener.heard == []
    firmware.battery.cells[0].voltage = 2.5
    await firmware.say(2)
    assert listener.kinds == ["voltage_low_raised"]
    assert hass.loop.time() - listener.times[0] < 0.05


async def test_alarms_that_come_together(hass: HomeAssistant, radio: Radio) -> None:
    """Each is an event of its own, with a time of its own."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    listener = Listener(hass)
    cells = bms.firmware.battery.cells
    cells[0].voltage, cells[1].voltage, cells[2].temperature, cells[3].temperature = 3.8, 2.5, 70.0, -9.0
    await asyncio.sleep(20)
    assert listener.kinds == [
        "voltage_high_raised",
        "voltage_low_raised",
        "temperature_high_raised",
        "temperature_low_raised",
    ]
    assert listener.times[-1] - listener.times[0] < 0.05
    await asyncio.sleep(300)
    assert len(listener.heard) == 4


async def test_a_publication_in_between(hass: HomeAssistant, radio: Radio) -> None:
    """However soon there is more to look at: no two events in the same millisecond."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    listener = Listener(hass)

    @callback
    def publish(_: Event[EventStateChangedData]) -> None:
        hass.loop.call_soon(entry.runtime_data.async_update_listeners)

    hass.bus.async_listen(EVENT_STATE_CHANGED, publish)
    cells = bms.firmware.battery.cells
    cells[0].voltage, cells[1].voltage = 3.8, 2.5
    await asyncio.sleep(20)
    assert listener.kinds == ["voltage_high_raised", "voltage_low_raised"]
    assert 0.001 < listener.times[1] - listener.times[0] < 0.01


# The chain of cell boards.


def of_the_chain(kind: str, cell: int | None) -> dict[str, object]:
    """Return what is told of E, which knows no value."""
    return {
        "event_type": f"communication_error_{kind}",
        "alarm": "E",
        "cell": cell,
        "value": None,
        "unit": None,
        "threshold": None,
        "cells": None,
    }


async def test_a_broken_chain_names_no_cell_by_itself(hass: HomeAssistant, radio: Radio) -> None:
    """Generation 2 keeps no log, so nobody knows where."""
    bms = still_bms(hass, DeviceType.GEN2)
    await set_up(hass, radio, bms)
    listener = Listener(hass)
    bms.firmware.chain_broken = True
    await asyncio.sleep(20)
    bms.firmware.chain_broken = False
    await asyncio.sleep(20)
    assert listener.heard == [of_the_chain("raised", None), of_the_chain("cleared", None)]


@pytest.mark.parametrize(("ago", "cell"), [(2, 8), (3600, None)])
async def test_the_log_names_the_cell(hass: HomeAssistant, radio: Radio, ago: int, cell: int | None) -> None:
    """A fresh entry is about this break; an old one was another break, somewhere else."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, seconds=60)
    listener = Listener(hass)
    memory = bms.firmware.memory
    memory.newest_entry = 0
    memory.log[0] = LogEntry(int(memory.clock) - ago, LogEvent.COMMUNICATION, 0, 8)
    while shown(hass, "device_log") == "unknown":
        await asyncio.sleep(0.1)
    bms.firmware.chain_broken = True
    await asyncio.sleep(20)
    assert listener.heard == [of_the_chain("raised", cell)]


async def test_other_entries_of_the_log_name_no_break(hass: HomeAssistant, radio: Radio) -> None:
    """A cell that was too warm has nothing to do with the chain."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, seconds=60)
    listener = Listener(hass)
    memory = bms.firmware.memory
    memory.newest_entry = 0
    memory.log[0] = LogEntry(int(memory.clock), LogEvent.TEMPERATURE_HIGH, 345, 3)
    while shown(hass, "device_log") == "unknown":
        await asyncio.sleep(0.1)
    bms.firmware.chain_broken = True
    await asyncio.sleep(3)
    assert listener.heard == [of_the_chain("raised", None)]


async def test_a_broken_chain_makes_no_cell_well(hass: HomeAssistant, radio: Radio) -> None:
    """While it is broken the BMS says nothing of the cells; what was wrong may still be."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    listener = Listener(hass)
    bms.firmware.battery.cells[0].voltage = 2.5
    await asyncio.sleep(20)
    bms.firmware.chain_broken = True
    await asyncio.sleep(20)
    assert shown(hass, "voltage_low") == "off"
    assert listener.kinds == ["voltage_low_raised", "communication_error_raised"]
    bms.firmware.chain_broken = False
    await asyncio.sleep(20)
    bms.firmware.battery.cells[0].voltage = 3.3
    await asyncio.sleep(20)
    assert listener.kinds[2:] == ["communication_error_cleared", "voltage_low_cleared"]


# Out of reach, and through restarts.


async def test_what_is_on_at_first_is_no_news(hass: HomeAssistant, radio: Radio) -> None:
    """A BMS that is added with an alarm tells of it when it goes."""
    bms = still_bms(hass)
    bms.firmware.battery.cells[0].voltage = 2.5
    await set_up(hass, radio, bms, seconds=60)
    assert (shown(hass, "voltage_low"), shown(hass, ALARM)) == ("on", "unknown")
    listener = Listener(hass)
    bms.firmware.battery.cells[0].voltage = 3.3
    await asyncio.sleep(20)
    assert listener.kinds == ["voltage_low_cleared"]


async def test_out_of_reach(hass: HomeAssistant, radio: Radio) -> None:
    """An alarm from before is not told again; what came or went meanwhile is, when the BMS is back."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    listener = Listener(hass)
    cells = bms.firmware.battery.cells
    cells[0].voltage = 2.5
    await asyncio.sleep(20)
    for voltage, temperature in ((2.5, 20.0), (2.5, 70.0), (3.3, 70.0)):
        radio.take_away(bms)
        await asyncio.sleep(120)
        assert shown(hass, ALARM) == "unavailable"
        cells[0].voltage, cells[1].temperature = voltage, temperature
        radio.bring(bms)
        await asyncio.sleep(60)
    assert listener.kinds == ["voltage_low_raised", "temperature_high_raised", "voltage_low_cleared"]


async def test_a_restart(hass: HomeAssistant, radio: Radio) -> None:
    """Home Assistant remembers what has been told, and tells what came meanwhile."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    listener = Listener(hass)
    cells = bms.firmware.battery.cells
    cells[0].voltage = 2.5
    await asyncio.sleep(20)
    last = shown(hass, ALARM)
    await hass.config_entries.async_reload(entry.entry_id)
    await asyncio.sleep(30)
    assert shown(hass, ALARM) == last
    await hass.config_entries.async_unload(entry.entry_id)
    cells[2].temperature = 70.0
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(30)
    assert listener.kinds == ["voltage_low_raised", "temperature_high_raised"]


async def test_a_restart_out_of_reach(hass: HomeAssistant, radio: Radio) -> None:
    """What is remembered of the BMS is not what it says now."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    listener = Listener(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    radio.take_away(bms)
    await asyncio.sleep(10)
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(300)
    assert shown(hass, ALARM) == "unavailable"
    bms.firmware.battery.cells[0].voltage = 2.5
    radio.bring(bms)
    await asyncio.sleep(60)
    assert listener.kinds == ["voltage_low_raised"]


def forge(hass: HomeAssistant, told: object) -> None:
    """Change what Home Assistant has stored of the alarms that were told."""
    entity = entity_id(hass, ALARM)
    assert entity is not None
    stored = async_get(hass).last_states[entity]
    assert stored.extra_data is not None
    stored.extra_data = RestoredExtraData({**stored.extra_data.as_dict(), "told": told})


async def test_a_crash(hass: HomeAssistant, radio: Radio) -> None:
    """What was told since the last save is told again, but only once the BMS says it."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    listener = Listener(hass)
    bms.firmware.battery.cells[0].voltage = 2.5
    await asyncio.sleep(20)
    await hass.config_entries.async_unload(entry.entry_id)
    forge(hass, [])
    radio.take_away(bms)
    await asyncio.sleep(10)
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(300)
    assert listener.kinds == ["voltage_low_raised"]
    assert shown(hass, ALARM) == "unavailable"
    radio.bring(bms)
    await asyncio.sleep(60)
    assert listener.kinds == ["voltage_low_raised", "voltage_low_raised"]


@pytest.mark.parametrize("told", [None, "voltage_low", {"last_event_type": None}])
async def test_a_memory_that_is_damaged(hass: HomeAssistant, radio: Radio, told: object) -> None:
    """What cannot be read is not known, and what is on is taken as it is."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    await hass.config_entries.async_unload(entry.entry_id)
    bms.firmware.battery.cells[0].voltage = 2.5
    forge(hass, told)
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(60)
    assert (shown(hass, "voltage_low"), shown(hass, ALARM)) == ("on", "unknown")


async def test_an_entry_that_is_unloaded_meanwhile(hass: HomeAssistant, radio: Radio) -> None:
    """Whatever is left to be told waits for the next start."""
    firmware, _ = await set_up_counted(hass, radio)
    (entry,) = hass.config_entries.async_entries("smartbms")
    listener = Listener(hass)
    firmware.battery.cells[0].voltage, firmware.battery.cells[1].voltage = 3.8, 2.5
    while not listener.heard:
        await asyncio.sleep(0.0005)
    await hass.config_entries.async_unload(entry.entry_id)
    await asyncio.sleep(5)
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(30)
    assert listener.kinds == ["voltage_high_raised", "voltage_low_raised"]
