"""Something hostile that looks like a BMS: the one that an entry stands for, and a stranger."""

import asyncio
import logging
from typing import Final

import pytest

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.records import encode
from custom_components.smartbms.bms.state import CellRecord
from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.core import HomeAssistant
from scripts.rig.hostile import TRICKS, HostileBms, Trick

from .diary import Diary
from .flows import flow_of, suggested
from .radio import ADDRESS, PIN, TITLE, Radio, enable, entity_id, set_up, shown, still_bms

HOUR: Final = 3600.0
ELSEWHERE: Final = "EC:FE:7E:00:0D:03"
OWN_PIN: Final = "8642"


def hostile(hass: HomeAssistant) -> HostileBms:
    """Return a BMS of sixteen cells that is good until it is told to play a trick."""
    firmware = Firmware(Battery(16), DeviceType.GEN3_RAYTAC, hass.loop.time, pin=PIN, speed=0.0)
    return HostileBms(firmware, ADDRESS, 3330)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the log says to an owner about the BMS."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components.smartbms") and record.levelno >= logging.INFO
    ]


# The BMS of an entry.


async def test_values_go_though_the_connection_comes(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes the PIN and answers, and never says anything by itself: what it said before is too old."""
    bms = hostile(hass)
    await set_up(hass, radio, bms)
    assert shown(hass, "voltage") == "53.05"
    caplog.clear()
    bms.play(TRICKS["no_stream"])
    await asyncio.sleep(29)
    assert shown(hass, "voltage") == "53.05"
    await asyncio.sleep(3)
    assert shown(hass, "voltage") == "unavailable"
    await asyncio.sleep(HOUR)
    assert shown(hass, "voltage") == "unavailable"
    assert said(caplog) == [f"{TITLE} is unavailable (no_answer)"]


async def test_a_flood_ends_the_values_and_is_told_once(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """Every connection ends in a flood: nothing is shown of it, and the log says why, once."""
    bms = hostile(hass)
    await set_up(hass, radio, bms)
    caplog.clear()
    bms.play(TRICKS["flood"])
    await asyncio.sleep(40)
    assert shown(hass, "voltage") == "unavailable"
    assert shown(hass, "connection") in {"connecting", "disconnected"}
    await asyncio.sleep(600)
    assert shown(hass, "voltage") == "unavailable"
    assert said(caplog) == [f"{TITLE} is unavailable (flooded)"]
    bms.play(Trick())
    await asyncio.sleep(40)
    assert shown(hass, "voltage") == "53.05"
    assert shown(hass, "cell_16_voltage") == "3.315"
    assert said(caplog)[1:] == [f"{TITLE} is available"]


async def test_an_alarm_that_flickers_is_written_ten_times_a_second_at_most(
    hass: HomeAssistant, radio: Radio
) -> None:
    """Fifty changes a second are as many rows of the recorder; the last one counts, the first comes at once."""
    bms = hostile(hass)
    await set_up(hass, radio, bms)
    quiet, high = (
        f"{encode(CellRecord(1, 16, 3.3, 293, status, 0x30), Generation.GEN3)}\r".encode()
        for status in (0x03, 0x13)
    )
    bms.play(Trick(pours=(quiet, quiet, high, high), rate=100))
    await asyncio.sleep(10)
    diary = Diary(hass)
    await asyncio.sleep(60)
    alarm = entity_id(hass, "voltage_high")
    assert 200 < len(diary.times(alarm)) <= 610
    bms.play(Trick())
    await asyncio.sleep(10)
    assert shown(hass, "voltage_high") == "off"


async def test_cells_that_come_and_go(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """A pack of 255 cells, of two, of 255: cells that are not there have no value, and nothing fails."""
    bms = hostile(hass)
    await set_up(hass, radio, bms)
    caplog.clear()
    bms.play(TRICKS["cells_come_and_go"])
    await asyncio.sleep(300)
    assert shown(hass, "connection") == "connected"
    assert shown(hass, "cell_1_voltage") == "3.3"
    assert shown(hass, "cell_16_voltage") in {"unknown", "unavailable"}
    assert entity_id(hass, "cell_255_voltage") is not None
    # Those beyond the 32nd are there for whoever wants them.
    assert shown(hass, "cell_255_voltage") is None
    assert said(caplog) == []
    bms.play(Trick())
    await asyncio.sleep(40)
    assert shown(hass, "cell_16_voltage") == "3.315"


@pytest.mark.parametrize("trick", ["absurd_values", "asks_for_the_pin_all_the_time"])
async def test_nothing_fails(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture, trick: str
) -> None:
    """The largest numbers that can be said and the smallest, in turn, with every entity enabled; or no number."""
    bms = hostile(hass)
    await set_up(hass, radio, bms)
    await enable(hass)
    caplog.clear()
    bms.play(TRICKS[trick])
    await asyncio.sleep(120)
    assert not [record for record in caplog.records if record.levelno > logging.WARNING]
    bms.play(Trick())
    await asyncio.sleep(60)
    assert shown(hass, "voltage") == "53.05"


# A stranger.


class Ears(Firmware):
    """A BMS that remembers all that it was told."""

    heard = b""

    def receive(self, data: bytes) -> None:
        """Remember some bytes and take them."""
        self.heard += data
        super().receive(data)


def stranger(hass: HomeAssistant) -> tuple[Ears, BmsPeripheral]:
    """Return a device with name, type and serial number of the owner's BMS, at another address."""
    bms = still_bms(hass, address=ELSEWHERE, firmware_class=Ears)
    assert isinstance(bms.firmware, Ears)
    return bms.firmware, bms


async def test_a_stranger_with_the_same_name_is_not_spoken_to(hass: HomeAssistant, radio: Radio) -> None:
    """Nor while the owner's BMS is there, nor in the hours in which it is away."""
    ears, double = stranger(hass)
    bms = still_bms(hass, pin=OWN_PIN)
    entry = await set_up(hass, radio, bms, pin=OWN_PIN)
    radio.bring(double)
    await asyncio.sleep(60)
    bms.drop()
    await asyncio.sleep(60)
    assert bms.connected
    radio.take_away(bms)
    await asyncio.sleep(3 * HOUR)
    assert shown(hass, "connection") in {"connecting", "disconnected"}
    assert ears.heard == b""
    assert not double.connected
    assert entry.data["address"] == ADDRESS


async def test_a_stranger_is_offered_and_gets_only_the_pin_that_is_typed_for_it(
    hass: HomeAssistant, radio: Radio
) -> None:
    """It starts one new flow, which says nothing to it and does not suggest the PIN of the other."""
    ears, double = stranger(hass)
    await set_up(hass, radio, still_bms(hass, pin=OWN_PIN), pin=OWN_PIN)
    attempts = radio.attempts
    radio.bring(double)
    await asyncio.sleep(HOUR)
    form = await hass.config_entries.flow.async_configure(flow_of(hass))
    assert suggested(form) == {"pin": "1234"}
    await asyncio.sleep(HOUR)
    assert radio.attempts == attempts
    assert ears.heard == b""
    await hass.config_entries.flow.async_configure(form["flow_id"], {"pin": "7531"})
    assert b"PW7531!\r" in ears.heard
    assert OWN_PIN.encode() not in ears.heard


async def test_a_new_pin_is_for_the_stored_address(hass: HomeAssistant, radio: Radio) -> None:
    """The owner is asked for the PIN and gives it while a stranger is nearer than the BMS."""
    ears, double = stranger(hass)
    bms = still_bms(hass, pin=OWN_PIN)
    entry = await set_up(hass, radio, bms, pin="2468")
    radio.take_away(bms)
    radio.bring(double)
    await asyncio.sleep(60)
    (flow,) = [
        flow
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == "reauth"
    ]
    form = await hass.config_entries.flow.async_configure(flow["flow_id"], {"pin": OWN_PIN})
    assert form["errors"] == {"base": "not_in_reach"}
    assert ears.heard == b""
    assert entry.data["pin"] == "2468"
