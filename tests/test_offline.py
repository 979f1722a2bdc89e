"""What an owner still learns of a BMS that is out of reach, and after a restart."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from .radio import Radio, entity_id, entry_of, set_up, shown, still_bms

CHARGING = "charging_blocked_by"
PREDICTED = "predicted_state_of_charge"


def state_of(hass: HomeAssistant, key: str) -> State:
    """Return the state of an entity that is there."""
    entity = entity_id(hass, key)
    state = None if entity is None else hass.states.get(entity)
    assert state is not None
    return state


async def test_in_reach_nothing_is_as_of(hass: HomeAssistant, radio: Radio) -> None:
    """What is known now needs no date, and is as fine as the BMS tells it."""
    await set_up(hass, radio, still_bms(hass))
    state = state_of(hass, PREDICTED)
    assert (state.state, state.attributes["uncertainty"]) == (shown(hass, "state_of_charge"), 1)
    assert "as_of" not in state.attributes
    assert "as_of" not in state_of(hass, CHARGING).attributes


async def test_the_state_of_charge_goes_on_out_of_reach(hass: HomeAssistant, radio: Radio) -> None:
    """It is reckoned from what flowed, with its growing uncertainty, until nothing can be said any more."""
    bms = still_bms(hass)
    battery = bms.firmware.battery
    battery.charge_current, battery.load_current = 0.0, 0.1 * 280
    await set_up(hass, radio, bms, seconds=400)
    before = float(state_of(hass, PREDICTED).state)
    heard = dt_util.utcnow()
    radio.take_away(bms)
    await asyncio.sleep(3700)
    state = state_of(hass, PREDICTED)
    # A tenth of the capacity in an hour.
    assert float(state.state) == pytest.approx(before - 10.6, abs=1.0)
    assert state.attributes["uncertainty"] == pytest.approx(6, abs=0.2)
    assert abs(datetime.fromisoformat(state.attributes["as_of"]) - heard) < timedelta(seconds=10)
    assert shown(hass, "voltage") == shown(hass, "state_of_charge") == "unavailable"
    await asyncio.sleep(24 * 3600)
    assert state_of(hass, PREDICTED).state == "unknown"


async def test_what_blocked_is_still_told(hass: HomeAssistant, radio: Radio) -> None:
    """Why charging is blocked, with every cause, as of when the BMS was heard last."""
    bms = still_bms(hass)
    bms.firmware.battery.cells[2].voltage = 3.71
    await set_up(hass, radio, bms)
    radio.take_away(bms)
    await asyncio.sleep(60)
    state = state_of(hass, CHARGING)
    assert state.state == "cell_voltage_high"
    assert state.attributes["causes"][0]["cell"] == 3
    assert "as_of" in state.attributes
    assert shown(hass, "charge_allowed") == "unavailable"
    radio.bring(bms)
    await asyncio.sleep(60)
    assert "as_of" not in state_of(hass, CHARGING).attributes
    assert shown(hass, "charge_allowed") == "off"


async def test_a_restart_out_of_reach(hass: HomeAssistant, radio: Radio) -> None:
    """The entry is there at once with what was known, and its values come with the BMS."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    await hass.config_entries.async_unload(entry.entry_id)
    radio.take_away(bms)
    await asyncio.sleep(10)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert state_of(hass, CHARGING).state == "allowed"
    assert "as_of" in state_of(hass, CHARGING).attributes
    assert float(state_of(hass, PREDICTED).state) == pytest.approx(62, abs=1)
    assert shown(hass, "voltage") == shown(hass, "cell_16_voltage") == "unavailable"
    radio.bring(bms)
    await asyncio.sleep(40)
    assert float(shown(hass, "cell_16_voltage") or 0) > 3
    assert "as_of" not in state_of(hass, CHARGING).attributes


async def test_the_generation_is_remembered(hass: HomeAssistant, radio: Radio) -> None:
    """A BMS that does not advertise what it is has said so when it was asked."""
    bms = still_bms(hass, DeviceType.GEN2)
    entry = await set_up(hass, radio, bms)
    await hass.config_entries.async_unload(entry.entry_id)
    radio.take_away(bms)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "device_type": None})
    await asyncio.sleep(10)
    await hass.config_entries.async_setup(entry.entry_id)
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert device.model == "123\\SmartBMS gen2"
    assert device.sw_version == "1.5"


async def test_a_bms_that_was_never_heard(hass: HomeAssistant, radio: Radio) -> None:
    """Nothing is known of it, so there is nothing to set up."""
    entry = entry_of(hass, still_bms(hass))
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"insight": 5, "log": "x", "has_history": "yes"},
        {"insight": {"snapshot": {"status": 1, "cells": 2, "settings": 3}, "at": 1.0, "samples": [[1], 2]}},
        {"insight": {"snapshot": None, "at": "yesterday", "generation": 9, "trend": {"power": "much"}}},
    ],
)
async def test_a_storage_that_is_damaged(
    hass: HomeAssistant, radio: Radio, hass_storage: dict[str, Any], data: object
) -> None:
    """What cannot be read is not known, and the BMS is set up as on the first day."""
    bms = still_bms(hass)
    entry = entry_of(hass, bms)
    key = f"{DOMAIN}.{entry.entry_id}"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    radio.bring(bms)
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(25)
    assert entry.state is ConfigEntryState.LOADED
    assert shown(hass, CHARGING) == "allowed"


async def test_a_crash_loses_five_minutes(
    hass: HomeAssistant, radio: Radio, hass_storage: dict[str, Any]
) -> None:
    """It is written down every five minutes, and no more often."""
    entry = await set_up(hass, radio, still_bms(hass), seconds=650)
    stored = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]
    ages = dt_util.utcnow().timestamp() - stored["insight"]["at"]
    assert 10 < ages <= 300
    # The newest may have been taken just after that.
    assert len(stored["insight"]["samples"]) in (2, 3)


async def test_a_deleted_entry_leaves_nothing(
    hass: HomeAssistant, radio: Radio, hass_storage: dict[str, Any]
) -> None:
    """What was remembered goes with it."""
    entry = await set_up(hass, radio, still_bms(hass))
    await hass.config_entries.async_remove(entry.entry_id)
    assert f"{DOMAIN}.{entry.entry_id}" not in hass_storage


async def test_periodic_visits_predict_in_between(hass: HomeAssistant, radio: Radio) -> None:
    """Between two visits the last values stay, and the newest of each visit are shown."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options={"connection_mode": "periodic", "visit_minutes": 10})
    assert shown(hass, "cell_16_voltage") is not None
    bms.firmware.battery.cells[15].voltage = 3.2
    await asyncio.sleep(640)
    assert shown(hass, "cell_16_voltage") == "3.2"
    assert "as_of" not in state_of(hass, PREDICTED).attributes
