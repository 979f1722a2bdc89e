"""The days that a simulated BMS inside Home Assistant can live through."""

import asyncio

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.smartbms.const import DOMAIN
from homeassistant.core import HomeAssistant

from .radio import Radio, entity_id, set_up, shown, still_bms

ADDRESS = "simulated_1"


async def simulated(hass: HomeAssistant, **data: object) -> str:
    """Set up a simulated BMS of 16 cells; return its entry."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="123\\SmartBMS simulator",
        unique_id=ADDRESS,
        data={
            "address": ADDRESS,
            "pin": "1234",
            "device_type": 6,
            "serial_number": "00001",
            "simulated_cells": 16,
            **data,
        },
    )
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(30)
    entry_id: str = entry.entry_id
    return entry_id


async def choose(hass: HomeAssistant, option: str, key: str = "scenario") -> None:
    """Choose a day, or a speed."""
    target = {"entity_id": entity_id(hass, key, ADDRESS)}
    await hass.services.async_call(
        "select", "select_option", {"option": option}, blocking=True, target=target
    )


async def test_another_day(hass: HomeAssistant, radio: Radio) -> None:
    """It begins at once, another one ends it, and a reload begins it anew."""
    entry_id = await simulated(hass)
    assert shown(hass, "scenario", ADDRESS) == "solar_day"
    await choose(hass, "chain_broken")
    assert shown(hass, "scenario", ADDRESS) == "chain_broken"
    await asyncio.sleep(30)
    assert shown(hass, "charging_blocked_by", ADDRESS) == "no_communication"
    await choose(hass, "frosty_morning")
    await asyncio.sleep(60)
    assert shown(hass, "charging_blocked_by", ADDRESS) == "too_cold"
    await hass.config_entries.async_reload(entry_id)
    await asyncio.sleep(30)
    assert shown(hass, "scenario", ADDRESS) == "frosty_morning"
    assert shown(hass, "charging_blocked_by", ADDRESS) == "too_cold"


async def test_faster_than_life(hass: HomeAssistant, radio: Radio) -> None:
    """At sixty times the speed an hour is over in a minute, and a reload does not slow it down."""
    entry_id = await simulated(hass)
    assert shown(hass, "speed", ADDRESS) == "1"
    await choose(hass, "60", "speed")
    before = float(shown(hass, "collected_today", ADDRESS) or 0)
    await asyncio.sleep(60)
    assert float(shown(hass, "collected_today", ADDRESS) or 0) - before > 1
    await hass.config_entries.async_reload(entry_id)
    assert shown(hass, "speed", ADDRESS) == "60"


async def test_power_lost_and_back(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """It is out of reach like a real one, nothing is taken for an error, and it comes back uncalibrated."""
    await simulated(hass)
    assert shown(hass, "calibrated", ADDRESS) == "on"
    await choose(hass, "power_lost")
    await asyncio.sleep(2)
    assert shown(hass, "connection", ADDRESS) == "disconnected"
    await asyncio.sleep(60)
    assert shown(hass, "connection", ADDRESS) == "connected"
    assert shown(hass, "calibrated", ADDRESS) == "off"
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_choice_that_is_none(hass: HomeAssistant, radio: Radio) -> None:
    """An entry that names a day that there is not begins as at first."""
    await simulated(hass, scenario="doomsday", speed=5)
    assert shown(hass, "scenario", ADDRESS) == "solar_day"
    assert shown(hass, "speed", ADDRESS) == "1"


async def test_a_real_bms_lives_by_itself(hass: HomeAssistant, radio: Radio) -> None:
    """It has no such select."""
    await set_up(hass, radio, still_bms(hass))
    assert entity_id(hass, "scenario") is entity_id(hass, "speed") is None
