"""Energy that adds up: totals that only rise, through midnights, lost links, restarts and crashes."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .diary import Diary
from .radio import Radio, entity_id, entry_of, set_up, shown, still_bms

HOUR = 3600.0
TOTALS = ("collected_total", "consumed_total", "charged_total", "discharged_total")


def totals(hass: HomeAssistant) -> dict[str, float]:
    """Return what is shown of the totals, in kWh."""
    found = {key: shown(hass, key) for key in TOTALS}
    return {key: float(state) for key, state in found.items() if state is not None}


def truth(bms: BmsPeripheral) -> dict[str, float]:
    """Return what has flowed, in kWh: what the app showed at first and what the battery lived since."""
    flowed = bms.firmware.total
    return {
        "collected_total": 321 + flowed.collected / 1000,
        "consumed_total": 298 + flowed.consumed / 1000,
        "charged_total": 289 + flowed.charged / 1000,
        "discharged_total": 274 + flowed.discharged / 1000,
    }


def lives(bms: BmsPeripheral, speed: float = 20.0) -> BmsPeripheral:
    """Let the battery live, faster than the clock on the wall."""
    bms.firmware.speed = speed
    return bms


def holds_still(bms: BmsPeripheral) -> BmsPeripheral:
    """Let nothing flow."""
    battery = bms.firmware.battery
    bms.firmware.speed = battery.charge_current = battery.load_current = 0.0
    return bms


async def comes_to_rest(bms: BmsPeripheral) -> None:
    """Let nothing flow until all that has flowed is shown."""
    holds_still(bms)
    await asyncio.sleep(360)


# What is counted.


async def test_a_total_begins_where_the_app_is_and_counts_in_watt_hours(
    hass: HomeAssistant, radio: Radio
) -> None:
    """The app shows whole kWh; from there on nothing is lost and nothing is counted twice."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    assert totals(hass) == {
        "collected_total": 321.0,
        "consumed_total": 298.0,
        "charged_total": 289.0,
        "discharged_total": 274.0,
    }
    lives(bms)
    await asyncio.sleep(900)
    await comes_to_rest(bms)
    assert truth(bms)["collected_total"] > 326
    assert totals(hass) == pytest.approx(truth(bms), abs=0.0015)


async def test_the_day_of_the_bms_ends(hass: HomeAssistant, radio: Radio) -> None:
    """At its midnight the BMS begins its day anew, and a total goes on."""
    bms = still_bms(hass)
    bms.firmware.battery.surroundings.time_of_day = 23 * HOUR
    await set_up(hass, radio, bms)
    diary = Diary(hass)
    lives(bms)
    await asyncio.sleep(360)
    await comes_to_rest(bms)
    assert bms.firmware.time_of_day < 2 * HOUR
    assert bms.firmware.today.consumed < 0.7 * bms.firmware.total.consumed
    assert totals(hass) == pytest.approx(truth(bms), abs=0.01)
    for key in TOTALS:
        written = [float(state) for state in diary.states(entity_id(hass, key))]
        assert all(earlier < later for earlier, later in pairwise(written)), key


async def test_a_clear_in_the_app_takes_nothing_away(hass: HomeAssistant, radio: Radio) -> None:
    """Somebody clears the counters of the BMS: what has flowed has flowed."""
    bms = lives(still_bms(hass))
    await set_up(hass, radio, bms)
    await asyncio.sleep(300)
    await comes_to_rest(bms)
    before = totals(hass)
    bms.firmware.clear_energy()
    await asyncio.sleep(120)
    assert totals(hass) == before
    lives(bms)
    await asyncio.sleep(300)
    await comes_to_rest(bms)
    assert totals(hass) == pytest.approx(truth(bms), abs=0.005)


async def test_one_current_sensor_shows_the_flow_of_the_battery_only(
    hass: HomeAssistant, radio: Radio
) -> None:
    """A combined charger/inverter on one sensor: nobody can tell what is collected and what consumed."""
    bms = lives(still_bms(hass))
    bms.firmware.sensors.load = None
    await set_up(hass, radio, bms, seconds=120)
    assert set(totals(hass)) == {"charged_total", "discharged_total"}
    assert shown(hass, "battery_power") is not None


async def test_generation_2_does_not_count_the_battery_so_it_is_integrated(
    hass: HomeAssistant, radio: Radio
) -> None:
    """Voltage times current times time, from the day it is set up: what went in less what came out."""
    bms = holds_still(still_bms(hass, DeviceType.GEN2))
    await set_up(hass, radio, bms, seconds=40)
    assert set(totals(hass)) == {"collected_total", "consumed_total"}
    await asyncio.sleep(60)
    assert totals(hass)["charged_total"] == totals(hass)["discharged_total"] == 0.0
    lives(bms, 1.0)
    await asyncio.sleep(HOUR)
    await comes_to_rest(bms)
    flowed, found = bms.firmware.total, totals(hass)
    assert flowed.charged > 1000
    assert found["charged_total"] == pytest.approx(flowed.charged / 1000, rel=0.01)
    assert found["discharged_total"] == pytest.approx(flowed.discharged / 1000, abs=0.01)


# What is shown, and when.


async def test_out_of_reach_a_total_stays(hass: HomeAssistant, radio: Radio) -> None:
    """An energy is no less true because nobody hears the BMS; what flowed meanwhile is made up for."""
    bms = lives(still_bms(hass))
    await set_up(hass, radio, bms)
    await asyncio.sleep(200)
    radio.take_away(bms)
    holds_still(bms)
    await asyncio.sleep(1)
    kept = totals(hass)
    await asyncio.sleep(300)
    assert shown(hass, "voltage") == "unavailable"
    assert totals(hass) == kept
    bms.firmware.pass_time(2 * HOUR)
    radio.bring(bms)
    await asyncio.sleep(90)
    assert truth(bms)["collected_total"] > kept["collected_total"] + 1
    assert totals(hass) == pytest.approx(truth(bms), abs=0.01)


async def test_what_is_counted_is_shown_when_the_link_is_lost(hass: HomeAssistant, radio: Radio) -> None:
    """A bar of the Energy dashboard ends where the link does, not up to a minute before."""
    bms = lives(still_bms(hass))
    await set_up(hass, radio, bms)
    await asyncio.sleep(75)
    assert truth(bms)["collected_total"] - totals(hass)["collected_total"] > 0.3
    radio.take_away(bms)
    await asyncio.sleep(1)
    assert truth(bms)["collected_total"] - totals(hass)["collected_total"] < 0.1


async def test_a_total_is_written_once_in_fifty_seconds_at_most(hass: HomeAssistant, radio: Radio) -> None:
    """However fast it rises, and the slower the less: each row is kept for ten days."""
    bms = lives(still_bms(hass), 1.0)
    await set_up(hass, radio, bms)
    diary = Diary(hass)
    await asyncio.sleep(HOUR)
    times = diary.times(entity_id(hass, "collected_total"))
    assert 55 < len(times) <= 72
    assert min(later - earlier for earlier, later in pairwise(times)) >= 44


async def test_power_from_the_battery_is_power_into_it_seen_from_the_other_side(
    hass: HomeAssistant, radio: Radio
) -> None:
    """Home Assistant's battery power is positive when discharging, the current of the BMS when charging."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    assert (shown(hass, "power"), shown(hass, "battery_power")) == ("1161.795", "-1161.795")
    bms.firmware.battery.charge_current = bms.firmware.battery.load_current = 0.0
    await asyncio.sleep(30)
    assert (shown(hass, "power"), shown(hass, "battery_power")) == ("0.0", "0.0")


# Through restarts.


async def test_after_a_restart_out_of_reach_the_totals_are_there(hass: HomeAssistant, radio: Radio) -> None:
    """The same entities, the same values, before anybody has heard the BMS."""
    bms = lives(still_bms(hass))
    entry = await set_up(hass, radio, bms)
    await asyncio.sleep(120)
    holds_still(bms)
    await asyncio.sleep(10)
    await hass.config_entries.async_unload(entry.entry_id)
    assert shown(hass, "collected_total") == "unavailable"
    radio.take_away(bms)
    await asyncio.sleep(10)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    kept = totals(hass)
    # A few Wh had flowed when the first total was heard.
    assert kept == pytest.approx(truth(bms), abs=0.02)
    radio.bring(bms)
    await asyncio.sleep(90)
    assert totals(hass)["collected_total"] >= kept["collected_total"]


async def test_a_crash_loses_less_than_a_minute_and_takes_back_nothing(
    hass: HomeAssistant, radio: Radio, hass_storage: dict[str, Any]
) -> None:
    """What is in the storage is never less than what was shown, nor more than a minute old."""
    bms = lives(still_bms(hass), 1.0)
    entry = await set_up(hass, radio, bms)
    file = f"{DOMAIN}.{entry.entry_id}.energy"
    past: list[float] = []
    for _ in range(240):
        await asyncio.sleep(1)
        past.append(truth(bms)["collected_total"])
        stored = hass_storage[file]["data"]["accounts"]["collected"]["counted"] / 1000
        assert stored + 0.001 >= totals(hass)["collected_total"]
        assert len(past) <= 60 or stored + 0.001 >= past[-61]


async def test_visits_count_as_well(hass: HomeAssistant, radio: Radio) -> None:
    """Connected every ten minutes only: the BMS counts in between."""
    bms = lives(still_bms(hass), 1.0)
    await set_up(hass, radio, bms, options={"connection_mode": "periodic", "visit_minutes": 10})
    diary = Diary(hass)
    await asyncio.sleep(HOUR)
    assert 5 <= len(diary.times(entity_id(hass, "collected_total"))) <= 12
    holds_still(bms)
    await asyncio.sleep(2 * 600 + 60)
    assert truth(bms)["collected_total"] > 322
    assert totals(hass) == pytest.approx(truth(bms), abs=0.01)


async def test_a_deleted_entry_leaves_no_ledger(
    hass: HomeAssistant, radio: Radio, hass_storage: dict[str, Any]
) -> None:
    """What was counted goes with it."""
    entry = await set_up(hass, radio, still_bms(hass))
    assert f"{DOMAIN}.{entry.entry_id}.energy" in hass_storage
    await hass.config_entries.async_remove(entry.entry_id)
    assert f"{DOMAIN}.{entry.entry_id}.energy" not in hass_storage


@pytest.mark.parametrize("data", [[], {"accounts": 5}, {"accounts": {"collected": {"counted": "much"}}}])
async def test_a_ledger_that_is_damaged(
    hass: HomeAssistant, radio: Radio, hass_storage: dict[str, Any], data: object
) -> None:
    """It begins as on the first day."""
    bms = still_bms(hass)
    entry = entry_of(hass, bms)
    key = f"{DOMAIN}.{entry.entry_id}.energy"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    radio.bring(bms)
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(25)
    assert entry.state is ConfigEntryState.LOADED
    assert totals(hass)["collected_total"] == 321.0
