"""The actions: ask what is wrong and what would be, and record what the BMS says."""

import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.smartbms.bms.recording import Recording, parse
from custom_components.smartbms.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component

from .radio import Radio, entry_of, set_up, shown, still_bms


async def ask(hass: HomeAssistant, action: str, entry_id: str, **data: object) -> dict[str, Any]:
    """Call an action and return its answer."""
    answer = await hass.services.async_call(
        DOMAIN, action, {"config_entry_id": entry_id, **data}, blocking=True, return_response=True
    )
    assert isinstance(answer, dict)
    return answer


@pytest.fixture
def folder(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Let the configuration be in a folder of the test's own."""
    hass.config.config_dir = str(tmp_path)
    return tmp_path / "smartbms"


async def test_an_ordinary_day(hass: HomeAssistant, radio: Radio) -> None:
    """Both are allowed, the manual agrees, and the table is there line by line."""
    entry = await set_up(hass, radio, still_bms(hass))
    answer = await ask(hass, "diagnose", entry.entry_id)
    assert answer["profile"] == "gen3_rev13"
    assert answer["charging"]["allowed"] is answer["charging"]["expected"] is True
    assert answer["discharging"]["causes"] == []
    assert any(line["rule"] == "cell_voltage_high" and line["limit"] == 3.7 for line in answer["table"])


async def test_what_would_be(hass: HomeAssistant, radio: Radio) -> None:
    """What would happen with another V max and a cell above it."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    answer = await ask(
        hass,
        "diagnose",
        entry.entry_id,
        settings={"v_max": 3.6, "critical_mode": 1},
        reading={"highest_cell_voltage": 3.62},
    )
    assert answer["charging"]["expected"] is False
    assert [cause["rule"] for cause in answer["charging"]["causes"]] == ["cell_voltage_high"]
    # Nothing was written, and the BMS as it is is allowed to charge.
    assert (await ask(hass, "diagnose", entry.entry_id))["charging"]["expected"] is True


async def test_it_says_what_the_sensor_says(hass: HomeAssistant, radio: Radio) -> None:
    """A relay that has just gone off is held by its restart delay, in the answer as in the sensor."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    bms.firmware.battery.cells[2].voltage = 3.71
    await asyncio.sleep(10)
    bms.firmware.battery.cells[2].voltage = 3.31
    await asyncio.sleep(20)
    assert shown(hass, "charging_blocked_by") == "restart_delay"
    charging = (await ask(hass, "diagnose", entry.entry_id))["charging"]
    assert [cause["rule"] for cause in charging["causes"]] == ["restart_delay"]
    assert charging["expected"] is charging["allowed"] is False


async def test_a_setting_that_is_none(hass: HomeAssistant, radio: Radio) -> None:
    """A name that is no setting is said to be none."""
    entry = await set_up(hass, radio, still_bms(hass))
    with pytest.raises(ServiceValidationError, match="v_maximum"):
        await ask(hass, "diagnose", entry.entry_id, settings={"v_maximum": 3.6})


async def test_out_of_reach(hass: HomeAssistant, radio: Radio) -> None:
    """It answers from what was known, with its age, while the entry is disabled or not set up too."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    radio.take_away(bms)
    await asyncio.sleep(600)
    answer = await ask(hass, "diagnose", entry.entry_id)
    assert 590 < answer["age_seconds"] < 620
    await hass.config_entries.async_unload(entry.entry_id)
    assert (await ask(hass, "diagnose", entry.entry_id))["charging"] == answer["charging"]


async def test_a_bms_that_was_never_heard(hass: HomeAssistant, radio: Radio) -> None:
    """There is nothing to tell of it."""
    entry = entry_of(hass, still_bms(hass))
    await hass.config_entries.async_setup(entry.entry_id)
    with pytest.raises(ServiceValidationError, match="has not been heard yet"):
        await ask(hass, "diagnose", entry.entry_id)


async def test_a_bms_that_is_none(hass: HomeAssistant) -> None:
    """The actions are there without any BMS, and say so."""
    assert await async_setup_component(hass, DOMAIN, {})
    with pytest.raises(ServiceValidationError, match="no such BMS"):
        await ask(hass, "diagnose", "nobody")
    with pytest.raises(ServiceValidationError):
        await ask(hass, "record", "nobody", minutes=1)


def files(folder: Path) -> list[Path]:
    """Return what has been written."""
    return list(folder.iterdir())


def read(answer: dict[str, Any]) -> Recording:
    """Return the recording that an action has written."""
    return parse(Path(answer["file"]).read_text(encoding="utf-8"))


async def test_a_recording(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """Every line of two minutes with all settings, and no PIN."""
    entry = await set_up(hass, radio, still_bms(hass, pin="8642"), pin="8642")
    answer = await ask(hass, "record", entry.entry_id, minutes=2)
    (path,) = files(folder)
    assert answer["file"] == str(path)
    recording = read(answer)
    texts = [said.text for said in recording.said]
    assert not any("8642" in text or "38363432" in text for text in texts)
    assert (recording.damaged, recording.is_cut, len(recording.said)) == (0, False, answer["lines"])
    assert 100 < recording.said[-1].seconds <= 120
    *_, (_, fold) = recording.folded()
    snapshot = fold.snapshot()
    assert len(snapshot.cell_voltages) == 16
    assert len(snapshot.settings) == 32


async def test_one_recording_at_a_time(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """A second one is refused, and does not disturb the first."""
    entry = await set_up(hass, radio, still_bms(hass))
    first = hass.async_create_task(ask(hass, "record", entry.entry_id, minutes=1))
    await asyncio.sleep(10)
    with pytest.raises(ServiceValidationError, match="being recorded already"):
        await ask(hass, "record", entry.entry_id, minutes=1)
    assert (await first)["lines"] > 100
    assert not entry.runtime_data.session.is_recording


async def test_a_recording_ends_with_its_entry(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """What was recorded until the entry is unloaded is kept."""
    entry = await set_up(hass, radio, still_bms(hass))
    recording = hass.async_create_task(ask(hass, "record", entry.entry_id, minutes=60))
    await asyncio.sleep(30)
    await hass.config_entries.async_unload(entry.entry_id)
    assert (await recording)["lines"] > 50
    assert len(files(folder)) == 1


async def test_a_recording_needs_the_entry(hass: HomeAssistant, radio: Radio) -> None:
    """An entry that is not loaded cannot be recorded."""
    entry = entry_of(hass, still_bms(hass))
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    with pytest.raises(ServiceValidationError):
        await ask(hass, "record", entry.entry_id, minutes=1)


async def test_a_full_disk(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """What cannot be written is said with the reason."""
    entry = await set_up(hass, radio, still_bms(hass))
    full = OSError(28, "No space left on device")
    with (
        patch.object(Path, "write_text", side_effect=full),
        pytest.raises(HomeAssistantError, match="No space left on device"),
    ):
        await ask(hass, "record", entry.entry_id, minutes=1)


async def test_out_of_reach_a_recording_waits(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """A BMS that is not heard has nothing to say; what it says once it is back is recorded."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    radio.take_away(bms)
    recording = hass.async_create_task(ask(hass, "record", entry.entry_id, minutes=5))
    await asyncio.sleep(120)
    radio.bring(bms)
    parsed = read(await recording)
    assert 100 < parsed.said[0].seconds < 200
