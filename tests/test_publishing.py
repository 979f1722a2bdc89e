"""When the state machine hears of something: alarms at once, values in their time, nothing twice."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

from bleak.exc import BleakError
import pytest

from custom_components.smartbms.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util

from .diary import Diary, set_up_counted
from .radio import TITLE, Radio, enable, entity_id, entry_of, hold_elsewhere, set_up, shown, still_bms

HOUR = 3600.0


# Alarms and values.


async def test_an_alarm_is_shown_at_once_when_two_records_agree(hass: HomeAssistant, radio: Radio) -> None:
    """However long the publish interval: the second record with the bit raises the alarm."""
    firmware, _ = await set_up_counted(hass, radio, publish_interval=3600)
    alarm = entity_id(hass, "communication_error")
    diary = Diary(hass)
    await firmware.say()
    firmware.chain_broken = True
    await firmware.say()
    assert shown(hass, "communication_error") == "off"
    await firmware.say()
    assert shown(hass, "communication_error") == "on"
    assert hass.loop.time() - diary.times(alarm)[0] < 0.05
    firmware.chain_broken = False
    await firmware.say()
    assert shown(hass, "communication_error") == "on"
    await firmware.say()
    assert shown(hass, "communication_error") == "off"
    assert diary.states(alarm) == ["on", "off"]


async def test_a_single_record_raises_no_alarm(hass: HomeAssistant, radio: Radio) -> None:
    """The stream has no checksum, so one record is hearsay."""
    firmware, _ = await set_up_counted(hass, radio)
    diary = Diary(hass)
    for _ in range(10):
        await firmware.say(5)
        firmware.chain_broken = True
        await firmware.say()
        firmware.chain_broken = False
    await firmware.say(5)
    assert diary.states(entity_id(hass, "communication_error")) == []


async def test_relays_are_shown_at_once(hass: HomeAssistant, radio: Radio) -> None:
    """A relay that opens is no measured value."""
    firmware, _ = await set_up_counted(hass, radio, publish_interval=3600)
    firmware.battery.cells[0].voltage = 2.5
    await firmware.say(4)
    assert shown(hass, "load_relay") == "off"
    assert shown(hass, "discharge_allowed") == "off"
    assert shown(hass, "lowest_cell_voltage") == "3.31"


@pytest.mark.parametrize("interval", [5, 60])
async def test_values_are_shown_at_most_once_per_interval(
    hass: HomeAssistant, radio: Radio, interval: int
) -> None:
    """A pack that rises by the second from 47 to 57 V, and the state machine hears of it in its time."""
    firmware, _ = await set_up_counted(hass, radio, publish_interval=interval)
    for cell in firmware.battery.cells:
        cell.voltage = 2.95
    await asyncio.sleep(interval + 2)
    diary = Diary(hass)
    for interval_passed in range(10):
        # Alarms that come and go do not bring values along.
        firmware.chain_broken = interval_passed % 2 == 0
        for _ in range(interval):
            for cell in firmware.battery.cells:
                cell.voltage += 0.06 / interval
            await asyncio.sleep(1)
    times = diary.times(entity_id(hass, "voltage"))
    assert 8 <= len(times) <= 10
    assert min(later - earlier for earlier, later in pairwise(times)) >= interval
    assert len(diary.times(entity_id(hass, "communication_error"))) == 10


async def test_the_first_values_do_not_wait(hass: HomeAssistant, radio: Radio) -> None:
    """After a connection values are shown within a tenth of a second, however long the interval."""
    await set_up(hass, radio, still_bms(hass), seconds=0.1, options={"publish_interval": 3600})
    assert shown(hass, "voltage") == "53.05"
    assert shown(hass, "state_of_charge") == "62"


async def test_the_last_cell_does_not_wait(hass: HomeAssistant, radio: Radio) -> None:
    """A pack is complete when its last cell has been heard, however long the interval."""
    await set_up(hass, radio, still_bms(hass), seconds=14, options={"publish_interval": 3600})
    assert "unknown" in {shown(hass, f"cell_{cell}_voltage") for cell in range(1, 17)}
    await asyncio.sleep(2)
    assert "unknown" not in {shown(hass, f"cell_{cell}_voltage") for cell in range(1, 17)}


async def test_a_still_battery_writes_nothing(hass: HomeAssistant, radio: Radio) -> None:
    """An hour without a change: not one event, though the BMS says the same thousands of times."""
    firmware, _ = await set_up_counted(hass, radio)
    # When the pack will be full is said once the power has been watched for a minute.
    await asyncio.sleep(60)
    diary = Diary(hass)
    said = firmware.said
    await asyncio.sleep(HOUR)
    assert firmware.said - said > 3500
    assert diary.pages == []


async def test_only_what_changed_is_written(hass: HomeAssistant, radio: Radio) -> None:
    """One cell rises by 20 mV, which is much for a cell and little for the pack; the rest waits."""
    firmware, _ = await set_up_counted(hass, radio)
    await asyncio.sleep(60)
    diary = Diary(hass)
    firmware.battery.cells[0].voltage += 0.02
    await asyncio.sleep(60)
    assert sorted((entity, state) for _, entity, state in diary.pages) == [
        (entity_id(hass, "cell_1_voltage"), "3.335"),
        (entity_id(hass, "highest_cell_voltage"), "3.335"),
    ]
    diary.pages.clear()
    await asyncio.sleep(600)
    assert sorted((entity, state) for _, entity, state in diary.pages) == [
        (entity_id(hass, "average_cell_voltage"), "3.3166"),
        (entity_id(hass, "cell_voltage_spread"), "25.0"),
        (entity_id(hass, "voltage"), "53.07"),
    ]


async def test_a_cell_that_flickers(hass: HomeAssistant, radio: Radio) -> None:
    """Between two steps of 5 mV for an hour: written six times, not two hundred times."""
    firmware, _ = await set_up_counted(hass, radio)
    cell, diary = firmware.battery.cells[3], Diary(hass)
    for minute in range(60):
        cell.voltage += 0.005 if minute % 2 else -0.005
        await asyncio.sleep(60)
    assert len(diary.times(entity_id(hass, "cell_4_voltage"))) <= 6


@pytest.mark.parametrize(("rise", "seconds"), [(0.015, 20), (0.01, 625)])
async def test_a_cell_that_changed_a_little(
    hass: HomeAssistant, radio: Radio, rise: float, seconds: int
) -> None:
    """Three steps of 5 mV are shown when the cell is heard, two of them after ten minutes at the latest."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    bms.firmware.battery.cells[0].voltage += rise
    await asyncio.sleep(seconds)
    assert float(shown(hass, "cell_1_voltage") or 0) == pytest.approx(3.315 + rise)


async def test_what_is_shown_stays_as_it_was_written(hass: HomeAssistant, radio: Radio) -> None:
    """Whoever asks for the state anew gets what the recorder has, not what is about to be written."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    bms.firmware.battery.cells[0].voltage += 0.01
    await asyncio.sleep(30)
    entity = entity_id(hass, "cell_1_voltage") or ""
    er.async_get(hass).async_update_entity(entity, name="The first")
    await asyncio.sleep(1)
    state = hass.states.get(entity)
    assert state is not None
    assert "The first" in state.name
    assert state.state == "3.315"


# What else is shown.


@pytest.mark.parametrize(("scale", "celsius"), [("app", "4.4"), ("document", "0.0")])
async def test_the_temperature_scale(hass: HomeAssistant, radio: Radio, scale: str, celsius: str) -> None:
    """A raw temperature of 276 is 4.4 degrees in the app, and 0 by the document."""
    bms = still_bms(hass)
    bms.firmware.battery.cells[2].temperature = 4.4
    await set_up(hass, radio, bms, options={"temperature_scale": scale})
    assert shown(hass, "cell_3_temperature") == celsius
    assert shown(hass, "lowest_temperature") == celsius


async def test_last_contact(hass: HomeAssistant, radio: Radio) -> None:
    """It goes on once a minute, stays while the BMS is away, and does not flicker."""

    def ago() -> timedelta:
        return dt_util.utcnow() - datetime.fromisoformat(shown(hass, "last_contact") or "")

    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    await enable(hass, "last_contact")
    assert ago() < timedelta(seconds=67)
    diary = Diary(hass)
    await asyncio.sleep(1800)
    assert ago() < timedelta(seconds=67)
    assert 25 <= len(diary.times(entity_id(hass, "last_contact"))) <= 30
    radio.take_away(bms)
    await asyncio.sleep(130)
    last = shown(hass, "last_contact")
    diary = Diary(hass)
    for _ in range(28):
        await asyncio.sleep(59.9)
    assert shown(hass, "last_contact") == last
    assert diary.states(entity_id(hass, "last_contact")) == []


async def test_rejected_lines_are_counted(hass: HomeAssistant, radio: Radio) -> None:
    """What is no record is thrown away and counted, also across connections."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    await enable(hass, "rejected_lines")
    assert shown(hass, "rejected_lines") == "0"
    bms.firmware._say("Q_nonsense")
    await asyncio.sleep(10)
    assert shown(hass, "rejected_lines") == "1"
    bms.firmware._output += b"\xff\r"
    await asyncio.sleep(10)
    assert shown(hass, "rejected_lines") == "2"
    bms.drop()
    await asyncio.sleep(20)
    assert shown(hass, "rejected_lines") == "2"


async def test_signal_strength(hass: HomeAssistant, radio: Radio) -> None:
    """As strong as it was heard last; unknown while nothing is heard."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    await enable(hass, "signal_strength")
    assert shown(hass, "signal_strength") == "-61"
    radio.take_away(bms)
    await asyncio.sleep(60)
    assert shown(hass, "signal_strength") == "unknown"


async def test_a_simulated_bms_has_no_signal(hass: HomeAssistant, radio: Radio) -> None:
    """Where there is no radio there is no strength."""
    entry = entry_of(hass, still_bms(hass), data={"simulated_cells": 4})
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(10)
    await enable(hass, "signal_strength")
    assert shown(hass, "signal_strength") == "unknown"
    assert shown(hass, "connection") == "connected"


# Another integration holds the BMS.


def issues(hass: HomeAssistant) -> list[tuple[str | None, dict[str, str] | None]]:
    """Return what the owner is asked to repair."""
    return [
        (issue.translation_key, issue.translation_placeholders)
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN
    ]


async def test_the_owner_is_told_that_another_integration_holds_the_bms(
    hass: HomeAssistant, radio: Radio
) -> None:
    """The repair names the BMS, and is gone once the BMS is connected."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    assert issues(hass) == []
    let_go = hold_elsewhere(hass)
    radio.failure = BleakError("busy")
    bms.drop()
    await asyncio.sleep(60)
    assert issues(hass) == [("held_by_bms_ble", {"name": TITLE})]
    let_go()
    radio.failure = None
    await asyncio.sleep(60)
    assert shown(hass, "connection") == "connected"
    assert issues(hass) == []


async def test_the_repair_is_gone_when_something_else_is_wrong(hass: HomeAssistant, radio: Radio) -> None:
    """Once the other integration let go, the owner is not asked to remove it any more."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    let_go = hold_elsewhere(hass)
    radio.failure = BleakError("busy")
    bms.drop()
    await asyncio.sleep(60)
    let_go()
    await asyncio.sleep(120)
    assert shown(hass, "connection") == "disconnected"
    assert issues(hass) == []


async def test_the_repair_is_gone_with_the_bms(hass: HomeAssistant, radio: Radio) -> None:
    """Held from the start: set-up says so as well, and removing the entry leaves nothing."""
    hold_elsewhere(hass)
    radio.failure = BleakError("busy")
    entry = await set_up(hass, radio, still_bms(hass))
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "held_by_bms_ble"
    assert issues(hass) == [("held_by_bms_ble", {"name": TITLE})]
    await hass.config_entries.async_remove(entry.entry_id)
    assert issues(hass) == []
