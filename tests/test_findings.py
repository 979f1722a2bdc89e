"""What is wrong with an installation: listed, shown under Repairs, and taken back by itself."""

import asyncio

import pytest

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from .radio import Radio, entity_id, set_up, shown, still_bms


def resting_bms(hass: HomeAssistant) -> BmsPeripheral:
    """Return a BMS whose battery neither charges nor discharges."""
    bms = still_bms(hass)
    bms.firmware.battery.charge_current = bms.firmware.battery.load_current = 0.0
    return bms


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    """Return the repair issues by their translation."""
    return {
        issue.translation_key or "": issue
        for (domain, _), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
    }


def listed(hass: HomeAssistant) -> dict[str, dict[str, object]]:
    """Return what the sensor lists, by finding."""
    entity = entity_id(hass, "findings")
    state = None if entity is None else hass.states.get(entity)
    assert state is not None
    assert int(state.state) == len(state.attributes["findings"])
    return {each["finding"]: each for each in state.attributes["findings"]}


async def test_a_good_installation(hass: HomeAssistant, radio: Radio) -> None:
    """Nothing is wrong with it, and nobody is asked to repair anything."""
    await set_up(hass, radio, still_bms(hass, pin="8642"), pin="8642")
    assert listed(hass) == {}
    assert issues(hass) == {}


async def test_a_notice_asks_for_nothing(hass: HomeAssistant, radio: Radio) -> None:
    """The PIN of the factory is listed, and that is all."""
    await set_up(hass, radio, still_bms(hass))
    assert listed(hass) == {"factory_pin": {"finding": "factory_pin", "severity": "notice"}}
    assert issues(hass) == {}


async def test_a_broken_chain(hass: HomeAssistant, radio: Radio) -> None:
    """It comes with the cell that the BMS's own log names, and goes when the wire is repaired."""
    bms = resting_bms(hass)
    await set_up(hass, radio, bms, seconds=60)
    bms.firmware.chain_broken = True
    await asyncio.sleep(90)
    assert listed(hass)["chain_broken"] == {"finding": "chain_broken", "severity": "error", "cell": 8}
    issue = issues(hass)["finding_chain_broken"]
    assert issue.severity is ir.IssueSeverity.ERROR
    assert issue.is_fixable is False
    assert issue.translation_placeholders == {"name": "123\\SmartBMS 03330", "cell": "8"}
    bms.firmware.chain_broken = False
    await asyncio.sleep(90)
    assert set(listed(hass)) == {"factory_pin"}
    assert issues(hass) == {}


async def test_the_numbers_stay_as_they_were_found(hass: HomeAssistant, radio: Radio) -> None:
    """An issue that is shown is not shown anew: V min 3.8 V and then 3.9 V, above a V max of 3.7 V."""
    bms = still_bms(hass)
    bms.firmware.counts[SettingKey.V_MIN] = 760
    await set_up(hass, radio, bms)
    first = issues(hass)["finding_thresholds_contradict"]
    bms.firmware.counts[SettingKey.V_MIN] = 780
    await asyncio.sleep(700)
    assert listed(hass)["thresholds_contradict"]["lower_value"] == 3.8
    assert issues(hass)["finding_thresholds_contradict"] is first


@pytest.mark.parametrize(("rated", "found"), [(20.0, set()), (15.0, {"capacity_above_advice"})])
async def test_the_rated_capacity(hass: HomeAssistant, radio: Radio, rated: float, found: set[str]) -> None:
    """The capacity that is set, 14.3 kWh, is held against 80 % of what stands on the cells."""
    bms = still_bms(hass, pin="8642")
    options = {"rated_capacity": rated, "algorithm_profile": "gen3_rev6"}
    await set_up(hass, radio, bms, pin="8642", options=options)
    assert set(listed(hass)) == found


async def test_out_of_reach_it_stays(hass: HomeAssistant, radio: Radio) -> None:
    """What was wrong is wrong until the BMS says otherwise, also after a restart."""
    bms = resting_bms(hass)
    entry = await set_up(hass, radio, bms, seconds=60)
    bms.firmware.chain_broken = True
    await asyncio.sleep(90)
    radio.take_away(bms)
    await asyncio.sleep(600)
    assert "finding_chain_broken" in issues(hass)
    assert shown(hass, "findings") == "2"
    await hass.config_entries.async_reload(entry.entry_id)
    await asyncio.sleep(60)
    assert "chain_broken" in listed(hass)


async def test_an_entry_that_is_deleted(hass: HomeAssistant, radio: Radio) -> None:
    """Nobody is asked to repair a BMS that is gone."""
    bms = resting_bms(hass)
    entry = await set_up(hass, radio, bms, seconds=60)
    bms.firmware.chain_broken = True
    await asyncio.sleep(90)
    assert issues(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    assert issues(hass) == {}
