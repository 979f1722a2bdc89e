"""An entry is set up, unloaded and reloaded, and says what keeps it from that."""

import asyncio
import logging

from bleak.exc import BleakError
from bleak_retry_connector import BleakNotFoundError, BleakOutOfConnectionSlotsError
import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import device_registry as dr

from .radio import ADDRESS, TITLE, Radio, Trouble, entry_of, fail, set_up, shown, still_bms, unplug


def at_work() -> list[str]:
    """Return the names of our tasks that are under way."""
    return [task.get_name() for task in asyncio.all_tasks() if "smartbms" in task.get_name()]


async def test_a_bms_is_set_up(hass: HomeAssistant, radio: Radio, device_registry: dr.DeviceRegistry) -> None:
    """One entry, one connection, one device."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    assert entry.state is ConfigEntryState.LOADED
    assert bms.connected
    assert radio.attempts == 1
    (device,) = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    assert device.identifiers == {("smartbms", ADDRESS)}
    assert device.connections == {("bluetooth", ADDRESS)}
    assert (device.name, device.manufacturer) == (TITLE, "123electric")
    assert (device.model, device.serial_number) == ("123\\SmartBMS gen3", "03330")
    assert (device.sw_version, device.hw_version) == ("3.3.11", "type 6 (Raytac)")


@pytest.mark.parametrize(
    ("device_type", "shows"),
    [
        (DeviceType.GEN2, ("123\\SmartBMS gen2", "type 2", "1.5")),
        (DeviceType.GEN3_BLUERADIOS, ("123\\SmartBMS gen3", "type 4 (BlueRadios)", "3.3.11")),
    ],
)
async def test_the_other_radio_module(
    hass: HomeAssistant,
    radio: Radio,
    device_registry: dr.DeviceRegistry,
    device_type: DeviceType,
    shows: tuple[str, str, str],
) -> None:
    """Both generations exist with the module of BlueRadios."""
    entry = await set_up(hass, radio, still_bms(hass, device_type))
    (device,) = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    assert (device.model, device.hw_version, device.sw_version) == shows


async def test_a_bms_of_unknown_type(
    hass: HomeAssistant, radio: Radio, device_registry: dr.DeviceRegistry
) -> None:
    """What no advertisement told is left open, except for the generation, which the BMS tells."""
    bms = still_bms(hass, DeviceType.GEN2)
    entry = entry_of(hass, bms, data={"device_type": None, "serial_number": None})
    bms.advertisement = bms.advertisement[:3]
    radio.bring(bms)
    assert await hass.config_entries.async_setup(entry.entry_id)
    (device,) = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    assert (device.model, device.hw_version, device.serial_number) == ("123\\SmartBMS gen2", None, None)


async def test_a_firmware_update_is_noticed(
    hass: HomeAssistant, radio: Radio, device_registry: dr.DeviceRegistry
) -> None:
    """After an update of the BMS its device shows the new version."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    bms.firmware.version = "3.4.0"
    bms.drop()
    await asyncio.sleep(10)
    (device,) = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    assert device.sw_version == "3.4.0"


async def test_unloading_lets_go_of_the_bms(hass: HomeAssistant, radio: Radio) -> None:
    """Within three seconds the phone can connect, and nothing of ours is left running."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    assert sorted(at_work()) == ["smartbms ping", "smartbms session"]
    async with asyncio.timeout(3):
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert entry.state is ConfigEntryState.NOT_LOADED
    assert not bms.connected
    assert at_work() == []
    assert shown(hass, "voltage") == "unavailable"
    attempts = radio.attempts
    await asyncio.sleep(3600)
    assert radio.attempts == attempts
    assert not bms.connected


async def test_unloading_in_the_middle_of_connecting(hass: HomeAssistant, radio: Radio) -> None:
    """Nor does an attempt that takes long keep an entry from being unloaded."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    radio.delay = 1000.0
    bms.drop()
    await asyncio.sleep(10)
    assert shown(hass, "connection") == "connecting"
    async with asyncio.timeout(3):
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert at_work() == []


async def test_reloading(hass: HomeAssistant, radio: Radio) -> None:
    """A reload ends one connection before it begins another."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    async with asyncio.timeout(5):
        assert await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    await asyncio.sleep(10)
    assert bms.connected
    assert shown(hass, "voltage") == "53.05"
    assert radio.attempts == 2


async def test_home_assistant_stops(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """When Home Assistant stops, the BMS is free within three seconds."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    async with asyncio.timeout(3):
        while at_work():
            await asyncio.sleep(0.1)
    assert not bms.connected
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_home_assistant_stops_while_a_bms_is_set_up(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever restarts Home Assistant while a BMS is out of reach is told of no error, and does not wait."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    radio.delay = 100_000.0
    assert await hass.config_entries.async_unload(entry.entry_id)
    setting_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await asyncio.sleep(1)
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    async with asyncio.timeout(3):
        assert not await setting_up
    assert at_work() == []
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_bms_is_not_set_up_once_home_assistant_stops(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as after a new PIN: nobody would end it."""
    bms = still_bms(hass)
    radio.bring(bms)
    hass.set_state(CoreState.stopping)
    entry = entry_of(hass, bms)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert radio.attempts == 0
    assert at_work() == []
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_removing_a_bms(hass: HomeAssistant, radio: Radio) -> None:
    """Nothing stays of a BMS that is removed."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    await hass.config_entries.async_remove(entry.entry_id)
    assert not bms.connected
    assert at_work() == []
    assert shown(hass, "voltage") is None


# What keeps a BMS from being set up.


def hang(radio: Radio, bms: BmsPeripheral) -> None:
    """Let connecting take for ever."""
    radio.delay = 100_000.0


@pytest.mark.parametrize(
    ("trouble", "key", "reason"),
    [
        (Radio.take_away, "not_in_reach", "No Bluetooth adapter or proxy hears the BMS."),
        (unplug, "no_adapter", "Home Assistant has no Bluetooth adapter or proxy"),
        (fail(BleakNotFoundError("gone")), "not_in_reach", "No Bluetooth adapter or proxy hears the BMS."),
        (fail(BleakOutOfConnectionSlotsError("full")), "no_free_slot", "All connections of the Bluetooth"),
        (fail(BleakError("broken")), "connection_lost", "The Bluetooth connection broke off."),
        (hang, "no_answer", "The BMS is connected but does not answer"),
    ],
)
async def test_what_keeps_a_bms_away_is_said_and_tried_again(
    hass: HomeAssistant,
    radio: Radio,
    trouble: Trouble,
    key: str,
    reason: str,
) -> None:
    """The entry tells its owner what is missing, and is set up by itself when it is not missing any more."""
    bms = still_bms(hass)
    entry = entry_of(hass, bms)
    radio.bring(bms)
    trouble(radio, bms)
    async with asyncio.timeout(70):
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == key
    assert (entry.reason or "").startswith(reason)
    assert at_work() == []
    assert not hass.config_entries.flow.async_progress_by_handler(DOMAIN)

    radio.failure, radio.delay = None, 0.0
    radio.unplug()
    radio.plug_in()
    radio.bring(bms)
    await hass.async_block_till_done()
    await asyncio.sleep(60)
    assert entry.state.value == "loaded"
    assert bms.connected


async def test_a_rejected_pin_is_asked_for_and_not_tried_again(hass: HomeAssistant, radio: Radio) -> None:
    """One attempt, one question to the owner, and silence until it is answered."""
    bms = still_bms(hass, pin="8642")
    entry = await set_up(hass, radio, bms, seconds=3600)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "pin_rejected"
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert (flow["context"]["source"], flow["step_id"]) == ("reauth", "reauth_confirm")
    assert radio.attempts == 1
    assert not bms.connected


async def test_a_bms_without_pin_is_set_up(hass: HomeAssistant, radio: Radio) -> None:
    """A BMS that asks for none gets none."""
    entry = await set_up(hass, radio, still_bms(hass, requires_pin=False), pin=None)
    assert entry.state is ConfigEntryState.LOADED
    assert shown(hass, "voltage") == "53.05"


async def test_a_bms_that_wants_a_pin_and_gets_none(hass: HomeAssistant, radio: Radio) -> None:
    """An entry without PIN asks for one when the BMS does."""
    entry = await set_up(hass, radio, still_bms(hass), pin=None)
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert [
        flow["context"]["source"] for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    ] == ["reauth"]


async def test_a_simulated_bms_wants_its_pin_as_well(hass: HomeAssistant, radio: Radio) -> None:
    """The simulated BMS is as strict as a real one."""
    entry = entry_of(hass, still_bms(hass), pin="1111", data={"simulated_cells": 4})
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_ERROR
    assert len(hass.config_entries.flow.async_progress_by_handler(DOMAIN)) == 1
