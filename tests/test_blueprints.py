"""The blueprints, each in a Home Assistant with a BMS: what an owner's automation does, and when it does not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
import shutil
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service  # type: ignore[import-untyped]

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.coordinator import SmartBmsConfigEntry
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.components.automation.config import AUTOMATION_BLUEPRINT_SCHEMA
from homeassistant.components.automation.const import DOMAIN as AUTOMATION
from homeassistant.components.blueprint.models import Blueprint
from homeassistant.components.device_automation import DeviceAutomationType, async_get_device_automations
from homeassistant.const import SERVICE_RELOAD
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.selector import selector
from homeassistant.helpers.sun import get_astral_event_next
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from homeassistant.util.yaml import load_yaml_dict

from .radio import Radio, entity_id, entry_of, set_up, shown, still_bms

ROOT = Path(__file__).parent.parent
BLUEPRINTS = ROOT / "blueprints" / "automation" / "smartbms"
NAMES = [
    "alarm_notification",
    "charger_control",
    "combined_charger_inverter",
    "frost_warning",
    "full_charge_reminder",
    "shed_load",
]
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
CHARGER, DEVICE, BOILER = "input_boolean.charger", "input_boolean.inverter", "input_boolean.boiler"


@pytest.fixture
async def home(hass: HomeAssistant, tmp_path: Path, virtual_time: None) -> AsyncIterator[None]:
    """Give a Home Assistant a folder with the blueprints, switches, and clocks that go with virtual time."""
    shutil.copytree(BLUEPRINTS, tmp_path / "blueprints" / "automation" / "smartbms")
    hass.config.config_dir = str(tmp_path)
    # Days without a change of the clock; in debug mode the loop notes a stack for every timer.
    await hass.config.async_set_time_zone("UTC")
    hass.loop.set_debug(False)

    def utcnow() -> datetime:
        return dt_util.utcnow()

    def timestamp() -> float:
        return utcnow().timestamp()

    with (
        patch("time.time", timestamp),
        patch("homeassistant.helpers.event.time_tracker_timestamp", timestamp),
        patch("homeassistant.helpers.event.time_tracker_utcnow", utcnow),
        patch("homeassistant.util.dt.now", lambda tz=None: dt_util.as_local(utcnow())),
    ):
        switches = {entity.partition(".")[2]: None for entity in (CHARGER, DEVICE, BOILER)}
        assert await async_setup_component(hass, "homeassistant", {})
        assert await async_setup_component(hass, "input_boolean", {"input_boolean": switches})
        yield
        # A trigger by time would outlive the test.
        await hass.services.async_call(AUTOMATION, "turn_off", {"entity_id": "all"}, blocking=True)


@pytest.fixture
def told(hass: HomeAssistant) -> list[ServiceCall]:
    """Collect the notifications."""
    calls: list[ServiceCall] = async_mock_service(hass, "persistent_notification", "create")
    return calls


def texts(told: list[ServiceCall]) -> list[tuple[str, str]]:
    """Return title and message of each notification."""
    return [(call.data["title"], call.data["message"]) for call in told]


async def automate(hass: HomeAssistant, name: str, **inputs: object) -> None:
    """Make an automation of a blueprint; an input that is the key of an entity means the entity."""
    automation = {"use_blueprint": {"path": f"smartbms/{name}.yaml", "input": inputs}}
    with patch("homeassistant.config.load_yaml_config_file", return_value={AUTOMATION: automation}):
        if AUTOMATION in hass.config.components:
            await hass.services.async_call(AUTOMATION, SERVICE_RELOAD, blocking=True)
        else:
            assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: automation})
    await hass.async_block_till_done()
    (state,) = hass.states.async_all(AUTOMATION)
    assert state.state == "on"


async def switch(hass: HomeAssistant, entity: str, *, on: bool) -> None:
    """Turn a switch on or off, as a person does."""
    service = "turn_on" if on else "turn_off"
    await hass.services.async_call("input_boolean", service, {"entity_id": entity}, blocking=True)


def is_on(hass: HomeAssistant, entity: str) -> bool:
    """Whether a switch is on."""
    state = hass.states.get(entity)
    assert state is not None
    return state.state == "on"


class Mysterious(Firmware):
    """A BMS that may block for a reason that no manual tells."""

    is_moody = False

    def status(self) -> int:
        """Return status byte 1, at times with nothing allowed."""
        return super().status() & 0xFC if self.is_moody else super().status()


def resting_bms(hass: HomeAssistant) -> BmsPeripheral:
    """Return a BMS on which nothing flows; its time stands still, so it waits for no delay of its own."""
    bms = still_bms(hass, cells=8, firmware_class=Mysterious)
    bms.firmware.battery.charge_current = bms.firmware.battery.load_current = 0.0
    for delay in (SettingKey.CHARGE_RESTART_DELAY, SettingKey.DISCHARGE_RESTART_DELAY):
        bms.firmware.counts[delay] = 0
    return bms


async def visited(hass: HomeAssistant, entry: SmartBmsConfigEntry, temperature: float = 20.0) -> Firmware:
    """Load the entry of a simulated BMS, so that days pass without a radio; hold its two cells still."""
    await hass.config_entries.async_setup(entry.entry_id)
    firmware = entry.runtime_data.reach.firmware
    assert firmware is not None
    firmware.speed = firmware.battery.charge_current = firmware.battery.load_current = 0.0
    firmware.battery.cells[1].temperature = temperature
    await asyncio.sleep(MINUTE)
    return firmware


def visited_entry(hass: HomeAssistant) -> SmartBmsConfigEntry:
    """Return the entry of a simulated BMS that is visited every six hours."""
    options = {"connection_mode": "periodic", "visit_minutes": 360}
    return entry_of(hass, still_bms(hass), data={"simulated_cells": 2}, options=options)


# The files.


def test_every_blueprint_is_tested_and_explained() -> None:
    """The folder holds those of this file, and the documentation links to each."""
    assert sorted(path.name for path in BLUEPRINTS.iterdir()) == [f"{name}.yaml" for name in NAMES]
    page = (ROOT / "docs" / "automations.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"(../blueprints/automation/smartbms/{name}.yaml)" in page


@pytest.mark.parametrize("name", NAMES)
def test_a_blueprint_is_in_order(name: str) -> None:
    """Home Assistant takes it; each input has a name and a selector, and entities are those of a BMS."""
    blueprint = Blueprint(
        load_yaml_dict(str(BLUEPRINTS / f"{name}.yaml")),
        expected_domain=AUTOMATION,
        schema=AUTOMATION_BLUEPRINT_SCHEMA,
    )
    assert blueprint.validate() is None
    assert blueprint.metadata["name"].startswith("123\\SmartBMS: ")
    assert blueprint.metadata["homeassistant"] == {"min_version": "2026.6.0"}
    # Importing adds where it came from.
    assert "source_url" not in blueprint.metadata
    of_the_bms = 0
    for row in blueprint.inputs.values():
        assert row["name"]
        chosen = selector(row["selector"])
        if chosen.selector_type == "entity":
            (only,) = chosen.config["filter"]
            of_the_bms += only.get("integration") == "smartbms"
            assert only.get("integration", "smartbms") == "smartbms"
    assert of_the_bms >= 1
    defaults = {key: row["default"] for key, row in blueprint.inputs.items() if "default" in row}
    for key, value in defaults.items():
        if value != "":
            validate = selector(blueprint.inputs[key]["selector"])
            assert callable(validate)
            assert validate(value) == value


# Telling of alarms.


@pytest.mark.usefixtures("home")
async def test_an_alarm_is_told_with_its_reason_and_its_cell(
    hass: HomeAssistant, radio: Radio, told: list[ServiceCall]
) -> None:
    """Each alarm once, in words; its end only where that is wanted."""
    bms = resting_bms(hass)
    await set_up(hass, radio, bms)
    await automate(hass, "alarm_notification", alarm_events=[entity_id(hass, "alarm")])
    cells = bms.firmware.battery.cells
    cells[2].voltage = 3.725
    await asyncio.sleep(30)
    cells[6].voltage = 3.71
    cells[3].temperature = 66.3
    await asyncio.sleep(30)
    cells[2].voltage = cells[6].voltage = 3.3
    await asyncio.sleep(30)
    bms.firmware.chain_broken = True
    await asyncio.sleep(30)
    assert texts(told) == [
        (
            "123\\SmartBMS 03330: alarm Vh",
            "Cell voltage high: cell 3 has 3.725 V, the limit is 3.700 V.",
        ),
        (
            "123\\SmartBMS 03330: alarm Th",
            "Temperature high: cell 4 has 66.1 °C, the limit is 60.1 °C.",
        ),
        (
            "123\\SmartBMS 03330: alarm E",
            "The communication with the cells is lost.",
        ),
    ]
    # One for each alarm, so that a later one does not push an earlier one away.
    assert [call.data["notification_id"][-2:] for call in told] == ["Vh", "Th", "_E"]


@pytest.mark.usefixtures("home")
async def test_the_end_of_an_alarm_and_all_its_cells(
    hass: HomeAssistant, radio: Radio, told: list[ServiceCall]
) -> None:
    """All cells beyond the limit are named, and the end where it is wanted."""
    bms = resting_bms(hass)
    cells = bms.firmware.battery.cells
    cells[2].voltage, cells[6].voltage = 3.0, 2.985
    entry = await set_up(hass, radio, bms)
    await automate(hass, "alarm_notification", alarm_events=[entity_id(hass, "alarm")], tell_cleared=True)
    radio.take_away(bms)
    await asyncio.sleep(120)
    bms.firmware.counts[SettingKey.V_MIN] = 598
    radio.bring(bms)
    await asyncio.sleep(60)
    assert texts(told) == [
        (
            "123\\SmartBMS 03330: alarm Vl",
            "Cell voltage low: cell 7 has 2.985 V, the limit is 2.990 V.",
        )
    ]
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    dr.async_get(hass).async_update_device(device.id, name_by_user="House battery")
    cells[2].voltage, cells[6].voltage = 3.3, 3.25
    await asyncio.sleep(30)
    assert texts(told)[1:] == [
        ("House battery: Vl is over", "Cell voltage no longer low: cell 7 has 3.250 V, the limit is 2.990 V.")
    ]
    bms.firmware.chain_broken = True
    await asyncio.sleep(30)
    bms.firmware.chain_broken = False
    await asyncio.sleep(30)
    assert texts(told)[2:] == [
        ("House battery: alarm E", "The communication with the cells is lost."),
        ("House battery: E is over", "The communication with the cells is back."),
    ]


@pytest.mark.usefixtures("home")
async def test_what_is_no_news_is_not_told(
    hass: HomeAssistant, radio: Radio, told: list[ServiceCall]
) -> None:
    """An alarm that was not chosen, the device log, a reload, a lost link: nobody is woken for that."""
    bms = resting_bms(hass)
    entry = await set_up(hass, radio, bms, seconds=60)
    events = [entity_id(hass, "alarm"), entity_id(hass, "device_log")]
    await automate(hass, "alarm_notification", alarm_events=events, alarms=["E", "Vl"])
    cells = bms.firmware.battery.cells
    cells[0].voltage = 3.8
    await asyncio.sleep(60)
    assert shown(hass, "device_log") != "unknown"
    assert told == []
    cells[0].voltage = 2.5
    await asyncio.sleep(60)
    assert len(told) == 1
    await hass.config_entries.async_reload(entry.entry_id)
    await asyncio.sleep(60)
    radio.take_away(bms)
    await asyncio.sleep(120)
    radio.bring(bms)
    await asyncio.sleep(60)
    assert shown(hass, "voltage_low") == "on"
    assert len(told) == 1


# Switching a charger.


async def with_charger(hass: HomeAssistant, radio: Radio, **inputs: object) -> BmsPeripheral:
    """Set up a BMS that allows charging, with a charger that is on."""
    bms = resting_bms(hass)
    await set_up(hass, radio, bms)
    await switch(hass, CHARGER, on=True)
    await automate(
        hass,
        "charger_control",
        charging_allowed=entity_id(hass, "charge_allowed"),
        charger=[CHARGER],
        **inputs,
    )
    return bms


@pytest.mark.usefixtures("home")
async def test_the_charger_follows_the_bms(hass: HomeAssistant, radio: Radio) -> None:
    """Off at once, on again when charging has been allowed for five minutes without a break."""
    bms = await with_charger(hass, radio)
    cell = bms.firmware.battery.cells[0]
    await asyncio.sleep(20 * MINUTE)
    assert is_on(hass, CHARGER)
    bms.firmware.set_critical(True)
    cell.voltage = 3.72
    await asyncio.sleep(10)
    assert not is_on(hass, CHARGER)
    cell.voltage = 3.4
    await asyncio.sleep(4 * MINUTE)
    assert shown(hass, "charge_allowed") == "on"
    cell.voltage = 3.72
    await asyncio.sleep(10)
    cell.voltage = 3.4
    await asyncio.sleep(4.5 * MINUTE)
    assert not is_on(hass, CHARGER)
    await asyncio.sleep(2 * MINUTE)
    assert is_on(hass, CHARGER)


@pytest.mark.usefixtures("home")
async def test_a_charger_that_somebody_switches_on(hass: HomeAssistant, radio: Radio) -> None:
    """While the BMS does not allow it, it is switched off again; while it does, nobody interferes."""
    bms = await with_charger(hass, radio)
    for on in (False, True, False, True):
        await switch(hass, CHARGER, on=on)
        await asyncio.sleep(MINUTE)
    await switch(hass, CHARGER, on=False)
    await asyncio.sleep(20 * MINUTE)
    assert not is_on(hass, CHARGER)
    bms.firmware.battery.cells[0].voltage = 3.72
    await asyncio.sleep(10)
    await switch(hass, CHARGER, on=True)
    await asyncio.sleep(1)
    assert not is_on(hass, CHARGER)


@pytest.mark.usefixtures("home")
async def test_a_charger_that_is_only_switched_off(hass: HomeAssistant, radio: Radio) -> None:
    """Somebody else decides when to charge."""
    bms = await with_charger(hass, radio, switch_on=False)
    bms.firmware.set_critical(True)
    bms.firmware.battery.cells[0].voltage = 3.72
    await asyncio.sleep(10)
    bms.firmware.battery.cells[0].voltage = 3.3
    await asyncio.sleep(20 * MINUTE)
    assert shown(hass, "charge_allowed") == "on"
    assert not is_on(hass, CHARGER)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("off", [True, False])
async def test_a_charger_without_its_bms(hass: HomeAssistant, radio: Radio, off: bool) -> None:
    """After a quarter of an hour of silence it goes off, unless its owner wants otherwise, and comes back."""
    bms = await with_charger(hass, radio, off_without_bms=off)
    radio.take_away(bms)
    await asyncio.sleep(12 * MINUTE)
    radio.bring(bms)
    await asyncio.sleep(MINUTE)
    assert is_on(hass, CHARGER)
    radio.take_away(bms)
    await asyncio.sleep(16 * MINUTE)
    assert is_on(hass, CHARGER) is not off
    radio.bring(bms)
    await asyncio.sleep(7 * MINUTE)
    assert is_on(hass, CHARGER)


@pytest.mark.usefixtures("home")
async def test_an_automation_that_is_changed(hass: HomeAssistant, radio: Radio) -> None:
    """It looks what has happened before it was there."""
    bms = resting_bms(hass)
    bms.firmware.battery.cells[0].voltage = 3.72
    await set_up(hass, radio, bms)
    await switch(hass, CHARGER, on=True)
    inputs = {"charging_allowed": entity_id(hass, "charge_allowed"), "charger": [CHARGER]}
    await automate(hass, "charger_control", **inputs)
    await automate(hass, "charger_control", **inputs, minimum_off=10)
    await asyncio.sleep(1)
    assert not is_on(hass, CHARGER)


# Switching a combined charger/inverter.


async def with_inverter(
    hass: HomeAssistant, radio: Radio, *, is_critical: bool, **inputs: object
) -> BmsPeripheral:
    """Set up a BMS in one of its modes, with a charger/inverter that is on."""
    bms = resting_bms(hass)
    bms.firmware.set_critical(is_critical)
    await set_up(hass, radio, bms)
    await switch(hass, DEVICE, on=True)
    await automate(
        hass,
        "combined_charger_inverter",
        charging_blocked_by=entity_id(hass, "charging_blocked_by"),
        discharging_blocked_by=entity_id(hass, "discharging_blocked_by"),
        device=DEVICE,
        **inputs,
    )
    return bms


def fill(firmware: Firmware) -> None:
    """Let all cells be full."""
    for cell in firmware.battery.cells:
        cell.voltage = 3.45


def relax(firmware: Firmware) -> None:
    """Let all cells rest."""
    for cell in firmware.battery.cells:
        cell.voltage = 3.3


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("is_critical", [True, False])
async def test_a_full_battery_keeps_its_inverter(
    hass: HomeAssistant, radio: Radio, is_critical: bool
) -> None:
    """In normal mode the BMS blocks charging then, which is no reason to stop discharging."""
    bms = await with_inverter(hass, radio, is_critical=is_critical)
    changes: list[str] = []
    hass.bus.async_listen("state_changed", lambda event: changes.append(event.data["entity_id"]))
    fill(bms.firmware)
    await asyncio.sleep(10 * MINUTE)
    assert shown(hass, "charge_allowed") == ("on" if is_critical else "off")
    relax(bms.firmware)
    await asyncio.sleep(10 * MINUTE)
    assert is_on(hass, DEVICE)
    assert DEVICE not in changes


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("is_critical", [True, False])
@pytest.mark.parametrize("voltage", [3.72, 2.85])
async def test_a_critical_error_switches_the_inverter_off(
    hass: HomeAssistant, radio: Radio, is_critical: bool, voltage: float
) -> None:
    """A cell that is too high or too low: off at once, on again five minutes after it is well, in any mode."""
    bms = await with_inverter(hass, radio, is_critical=is_critical)
    cell = bms.firmware.battery.cells[4]
    cell.voltage = voltage
    await asyncio.sleep(10)
    assert not is_on(hass, DEVICE)
    await switch(hass, DEVICE, on=True)
    await asyncio.sleep(1)
    assert not is_on(hass, DEVICE)
    cell.voltage = 3.3
    await asyncio.sleep(4 * MINUTE)
    assert not is_on(hass, DEVICE)
    await asyncio.sleep(3 * MINUTE)
    assert is_on(hass, DEVICE)


@pytest.mark.usefixtures("home")
async def test_what_nobody_can_explain_is_critical(hass: HomeAssistant, radio: Radio) -> None:
    """The BMS may know something that its manual does not tell."""
    bms = await with_inverter(hass, radio, is_critical=True)
    assert isinstance(bms.firmware, Mysterious)
    bms.firmware.is_moody = True
    await asyncio.sleep(10)
    assert shown(hass, "charging_blocked_by") == "unexplained"
    assert not is_on(hass, DEVICE)
    bms.firmware.is_moody = False
    await asyncio.sleep(6 * MINUTE)
    assert is_on(hass, DEVICE)


@pytest.mark.usefixtures("home")
async def test_full_hides_nothing_critical(hass: HomeAssistant, radio: Radio) -> None:
    """A full battery that gets too cold to be charged is a reason."""
    bms = await with_inverter(hass, radio, is_critical=False)
    fill(bms.firmware)
    await asyncio.sleep(MINUTE)
    assert (shown(hass, "charging_blocked_by"), is_on(hass, DEVICE)) == ("full", True)
    bms.firmware.battery.cells[0].temperature = -2.0
    await asyncio.sleep(MINUTE)
    assert (shown(hass, "charging_blocked_by"), is_on(hass, DEVICE)) == ("full", False)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("off", [True, False])
async def test_an_inverter_without_its_bms(hass: HomeAssistant, radio: Radio, off: bool) -> None:
    """What was understood is shown on, but it is old: after a quarter of an hour that counts."""
    bms = await with_inverter(hass, radio, is_critical=True, off_without_bms=off)
    radio.take_away(bms)
    await asyncio.sleep(12 * MINUTE)
    radio.bring(bms)
    await asyncio.sleep(MINUTE)
    radio.take_away(bms)
    await asyncio.sleep(14 * MINUTE)
    assert is_on(hass, DEVICE)
    await asyncio.sleep(2 * MINUTE)
    assert shown(hass, "charging_blocked_by") == "allowed"
    assert is_on(hass, DEVICE) is not off
    radio.bring(bms)
    await asyncio.sleep(7 * MINUTE)
    assert is_on(hass, DEVICE)


# Shedding a load.


async def with_boiler(hass: HomeAssistant, radio: Radio, **inputs: object) -> BmsPeripheral:
    """Set up a BMS with a boiler that is on."""
    bms = resting_bms(hass)
    await set_up(hass, radio, bms)
    await switch(hass, BOILER, on=True)
    await automate(
        hass,
        "shed_load",
        state_of_charge=entity_id(hass, "state_of_charge"),
        lowest_cell_voltage=entity_id(hass, "lowest_cell_voltage"),
        loads=[BOILER],
        **inputs,
    )
    return bms


def charge(firmware: Firmware, percent: float) -> None:
    """Let the BMS count another state of charge."""
    firmware.charge = replace(firmware.charge, stored=percent / 100 * firmware.setting(SettingKey.CAPACITY))


@pytest.mark.usefixtures("home")
async def test_a_load_is_shed_by_the_state_of_charge(hass: HomeAssistant, radio: Radio) -> None:
    """Off at 20 %, still off at 25 %, on again after ten minutes at 30 %, however often it comes and goes."""
    bms = await with_boiler(hass, radio)
    for percent, minutes, on in (
        (21.5, 5, True),
        (20.5, 1, False),
        (25.5, 15, False),
        (30.5, 9, False),
        (29.5, 5, False),
        (30.5, 9, False),
        (30.5, 2, True),
        (25.5, 5, True),
    ):
        charge(bms.firmware, percent)
        await asyncio.sleep(minutes * MINUTE)
        assert is_on(hass, BOILER) is on, percent
    assert shown(hass, "discharge_allowed") == "on"


@pytest.mark.usefixtures("home")
async def test_a_load_is_shed_by_the_lowest_cell(hass: HomeAssistant, radio: Radio) -> None:
    """A dip of some seconds sheds nothing; a cell that stays low does, before V min is reached."""
    bms = await with_boiler(hass, radio)
    cell = bms.firmware.battery.cells[4]
    for voltage, seconds, on in (
        (3.0, 20, True),
        (3.3, 60, True),
        (3.1, 45, False),
        (3.2, 900, False),
        (3.25, 500, False),
        (3.25, 120, True),
    ):
        cell.voltage = voltage
        await asyncio.sleep(seconds)
        assert is_on(hass, BOILER) is on, voltage
    assert shown(hass, "discharge_allowed") == "on"


@pytest.mark.usefixtures("home")
async def test_a_load_without_the_bms(hass: HomeAssistant, radio: Radio) -> None:
    """What is not known is neither low nor recovered."""
    bms = await with_boiler(hass, radio)
    radio.take_away(bms)
    await asyncio.sleep(20 * MINUTE)
    assert is_on(hass, BOILER)
    charge(bms.firmware, 15.5)
    radio.bring(bms)
    await asyncio.sleep(2 * MINUTE)
    assert not is_on(hass, BOILER)
    radio.take_away(bms)
    await asyncio.sleep(20 * MINUTE)
    assert not is_on(hass, BOILER)


@pytest.mark.usefixtures("home")
async def test_a_load_that_its_owner_switches_on(hass: HomeAssistant, radio: Radio) -> None:
    """Where that is chosen, a load that was shed stays off."""
    bms = await with_boiler(hass, radio, switch_on=False)
    charge(bms.firmware, 15.5)
    await asyncio.sleep(2 * MINUTE)
    charge(bms.firmware, 60.5)
    await asyncio.sleep(20 * MINUTE)
    assert not is_on(hass, BOILER)


# Warning of frost.


async def with_frost(
    hass: HomeAssistant, temperature: float, *, by_the_bms: bool = False, **inputs: object
) -> SmartBmsConfigEntry:
    """Set up a BMS whose coldest cell has a temperature; return its entry."""
    await until(18)
    entry = visited_entry(hass)
    await visited(hass, entry, temperature)
    if by_the_bms:
        inputs["t_min_charge"] = entity_id(hass, "t_min_charge")
    await automate(hass, "frost_warning", lowest_temperature=entity_id(hass, "lowest_temperature"), **inputs)
    return entry


async def until(hour: int, minute: int = 0) -> None:
    """Wait until some seconds after a time of day."""
    now = dt_util.now()
    then = now.replace(hour=hour, minute=minute, second=5, microsecond=0)
    await asyncio.sleep((then - now).total_seconds() % DAY)


@pytest.mark.usefixtures("home", "mock_bluetooth")
@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (4.6, [("frost is near", "The coldest cell has 4.4 °C; below 1.9 °C the battery is not charged.")]),
        (
            -2.0,
            [
                (
                    "too cold to charge",
                    "The coldest cell has -2.4 °C; below 1.9 °C the battery is not charged.",
                )
            ],
        ),
        (6.5, []),
    ],
)
async def test_frost_before_charging(
    hass: HomeAssistant, told: list[ServiceCall], temperature: float, expected: list[tuple[str, str]]
) -> None:
    """Held against T min charge of the BMS, at the time of day that was chosen and at no other."""
    await with_frost(hass, temperature, by_the_bms=True, look="time", time="05:00:00")
    await until(4, 55)
    assert told == []
    await until(5)
    await asyncio.sleep(20 * HOUR)
    assert texts(told) == [(f"123\\SmartBMS 03330: {title}", message) for title, message in expected]


@pytest.mark.usefixtures("home", "mock_bluetooth")
async def test_frost_before_sunrise(hass: HomeAssistant, told: list[ServiceCall]) -> None:
    """Two hours before the sun rises, once a day, against a temperature of one's own."""
    await with_frost(hass, 4.6, limit=2.5)
    for _ in range(2):
        told.clear()
        rises = get_astral_event_next(hass, "sunrise")
        if (before := (rises - dt_util.utcnow()).total_seconds() - 2 * HOUR) < 0:
            before += DAY
        await asyncio.sleep(before - 5 * MINUTE)
        assert told == []
        await asyncio.sleep(10 * MINUTE)
        assert [message for _, message in texts(told)] == [
            "The coldest cell has 4.4 °C; below 2.5 °C the battery is not charged."
        ]


@pytest.mark.usefixtures("home", "mock_bluetooth")
async def test_no_frost_where_nothing_is_known(
    hass: HomeAssistant, told: list[ServiceCall], caplog: pytest.LogCaptureFixture
) -> None:
    """A BMS that is not heard warns of nothing."""
    entry = await with_frost(hass, -5.0, look="time")
    await hass.config_entries.async_unload(entry.entry_id)
    await until(5, 10)
    assert shown(hass, "lowest_temperature") == "unavailable"
    assert told == []
    ours = ("homeassistant.components.automation", "homeassistant.helpers")
    assert [each for each in caplog.records if each.levelname == "ERROR" and each.name.startswith(ours)] == []


# Reminding of a full charge.


@pytest.mark.usefixtures("home", "mock_bluetooth")
async def test_a_full_charge_is_reminded_of(hass: HomeAssistant, told: list[ServiceCall]) -> None:
    """After a day and then every two, through restarts, until the BMS has seen the battery full."""
    await until(18)
    entry = visited_entry(hass)
    await visited(hass, entry)
    sensor = entity_id(hass, "days_without_full_charge")
    await automate(hass, "full_charge_reminder", days_without_full_charge=sensor, days=1, every=2)
    await asyncio.sleep(0.5 * DAY)
    assert shown(hass, "days_without_full_charge") == "0"
    await hass.config_entries.async_unload(entry.entry_id)
    firmware = await visited(hass, entry)
    await asyncio.sleep(0.5 * DAY)
    assert (shown(hass, "days_without_full_charge"), told) == ("1", [])
    await asyncio.sleep(2.7 * DAY)
    rest = "Charge until the BMS shows 100 %, which sets its state of charge right."
    assert texts(told) == [
        ("123\\SmartBMS 03330: full charge", f"Not fully charged for {days} days. {rest}") for days in (1, 3)
    ]
    fill(firmware)
    await asyncio.sleep(0.3 * DAY)
    assert (shown(hass, "state_of_charge"), shown(hass, "days_without_full_charge")) == ("100", "0")
    relax(firmware)
    charge(firmware, 60)
    await asyncio.sleep(0.9 * DAY)
    assert len(told) == 2


# What Home Assistant gives by itself.


async def test_triggers_and_conditions_of_the_device(hass: HomeAssistant, radio: Radio) -> None:
    """Alarms, what is allowed, relays and every measured value can be chosen by device."""
    assert await async_setup_component(hass, "device_automation", {})
    entry = await set_up(hass, radio, still_bms(hass))
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    registry = er.async_get(hass)

    async def offered(kind: DeviceAutomationType) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for automation in (await async_get_device_automations(hass, kind, [device.id]))[device.id]:
            entity = registry.async_get(automation["entity_id"])
            assert entity is not None
            key = entity.unique_id.removeprefix(f"{entry.unique_id}_")
            found.setdefault(key, set()).add(automation["type"])
        return found

    triggers = await offered(DeviceAutomationType.TRIGGER)
    conditions = await offered(DeviceAutomationType.CONDITION)
    for key, trigger, condition in (
        ("voltage_high", {"problem", "no_problem"}, {"is_problem", "is_no_problem"}),
        ("communication_error", {"problem", "no_problem"}, {"is_problem", "is_no_problem"}),
        ("charge_allowed", {"turned_on", "turned_off"}, {"is_on", "is_off"}),
        ("load_relay", {"turned_on", "turned_off"}, {"is_on", "is_off"}),
        ("state_of_charge", {"battery_level"}, {"is_battery_level"}),
        ("lowest_cell_voltage", {"voltage"}, {"is_voltage"}),
        ("cell_16_temperature", {"temperature"}, {"is_temperature"}),
        ("power", {"power"}, {"is_power"}),
        ("time_to_empty", {"duration"}, {"is_duration"}),
    ):
        assert triggers[key] == trigger
        assert conditions[key] == condition
