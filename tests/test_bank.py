"""A bank of two batteries as its owner sees it: together, one away, in trouble, restarted, rearranged."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from custom_components.smartbms.bank import BankConfigEntry
from custom_components.smartbms.bms.state import PackRecord, Record
from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.diagnostics import async_get_config_entry_diagnostics
from custom_components.smartbms.simulator.firmware import Firmware
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir

from .banks import LARGE, SMALL, Pack, bank_of, collect, large, load, says, small
from .radio import Radio, entity_id, shown

# key | entity | state
TOGETHER = """
battery_missing | binary_sensor.house_bank_battery_missing | off
communication_error | binary_sensor.house_bank_alarm_e_cell_communication | off
voltage_high | binary_sensor.house_bank_alarm_vh_cell_voltage_high | off
voltage_low | binary_sensor.house_bank_alarm_vl_cell_voltage_low | off
temperature_high | binary_sensor.house_bank_alarm_th_temperature_high | off
temperature_low | binary_sensor.house_bank_alarm_tl_temperature_low | off
early_warning | binary_sensor.house_bank_early_warning | off
below_charge_temperature | binary_sensor.house_bank_too_cold_to_charge | off
below_discharge_temperature | binary_sensor.house_bank_too_cold_to_discharge | off
charge_allowed | binary_sensor.house_bank_charging_allowed | on
discharge_allowed | binary_sensor.house_bank_discharging_allowed | on
charge_relay | binary_sensor.house_bank_charge_relay | on
load_relay | binary_sensor.house_bank_load_relay | on
calibrated | binary_sensor.house_bank_state_of_charge_calibration | on
batteries_in_reach | sensor.house_bank_batteries_in_reach | 2
voltage | sensor.house_bank_voltage | 52.0
current | sensor.house_bank_current | 30.0
power | sensor.house_bank_power_into_battery | 1560.0
battery_power | sensor.house_bank_power_from_battery | -1560.0
charge_current | sensor.house_bank_charge_current | 37.0
charge_power | sensor.house_bank_charge_power | 1924.0
load_current | sensor.house_bank_load_current | 7.0
load_power | sensor.house_bank_load_power | 364.0
state_of_charge | sensor.house_bank_state_of_charge | 70.0
stored_energy | sensor.house_bank_stored_energy | 10.71
lowest_cell_voltage | sensor.house_bank_lowest_cell_voltage | 3.25
highest_cell_voltage | sensor.house_bank_highest_cell_voltage | 3.25
cell_voltage_spread | sensor.house_bank_cell_voltage_spread | 0.0
lowest_temperature | sensor.house_bank_lowest_temperature | 19.0
highest_temperature | sensor.house_bank_highest_temperature | 19.0
collected_total | sensor.house_bank_energy_collected | 642.0
consumed_total | sensor.house_bank_energy_consumed | 596.0
charged_total | sensor.house_bank_energy_charged | 578.0
discharged_total | sensor.house_bank_energy_discharged | 548.0
"""
# What is added up.
SUMS = ("current", "power", "charge_current", "load_power", "stored_energy", "battery_power")


async def both(hass: HomeAssistant, radio: Radio) -> tuple[Pack, Pack, BankConfigEntry]:
    """Return a small and a large battery in reach, and the bank that they make."""
    packs = small(hass), large(hass)
    await load(hass, radio, *packs)
    bank = await bank_of(hass, packs)
    await asyncio.sleep(5)
    return *packs, bank


def attributes(hass: HomeAssistant, bank: BankConfigEntry, key: str) -> dict[str, Any]:
    """Return the attributes of an entity of a bank."""
    state = hass.states.get(entity_id(hass, key, str(bank.unique_id)) or "")
    assert state is not None
    return dict(state.attributes)


def diary(hass: HomeAssistant, bank: BankConfigEntry, key: str) -> list[tuple[float, str]]:
    """Return a list that fills with every state an entity of a bank gets, and when."""
    found: list[tuple[float, str]] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if state is not None and state.entity_id == entity_id(hass, key, str(bank.unique_id)):
            found.append((hass.loop.time(), state.state))

    hass.bus.async_listen("state_changed", note)
    return found


# Together.


async def test_two_batteries(hass: HomeAssistant, radio: Radio) -> None:
    """Currents, powers and energies are added up; the state of charge counts by capacity."""
    _, _, bank = await both(hass, radio)
    rows = {}
    for entity in er.async_entries_for_config_entry(er.async_get(hass), bank.entry_id):
        state = hass.states.get(entity.entity_id)
        assert state is not None
        rows[entity.unique_id.removeprefix(f"{bank.unique_id}_")] = (entity.entity_id, state.state)
    table = (tuple(line.split(" | ")) for line in TOGETHER.strip().splitlines())
    assert rows == {key: (entity, state) for key, entity, state in table}


async def test_a_bank_is_a_device_of_its_own(
    hass: HomeAssistant, radio: Radio, device_registry: dr.DeviceRegistry
) -> None:
    """It goes through no other device, and those of the batteries stay as they are."""
    _, _, bank = await both(hass, radio)
    (device,) = dr.async_entries_for_config_entry(device_registry, bank.entry_id)
    assert (device.name, device.model, device.via_device_id) == ("House bank", "Bank", None)
    assert device.identifiers == {("smartbms", bank.unique_id)}
    for title in ("Small", "Large"):
        (entry,) = (each for each in hass.config_entries.async_entries(DOMAIN) if each.title == title)
        (battery,) = dr.async_entries_for_config_entry(device_registry, entry.entry_id)
        assert (battery.name, battery.via_device_id) == (title, None)


async def test_what_the_energy_dashboard_asks_for(hass: HomeAssistant, radio: Radio) -> None:
    """Totals in kWh that only rise, power in W that is positive while discharging, a state of charge."""
    _, _, bank = await both(hass, radio)
    for key, unit, device_class, state_class in (
        ("charged_total", "kWh", "energy", "total_increasing"),
        ("discharged_total", "kWh", "energy", "total_increasing"),
        ("collected_total", "kWh", "energy", "total_increasing"),
        ("battery_power", "W", "power", "measurement"),
        ("state_of_charge", "%", "battery", "measurement"),
    ):
        told = attributes(hass, bank, key)
        assert told["unit_of_measurement"] == unit
        assert (told["device_class"], told["state_class"]) == (device_class, state_class)


async def test_the_lowest_and_the_highest_have_a_name(hass: HomeAssistant, radio: Radio) -> None:
    """The weak cell is cell 7 of the small battery, the warm one cell 3 of the large one."""
    first, second, bank = await both(hass, radio)
    first.battery.cells[6].voltage = 3.1
    second.battery.cells[2].temperature = 31.0
    await asyncio.sleep(20)
    assert says(hass, bank, "lowest_cell_voltage", "highest_cell_voltage", "cell_voltage_spread") == (
        "3.1",
        "3.25",
        "150.0",
    )
    lowest, warmest = (attributes(hass, bank, key) for key in ("lowest_cell_voltage", "highest_temperature"))
    assert (lowest["battery"], lowest["cell"]) == ("Small", 7)
    assert (warmest["battery"], warmest["cell"]) == ("Large", 3)


async def test_a_balanced_bank_writes_little(hass: HomeAssistant, radio: Radio) -> None:
    """Cells that flicker take turns in being the lowest; that is no news, nor a row of the database."""
    first, second, bank = await both(hass, radio)
    written = diary(hass, bank, "lowest_cell_voltage")
    for _ in range(20):
        for each in (first, second):
            each.battery.cells[4].voltage = 3.245
            await asyncio.sleep(5)
            each.battery.cells[4].voltage = 3.25
    assert written == []


async def test_a_second_battery_without_load_sensor(hass: HomeAssistant, radio: Radio) -> None:
    """What one of them does not measure, the bank does not know, and has no entity for."""

    class OneSensor(Firmware):
        def cycle(self) -> Iterator[Record]:
            for record in super().cycle():
                yield record._replace(load_current=None) if isinstance(record, PackRecord) else record

    packs = small(hass, OneSensor), large(hass)
    await load(hass, radio, *packs)
    bank = await bank_of(hass, packs)
    await asyncio.sleep(5)
    assert says(hass, bank, "current", "charged_total") == ("30.0", "578.0")
    assert says(hass, bank, "load_current", "load_power", "collected_total") == (None, None, None)


# Trouble.


async def test_an_alarm_of_one_is_shown_at_once(hass: HomeAssistant, radio: Radio) -> None:
    """In the same moment as that of its battery; and what one blocks is blocked."""
    packs = small(hass), large(hass)
    for each in packs:
        hass.config_entries.async_update_entry(each.entry, options={"publish_interval": 3600})
    await load(hass, radio, *packs)
    bank = await bank_of(hass, packs)
    packs[1].battery.cells[2].voltage = 3.71
    while shown(hass, "voltage_high", LARGE) != "on":
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.001)
    assert shown(hass, "voltage_high", SMALL) == "off"
    assert says(hass, bank, "voltage_high", "charge_allowed", "charge_relay") == ("on", "off", "off")
    assert says(hass, bank, "voltage_low", "discharge_allowed", "load_relay") == ("off", "on", "on")
    assert says(hass, bank, "highest_cell_voltage") == ("3.71",)
    packs[1].battery.cells[2].voltage = 3.25
    await asyncio.sleep(30)
    assert says(hass, bank, "voltage_high") == ("off",)


async def test_one_away(hass: HomeAssistant, radio: Radio) -> None:
    """Sums of the rest would be a lie; the rest is that of the other; and who is missing is said."""
    _, second, bank = await both(hass, radio)
    radio.take_away(second.bms)
    await asyncio.sleep(40)
    assert says(hass, bank, *SUMS) == ("unknown",) * 6
    assert says(hass, bank, "batteries_in_reach", "voltage", "state_of_charge") == ("1", "52.0", "50.0")
    assert says(hass, bank, "charge_allowed", "charged_total") == ("on", "578.0")
    # A restart would be over by then, but not yet.
    assert says(hass, bank, "battery_missing") == ("off",)
    await asyncio.sleep(90)
    assert says(hass, bank, "battery_missing") == ("on",)
    assert attributes(hass, bank, "battery_missing")["batteries"] == ["Large"]

    radio.bring(second.bms)
    await asyncio.sleep(60)
    assert says(hass, bank, "batteries_in_reach", "battery_missing") == ("2", "off")
    assert says(hass, bank, "current", "state_of_charge") == ("30.0", "70.0")
    assert attributes(hass, bank, "battery_missing")["batteries"] == []


async def test_nobody_in_reach(hass: HomeAssistant, radio: Radio) -> None:
    """Nothing is known but what has been counted, and who is missing."""
    *packs, bank = await both(hass, radio)
    for each in packs:
        assert isinstance(each, Pack)
        radio.take_away(each.bms)
    await asyncio.sleep(200)
    assert says(hass, bank, "voltage", "state_of_charge", "voltage_high") == ("unavailable",) * 3
    assert says(hass, bank, "batteries_in_reach", "battery_missing") == ("0", "on")
    assert attributes(hass, bank, "battery_missing")["batteries"] == ["Small", "Large"]
    assert says(hass, bank, "collected_total", "discharged_total") == ("642.0", "548.0")


# Energy.


async def test_what_each_collects_is_added(hass: HomeAssistant, radio: Radio) -> None:
    """400 Wh here and 200 Wh there; also what one has collected while it was away."""
    first, second, bank = await both(hass, radio)
    collect(first, 400)
    collect(second, 200)
    await asyncio.sleep(400)
    assert says(hass, bank, "collected_total") == ("642.6",)
    radio.take_away(second.bms)
    collect(first, 100)
    await asyncio.sleep(400)
    assert says(hass, bank, "collected_total") == ("642.7",)
    collect(second, 50)
    radio.bring(second.bms)
    await asyncio.sleep(400)
    assert says(hass, bank, "collected_total") == ("642.75",)


async def test_what_is_shown_is_written_down(
    hass: HomeAssistant, radio: Radio, hass_storage: dict[str, Any]
) -> None:
    """After a crash no energy is less than it was."""
    first, second, bank = await both(hass, radio)
    collect(first, 400)
    shows = diary(hass, bank, "collected_total")
    while not shows:
        await asyncio.sleep(0.1)
    await hass.async_block_till_done()
    kept = hass_storage[f"smartbms.{bank.entry_id}"]["data"]
    assert kept["tallies"]["collected"]["total"] / 1000 == float(shows[-1][1]) == 642.4
    assert kept["names"] == {first.entry.entry_id: "Small", second.entry.entry_id: "Large"}


async def test_what_is_stored_and_makes_no_sense(
    hass: HomeAssistant, radio: Radio, hass_storage: dict[str, Any]
) -> None:
    """The bank begins anew, as the sum of its batteries."""
    _, _, bank = await both(hass, radio)
    nonsense: tuple[object, ...] = [], {"names": 7, "tallies": 7}
    for data in nonsense:
        await hass.config_entries.async_unload(bank.entry_id)
        hass_storage[f"smartbms.{bank.entry_id}"] = {"version": 1, "minor_version": 1, "data": data}
        await hass.config_entries.async_setup(bank.entry_id)
        await asyncio.sleep(5)
        assert says(hass, bank, "collected_total", "current") == ("642.0", "30.0")


# Comings and goings.


async def test_a_start_with_the_bank_first(hass: HomeAssistant, radio: Radio) -> None:
    """It is there before its batteries, with the energies as they were, and nobody is missing."""
    first, second, bank = await both(hass, radio)
    entries = [first.entry.entry_id, second.entry.entry_id, bank.entry_id]
    for each in entries:
        await hass.config_entries.async_unload(each)
    missing = diary(hass, bank, "battery_missing")
    assert await hass.config_entries.async_setup(bank.entry_id)
    await hass.async_block_till_done()
    assert bank.state is ConfigEntryState.LOADED
    assert says(hass, bank, "batteries_in_reach", "collected_total", "voltage") == (
        "0",
        "642.0",
        "unavailable",
    )
    await hass.config_entries.async_setup(entries[0])
    await asyncio.sleep(20)
    assert says(hass, bank, "batteries_in_reach", "current", "voltage") == ("1", "unavailable", "52.0")
    await hass.config_entries.async_setup(entries[1])
    await asyncio.sleep(20)
    assert says(hass, bank, "batteries_in_reach", "current", "collected_total") == ("2", "30.0", "642.0")
    assert {state for _, state in missing} == {"off"}


async def test_a_bank_made_before_its_batteries_were_heard(hass: HomeAssistant, radio: Radio) -> None:
    """Nothing is invented: no entity of what nobody has said, and both are missing; then all is there."""
    packs = [small(hass), large(hass)]
    bank = await bank_of(hass, packs)
    assert bank.state is ConfigEntryState.LOADED
    await asyncio.sleep(200)
    assert says(hass, bank, "voltage", "collected_total", "voltage_high") == (None, None, None)
    assert says(hass, bank, "batteries_in_reach", "battery_missing") == ("0", "on")
    for each in packs:
        await hass.config_entries.async_unload(each.entry.entry_id)
    await hass.config_entries.async_reload(bank.entry_id)
    await load(hass, radio, *packs)
    assert says(hass, bank, "voltage", "collected_total", "battery_missing") == ("52.0", "642.0", "off")


async def test_batteries_that_are_switched_off_in_home_assistant(hass: HomeAssistant, radio: Radio) -> None:
    """Nothing is heard of them any more, and after a minute and a half they are missing."""
    first, second, bank = await both(hass, radio)
    for each in (first, second):
        await hass.config_entries.async_unload(each.entry.entry_id)
    await asyncio.sleep(80)
    assert says(hass, bank, "batteries_in_reach", "battery_missing") == ("0", "off")
    await asyncio.sleep(15)
    assert says(hass, bank, "battery_missing") == ("on",)
    assert says(hass, bank, "charged_total") == ("578.0",)


async def test_a_battery_is_reloaded(hass: HomeAssistant, radio: Radio) -> None:
    """For a moment it is away, and nobody has to look for it."""
    _, second, bank = await both(hass, radio)
    missing, reach = diary(hass, bank, "battery_missing"), diary(hass, bank, "batteries_in_reach")
    await hass.config_entries.async_reload(second.entry.entry_id)
    await asyncio.sleep(20)
    assert [state for _, state in reach] == ["1", "2"]
    assert missing == []
    assert says(hass, bank, "current", "state_of_charge") == ("30.0", "70.0")


async def test_a_battery_is_renamed(hass: HomeAssistant, radio: Radio) -> None:
    """It is told by its new name."""
    _, second, bank = await both(hass, radio)
    hass.config_entries.async_update_entry(second.entry, title="Port side")
    radio.take_away(second.bms)
    await asyncio.sleep(200)
    assert attributes(hass, bank, "battery_missing")["batteries"] == ["Port side"]


async def test_a_battery_is_removed(
    hass: HomeAssistant, radio: Radio, issue_registry: ir.IssueRegistry
) -> None:
    """It is missing by its name, a repair asks for the members, and no energy is lost."""
    first, second, bank = await both(hass, radio)
    issue = f"member_gone_{bank.entry_id}"
    assert issue_registry.async_get_issue(DOMAIN, issue) is None
    await hass.config_entries.async_remove(second.entry.entry_id)
    told = issue_registry.async_get_issue(DOMAIN, issue)
    assert told is not None
    assert (told.translation_key, told.severity, told.is_fixable) == (
        "member_gone",
        ir.IssueSeverity.WARNING,
        False,
    )
    assert told.translation_placeholders == {"name": "House bank", "members": "Large"}
    await asyncio.sleep(200)
    assert attributes(hass, bank, "battery_missing")["batteries"] == ["Large"]
    assert says(hass, bank, "current", "collected_total") == ("unknown", "642.0")
    # Its name is known after a restart as well.
    await hass.config_entries.async_reload(bank.entry_id)
    told = issue_registry.async_get_issue(DOMAIN, issue)
    assert told is not None
    assert told.translation_placeholders == {"name": "House bank", "members": "Large"}
    # Another entry of the house is none of its business.
    await hass.config_entries.async_remove(bank.entry_id)
    assert issue_registry.async_get_issue(DOMAIN, issue) is None
    assert first.entry.state is ConfigEntryState.LOADED


async def test_a_bank_is_unloaded_and_removed(
    hass: HomeAssistant, radio: Radio, hass_storage: dict[str, Any]
) -> None:
    """Its batteries go on, and nothing stays of it."""
    first, second, bank = await both(hass, radio)
    radio.take_away(second.bms)
    await asyncio.sleep(40)
    assert await hass.config_entries.async_unload(bank.entry_id)
    assert says(hass, bank, "voltage", "battery_missing") == ("unavailable", "unavailable")
    first.battery.cells[2].voltage = 3.71
    await asyncio.sleep(200)
    assert shown(hass, "voltage_high", SMALL) == "on"
    assert says(hass, bank, "voltage_high", "battery_missing") == ("unavailable", "unavailable")
    await hass.config_entries.async_remove(bank.entry_id)
    assert f"smartbms.{bank.entry_id}" not in hass_storage
    assert says(hass, bank, "voltage") == (None,)


async def test_a_bank_unloaded_in_the_moment_of_news(hass: HomeAssistant, radio: Radio) -> None:
    """What was about to be published is not."""
    _, second, bank = await both(hass, radio)
    hass.config_entries.async_update_entry(second.entry, title="Port side")
    assert await hass.config_entries.async_unload(bank.entry_id)
    await asyncio.sleep(60)
    assert says(hass, bank, "voltage") == ("unavailable",)


# What a bank is not.


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("diagnose", {}),
        ("record", {"minutes": 1}),
        ("apply_thresholds", {"chemistry": "lifepo4"}),
        ("backup_settings", {}),
        ("restore_settings", {"file": "x.json"}),
    ],
)
async def test_an_action_for_a_single_bms(
    hass: HomeAssistant, radio: Radio, action: str, data: dict[str, object]
) -> None:
    """A bank has neither settings nor a link; the action says so."""
    _, _, bank = await both(hass, radio)
    with pytest.raises(ServiceValidationError) as raised:
        await hass.services.async_call(
            DOMAIN,
            action,
            {"config_entry_id": bank.entry_id, **data},
            blocking=True,
            return_response=True,
        )
    assert raised.value.translation_key == "is_a_bank"
    assert raised.value.translation_placeholders == {"name": "House bank"}


async def test_diagnostics(hass: HomeAssistant, radio: Radio) -> None:
    """Whose bank it is and what they are together."""
    first, second, bank = await both(hass, radio)
    told = await async_get_config_entry_diagnostics(hass, bank)
    assert told["entry"] == {
        "version": 1,
        "data": {"members": [first.entry.entry_id, second.entry.entry_id]},
    }
    assert (told["bank"]["heard"], told["bank"]["current"]) == (2, 30.0)
    assert told["totals"] == {
        "collected": 642_000,
        "consumed": 596_000,
        "charged": 578_000,
        "discharged": 548_000,
    }
    await hass.config_entries.async_unload(bank.entry_id)
    assert set(await async_get_config_entry_diagnostics(hass, bank)) == {"entry"}
