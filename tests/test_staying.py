"""Staying with a BMS: losses, the grace time, visits and the pause."""

import asyncio
import logging

from bleak.exc import BleakError
import pytest

from custom_components.smartbms.simulator.firmware import Firmware
from homeassistant.core import HomeAssistant

from .diary import Diary, set_up_counted
from .radio import TITLE, Radio, entity_id, set_up, shown, still_bms

HOUR = 3600.0


# A link that is lost.


def said_about_it(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the log says to an owner about the BMS."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "custom_components.smartbms.coordinator" and record.levelno >= logging.INFO
    ]


async def test_a_short_loss_is_not_noticed(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """The link is away for twenty seconds: only the connection itself tells."""
    firmware, bms = await set_up_counted(hass, radio)
    await asyncio.sleep(60)
    caplog.clear()
    diary = Diary(hass)
    await firmware.say()
    radio.failure = BleakError("gone")
    bms.drop()
    await asyncio.sleep(20)
    assert shown(hass, "connection") == "disconnected"
    assert shown(hass, "voltage") == "53.05"
    radio.failure = None
    await asyncio.sleep(120)
    assert shown(hass, "connection") == "connected"
    assert {entity for _, entity, _ in diary.pages} == {entity_id(hass, "connection")}
    assert said_about_it(caplog) == []


async def test_a_long_loss_is_noticed_and_logged_once(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """After thirty seconds the values are too old; one line says so, and one that they are back."""
    firmware, bms = await set_up_counted(hass, radio)
    caplog.clear()
    await firmware.say()
    radio.take_away(bms)
    await asyncio.sleep(29)
    assert shown(hass, "voltage") == "53.05"
    assert said_about_it(caplog) == []
    await asyncio.sleep(2)
    for key in ("voltage", "cell_16_voltage", "communication_error", "state_of_charge"):
        assert shown(hass, key) == "unavailable"
    assert shown(hass, "connection") in {"connecting", "disconnected"}
    assert shown(hass, "pause") == "off"
    await asyncio.sleep(HOUR)
    assert said_about_it(caplog) == [f"{TITLE} is unavailable (not_in_reach)"]

    radio.bring(bms)
    await asyncio.sleep(10)
    assert shown(hass, "voltage") == "53.05"
    assert shown(hass, "communication_error") == "off"
    # Cells that have not been heard since are not shown as they were.
    assert shown(hass, "cell_16_voltage") in {"unknown", "3.315"}
    await asyncio.sleep(20)
    assert shown(hass, "cell_16_voltage") == "3.315"
    assert said_about_it(caplog) == [f"{TITLE} is unavailable (not_in_reach)", f"{TITLE} is available"]


async def test_what_was_true_before_a_long_loss_is_not_believed_after_it(
    hass: HomeAssistant, radio: Radio
) -> None:
    """A cell that has not been heard since is unknown, not what it was an hour ago."""
    _, bms = await set_up_counted(hass, radio)
    radio.take_away(bms)
    await asyncio.sleep(HOUR)
    bms.firmware.battery.cells[8].voltage = 3.25
    radio.bring(bms)
    states = set()
    for _ in range(60):
        states.add(shown(hass, "cell_9_voltage"))
        await asyncio.sleep(0.5)
    assert states == {"unavailable", "unknown", "3.25"}


async def test_the_grace_counts_from_the_last_word(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """A link that comes back and is lost again has thirty seconds anew."""
    firmware, bms = await set_up_counted(hass, radio)
    caplog.clear()
    bms.drop()
    await asyncio.sleep(20)
    await firmware.say()
    radio.failure = BleakError("gone")
    bms.drop()
    await asyncio.sleep(29)
    assert shown(hass, "voltage") == "53.05"
    await asyncio.sleep(2)
    assert shown(hass, "voltage") == "unavailable"
    assert said_about_it(caplog) == [f"{TITLE} is unavailable (connection_lost)"]


class Mute(Firmware):
    """A BMS that can fall silent without ending the connection."""

    mute = False

    def take(self) -> bytes:
        """Return what is waiting to be sent."""
        waiting = super().take()
        return b"" if self.mute else waiting


async def test_a_bms_that_falls_silent(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection over which nothing comes counts as lost."""
    bms = still_bms(hass, firmware_class=Mute)
    await set_up(hass, radio, bms)
    assert isinstance(bms.firmware, Mute)
    bms.firmware.mute = True
    await asyncio.sleep(60)
    assert shown(hass, "voltage") == "unavailable"
    assert f"{TITLE} is unavailable (no_answer)" in said_about_it(caplog)
    bms.firmware.mute = False
    await asyncio.sleep(90)
    assert shown(hass, "voltage") == "53.05"


async def test_a_bms_that_is_heard_again_is_reached_at_once(hass: HomeAssistant, radio: Radio) -> None:
    """After an hour away the attempts are rare; its advertisement makes the next one."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    radio.take_away(bms)
    await asyncio.sleep(HOUR)
    radio.bring(bms)
    await asyncio.sleep(8)
    assert shown(hass, "connection") == "connected"


# Periodic visits.


@pytest.mark.parametrize("cells", [4, 16])
async def test_values_stay_between_visits(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture, cells: int
) -> None:
    """Every ten minutes one full cycle; in between the BMS is free and its values stay."""
    bms = still_bms(hass, cells=cells)
    entry = await set_up(hass, radio, bms, options={"connection_mode": "periodic", "visit_minutes": 10})
    assert shown(hass, "connection") == "waiting"
    assert not bms.connected
    voltage = shown(hass, "voltage")
    assert voltage == {4: "13.255", 16: "53.05"}[cells]
    diary = Diary(hass)
    for _ in range(60):
        await asyncio.sleep(60)
        assert shown(hass, "voltage") == voltage
    assert entry.runtime_data.session.connections in {6, 7}
    assert {entity for _, entity, _ in diary.pages} == {
        entity_id(hass, "connection"),
        entity_id(hass, "predicted_state_of_charge"),
    }
    assert said_about_it(caplog) == [f"{TITLE} is available"]


async def test_one_visit_may_be_missed(hass: HomeAssistant, radio: Radio) -> None:
    """The values of the last visit stay until two visits have failed."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options={"connection_mode": "periodic", "visit_minutes": 10})
    radio.take_away(bms)
    await asyncio.sleep(20 * 60)
    assert shown(hass, "voltage") == "53.05"
    await asyncio.sleep(60)
    assert shown(hass, "voltage") == "unavailable"
    radio.bring(bms)
    await asyncio.sleep(30)
    assert shown(hass, "voltage") == "53.05"


# The pause.


async def press(hass: HomeAssistant, service: str) -> None:
    """Use the pause switch."""
    await hass.services.async_call(
        "switch", service, {"entity_id": "switch.123_smartbms_03330_pause_connection"}, blocking=True
    )


async def test_a_pause_ends_by_itself(hass: HomeAssistant, radio: Radio) -> None:
    """The phone has the BMS for as long as the options say."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options={"pause_minutes": 3})
    await press(hass, "turn_on")
    await asyncio.sleep(3)
    assert not bms.connected
    assert (shown(hass, "pause"), shown(hass, "connection")) == ("on", "paused")
    assert shown(hass, "voltage") == "53.05"
    await asyncio.sleep(30)
    assert shown(hass, "voltage") == "unavailable"
    await asyncio.sleep(146)
    assert (shown(hass, "pause"), shown(hass, "connection")) == ("on", "paused")
    await asyncio.sleep(2)
    assert shown(hass, "pause") == "off"
    await asyncio.sleep(8)
    assert (shown(hass, "pause"), shown(hass, "connection")) == ("off", "connected")
    assert shown(hass, "voltage") == "53.05"


async def test_a_pause_ends_when_it_is_switched_off(hass: HomeAssistant, radio: Radio) -> None:
    """Who is done with the phone need not wait."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    await press(hass, "turn_on")
    await asyncio.sleep(20)
    assert shown(hass, "pause") == "on"
    await press(hass, "turn_off")
    await asyncio.sleep(5)
    assert bms.connected
    assert (shown(hass, "pause"), shown(hass, "connection")) == ("off", "connected")
    assert shown(hass, "voltage") == "53.05"


async def test_unloading_during_a_pause(hass: HomeAssistant, radio: Radio) -> None:
    """A pause does not outlive its entry."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    await press(hass, "turn_on")
    await asyncio.sleep(5)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await asyncio.sleep(HOUR)
    assert not bms.connected
