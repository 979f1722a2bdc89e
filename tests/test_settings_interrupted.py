"""A write that is cut off: nothing stays half-way in silence."""

import asyncio
from typing import Any

import pytest

from custom_components.smartbms.archive import Remembered
from custom_components.smartbms.bms.settings import SETTINGS, SettingKey
from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.link.transaction import PendingWrite
from custom_components.smartbms.simulator.write_fault import Fault
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .radio import Radio, set_up, shown, still_bms
from .settings import UNLOCKED, ask, break_writes, choose, held, told
from .test_findings import issues

K = SettingKey
TITLE = "123\\SmartBMS 03330"


async def test_the_link_breaks_between_two_bytes(hass: HomeAssistant, radio: Radio) -> None:
    """Inverter peak power 0x0FA shall become 0x12C: what is half-way is put back, and a repair names it."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    events = told(hass)
    break_writes(bms, Fault.LINK_LOST_BEFORE, at=1)
    with pytest.raises(HomeAssistantError, match="could not be verified") as error:
        await choose(hass, "inverter_peak_power", 3000)
    assert "Inverter peak power –" in str(error.value)
    issue = issues(hass)["setting_unclear"]
    assert issue.translation_placeholders == {
        "name": TITLE,
        "setting": "Inverter peak power",
        "old": "2500 W",
        "new": "3000 W",
        "held": "–",
    }
    assert entry.runtime_data.remembered.pending[0].key is K.INVERTER_PEAK_POWER
    await asyncio.sleep(30)
    assert held(bms, K.INVERTER_PEAK_POWER) == [250]
    assert shown(hass, "inverter_peak_power") == "2500"
    assert entry.runtime_data.remembered.pending == ()
    found = issues(hass)
    assert set(found) == {"setting_settled"}
    assert found["setting_settled"].is_fixable
    placeholders = found["setting_settled"].translation_placeholders
    assert placeholders is not None
    assert placeholders["held"] == "2500 W"
    assert [event.data["status"] for event in events] == ["unclear", "settled"]


async def test_a_change_that_was_finished(hass: HomeAssistant, radio: Radio) -> None:
    """The last byte arrived, only its acknowledgement did not: the BMS holds the new value."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    break_writes(bms, Fault.LINK_LOST_AFTER)
    with pytest.raises(HomeAssistantError, match="could not be verified"):
        await choose(hass, "v_max", 3.65)
    await asyncio.sleep(30)
    assert held(bms, K.V_MAX) == [730]
    assert shown(hass, "v_max") == "3.65"
    placeholders = issues(hass)["setting_settled"].translation_placeholders
    assert placeholders is not None
    assert placeholders["held"] == "3.65 V"


async def test_a_later_change_makes_it_known(hass: HomeAssistant, radio: Radio) -> None:
    """Once the setting has been written and verified nobody has to read what happened before."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    break_writes(bms, Fault.LINK_LOST_AFTER)
    with pytest.raises(HomeAssistantError):
        await choose(hass, "v_max", 3.65)
    await asyncio.sleep(30)
    await choose(hass, "v_max", 3.6)
    assert issues(hass) == {}


async def test_a_restart_in_between(hass: HomeAssistant, radio: Radio, hass_storage: dict[str, Any]) -> None:
    """What was pending is in the storage at once, and is settled when the BMS is back."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    break_writes(bms, Fault.LINK_LOST_BEFORE, at=1)
    with pytest.raises(HomeAssistantError):
        await choose(hass, "inverter_peak_power", 3000)
    radio.take_away(bms)
    await hass.async_block_till_done()
    stored = hass_storage[f"{DOMAIN}.{entry.entry_id}"]["data"]["pending"]
    assert stored == [{"key": "inverter_peak_power", "old_count": 250, "new_count": 300}]
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
    setting_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await asyncio.sleep(70)
    assert await setting_up
    assert set(issues(hass)) == {"setting_unclear"}
    radio.bring(bms)
    await asyncio.sleep(120)
    assert held(bms, K.INVERTER_PEAK_POWER) == [250]
    assert set(issues(hass)) == {"setting_settled"}


async def test_an_unconfirmed_address_in_between(hass: HomeAssistant, radio: Radio) -> None:
    """Every setting is at stake then and is looked at again, but only the one that was meant is named."""
    bms = still_bms(hass)
    bms.firmware.also_at = dict.fromkeys(SETTINGS[K.CHARGE_RESTART].unconfirmed, K.DISCHARGE_RESTART)
    entry = await set_up(hass, radio, bms, options={**UNLOCKED, "unconfirmed_addresses": True})
    break_writes(bms, Fault.LINK_LOST_AFTER)
    with pytest.raises(HomeAssistantError, match="could not be verified"):
        await ask(hass, "apply_thresholds", entry.entry_id, values={"charge_restart": 90})
    assert held(bms, K.CHARGE_RESTART, K.DISCHARGE_RESTART) == [95, 90]
    radio.take_away(bms)
    await hass.config_entries.async_unload(entry.entry_id)
    setting_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await asyncio.sleep(70)
    assert await setting_up
    (issue,) = issues(hass).values()
    assert (issue.translation_placeholders or {})["setting"] == "Charge restart"
    radio.bring(bms)
    await asyncio.sleep(120)
    assert held(bms, K.CHARGE_RESTART, K.DISCHARGE_RESTART) == [95, 5]
    assert shown(hass, "connection") == "connected"


async def test_unloaded_in_the_middle(hass: HomeAssistant, radio: Radio) -> None:
    """As when Home Assistant stops between two bytes: the next run puts it in order."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    break_writes(bms, Fault.LOST_ACKNOWLEDGEMENT)
    writing = hass.async_create_task(choose(hass, "inverter_peak_power", 3000))
    while held(bms, K.INVERTER_PEAK_POWER) == [250]:
        await asyncio.sleep(0.1)
    # 0x0FA with the high byte of 0x12C.
    assert held(bms, K.INVERTER_PEAK_POWER) == [0x1FA]
    await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(HomeAssistantError, match="could not be verified"):
        await writing
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(30)
    assert held(bms, K.INVERTER_PEAK_POWER) == [250]
    assert shown(hass, "inverter_peak_power") == "2500"
    assert set(issues(hass)) == {"setting_settled"}


async def test_an_entry_that_is_deleted(hass: HomeAssistant, radio: Radio) -> None:
    """Nobody is told of a BMS that is gone."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    break_writes(bms, Fault.LINK_LOST_AFTER)
    with pytest.raises(HomeAssistantError):
        await choose(hass, "v_max", 3.65)
    await asyncio.sleep(30)
    assert issues(hass)
    await hass.config_entries.async_remove(entry.entry_id)
    assert issues(hass) == {}


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        "pending",
        ["t_max"],
        [{"key": "t_maximum", "old_count": 1, "new_count": 2}],
        [{"key": "t_max", "old_count": None, "new_count": 2}],
        [{"key": "t_max", "old_count": 1, "new_count": "2"}],
        [{"key": "t_max", "old_count": -1, "new_count": 2}],
        [{"key": "t_max", "old_count": 1, "new_count": 65536}],
    ],
)
def test_a_damaged_storage(damaged: object) -> None:
    """What cannot be a write is none."""
    assert Remembered.from_json({"pending": damaged}, None).pending == ()


def test_what_is_stored_comes_back() -> None:
    """As it was."""
    pending = (PendingWrite(K.T_MAX, 341, 306), PendingWrite(K.V_MIN, 580, 580))
    before = Remembered.from_json({}, None)
    stored = {
        **before.as_json(),
        "pending": [
            {"key": each.key, "old_count": each.old_count, "new_count": each.new_count} for each in pending
        ],
    }
    remembered = Remembered.from_json(stored, None)
    assert remembered.pending == pending
    assert remembered.as_json()["pending"] == stored["pending"]


def test_more_writes_than_there_are_settings() -> None:
    """However long a damaged file is, no more can be pending."""
    damaged = [{"key": "t_max", "old_count": 1, "new_count": 2}] * 5000
    assert len(Remembered.from_json({"pending": damaged}, None).pending) == len(SETTINGS)
