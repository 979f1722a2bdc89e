"""What a recorder has to bear."""

import asyncio
from itertools import pairwise

from custom_components.smartbms.simulator.surroundings import Surroundings
from homeassistant.core import HomeAssistant
from scripts.rig.rows import DAY, LIMIT, add, written

from .diary import Diary, set_up_counted
from .radio import Radio, entity_id, set_up, shown, still_bms

HOUR = 3600.0


async def test_the_rows_of_a_day(hass: HomeAssistant, radio: Radio) -> None:
    """An hour of sun and an hour of the night, at real pace: no more than their share of the limit."""
    entry = await add(hass)
    firmware = entry.runtime_data.reach.firmware
    assert firmware is not None
    by_day = await written(hass, entry, HOUR)
    firmware.battery.surroundings.time_of_day = 22 * HOUR
    by_night = await written(hass, entry, HOUR)
    assert by_day.entities > 100
    assert 0 < by_night.total < by_day.total
    assert by_day.total + by_night.total <= LIMIT * 2 * HOUR / DAY


async def test_why_charging_is_blocked(hass: HomeAssistant, radio: Radio) -> None:
    """At once when the reason is another; its numbers, which move with every record, every ten minutes."""
    firmware, _ = await set_up_counted(hass, radio)
    entity, diary = entity_id(hass, "charging_blocked_by"), Diary(hass)
    cell = firmware.battery.cells[2]
    cell.voltage = 3.75
    await asyncio.sleep(3)
    assert shown(hass, "charging_blocked_by") == "cell_voltage_high"
    # The delay of a restart is one of the reasons for a minute.
    await asyncio.sleep(120)
    diary.pages.clear()
    for second in range(3600):
        cell.voltage = 3.75 + second % 10 / 200
        await asyncio.sleep(1)
    times = diary.times(entity)
    assert 4 <= len(times) <= 6
    assert min(later - earlier for earlier, later in pairwise(times)) >= 600
    state = hass.states.get(entity or "")
    assert state is not None
    assert 3.75 <= state.attributes["causes"][0]["value"] < 3.8


async def test_when_the_pack_will_be_empty(hass: HomeAssistant, radio: Radio) -> None:
    """A house draws now more and now less: it is told as one would plan by it."""
    bms = still_bms(hass)
    bms.firmware.battery.surroundings = Surroundings(solar_peak=0, load_peak=3000)
    bms.firmware.speed = 1.0
    await set_up(hass, radio, bms, seconds=900)
    diary = Diary(hass)
    await asyncio.sleep(HOUR)
    entity = entity_id(hass, "time_to_empty")
    times, minutes = diary.times(entity), [float(state) for state in diary.states(entity)]
    assert 2 <= len(times) <= 30
    for (was, left), (earlier, later) in zip(pairwise(minutes), pairwise(times), strict=True):
        assert abs(left / was - 1) >= 0.2 - 1e-6 or later - earlier >= 900
