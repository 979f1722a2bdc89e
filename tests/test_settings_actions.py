"""The actions that change settings: recommended thresholds, a backup, and what it differs by."""

import asyncio
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.setting_sets import balance_switches
from custom_components.smartbms.simulator.firmware import Firmware
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .radio import Radio, set_up, shown, still_bms
from .settings import UNLOCKED, ask, held, told

K = SettingKey
THRESHOLDS = (K.V_MIN, K.V_NOMINAL, K.V_MAX)


@pytest.fixture
def folder(hass: HomeAssistant, tmp_path: Path) -> Path:
    """Let the configuration be in a folder of the test's own."""
    hass.config.config_dir = str(tmp_path)
    return tmp_path / "smartbms"


def lines(answer: dict[str, Any]) -> list[tuple[object, ...]]:
    """Return what an action has changed."""
    return [(line["setting"], line["old"], line["new"], line["verified"]) for line in answer["changes"]]


def files(folder: Path) -> list[Path]:
    """Return what has been written."""
    return list(folder.iterdir())


# A set of thresholds.


async def test_recommended_thresholds(hass: HomeAssistant, radio: Radio) -> None:
    """From NMC to LTO: every state in between is valid, and each value is verified."""
    bms = still_bms(hass)
    firmware = bms.firmware
    firmware.counts |= {K.V_MIN: 698, K.V_LOW: 0, K.V_NOMINAL: 740, K.V_MAX: 830}
    firmware.battery.balance_voltage = 4.0
    for cell in firmware.battery.cells:
        cell.voltage = 3.6
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    answer = await ask(hass, "apply_thresholds", entry.entry_id, chemistry="nca")
    assert answer["status"] == "verified"
    assert lines(answer) == [("v_min", 3.49, 3.4, 3.4)]
    assert answer["would_switch_off"] == []
    assert answer["balance_voltage"] == {
        "now": 4.0,
        "recommended": 4.0,
        "option_switches": "4 ON, 5 OFF, 6 ON, 7 ON, 8 OFF",
    }
    assert held(bms, *THRESHOLDS) == [680, 740, 830]


async def test_several_values_at_once(hass: HomeAssistant, radio: Radio) -> None:
    """V min goes above the V low of before: V low is moved first."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    events = told(hass)
    values = {"v_min": 3.05, "v_low": 3.15, "t_max": 50}
    answer = await ask(hass, "apply_thresholds", entry.entry_id, values=values)
    assert sorted(lines(answer)) == [
        ("t_max", 60.1, 49.9, 49.9),
        ("v_low", 3.0, 3.15, 3.15),
        ("v_min", 2.9, 3.05, 3.05),
    ]
    assert held(bms, K.V_MIN, K.V_LOW, K.T_MAX) == [610, 630, 329]
    assert shown(hass, "v_low") == "3.15"
    assert len(events) == 3


async def test_another_manual(hass: HomeAssistant, radio: Radio) -> None:
    """Revision 6 recommends a V min of 3.0 V, and no nominal voltage; a given value counts more."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    answer = await ask(
        hass,
        "apply_thresholds",
        entry.entry_id,
        chemistry="lifepo4",
        manual="gen3_rev6",
        values={"v_low": 3.1},
        dry_run=True,
    )
    assert answer["status"] == "dry_run"
    assert sorted(lines(answer)) == [("v_low", 3.0, 3.1, None), ("v_min", 2.9, 3.0, None)]
    assert held(bms, K.V_MIN, K.V_LOW) == [580, 600]


async def test_what_is_so_already(hass: HomeAssistant, radio: Radio) -> None:
    """Nothing is written."""
    entry = await set_up(hass, radio, still_bms(hass), options=UNLOCKED)
    events = told(hass)
    answer = await ask(hass, "apply_thresholds", entry.entry_id, chemistry="lifepo4")
    assert (answer["status"], answer["changes"], events) == ("unchanged", [], [])


async def test_the_message_names_both(hass: HomeAssistant, radio: Radio) -> None:
    """V min 3.1 V is above V low, 3.0 V."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    for dry_run in (True, False):
        with pytest.raises(ServiceValidationError, match=r"V min.*3\.1.*V low.*3"):
            await ask(hass, "apply_thresholds", entry.entry_id, values={"v_min": 3.1}, dry_run=dry_run)
    assert held(bms, K.V_MIN) == [580]


async def test_a_relay_that_is_switched_off(hass: HomeAssistant, radio: Radio) -> None:
    """The warmest cell is at 19.9 °C: T max 15 °C takes charger and load away, if that is meant."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    values = {"t_max": 15}
    answer = await ask(hass, "apply_thresholds", entry.entry_id, values=values, dry_run=True)
    cause = {"rule": "too_hot", "limit": 14.7, "value": 19.9, "cell": 2}
    assert answer["would_switch_off"] == [
        {"relay": "charge", "in_between": False, "causes": [cause]},
        {"relay": "load", "in_between": False, "causes": [cause]},
    ]
    with pytest.raises(ServiceValidationError, match="Charge relay .*, Load relay "):
        await ask(hass, "apply_thresholds", entry.entry_id, values=values)
    assert shown(hass, "discharge_allowed") == "on"
    answer = await ask(hass, "apply_thresholds", entry.entry_id, values=values, force=True)
    assert answer["status"] == "verified"
    assert not bms.firmware.relays.charge
    assert not bms.firmware.relays.load


async def test_a_relay_that_is_switched_off_for_a_moment(hass: HomeAssistant, radio: Radio) -> None:
    """From 2.9 V, 0x0244, to 2.5 V, 0x01F4, V min is 0x02F4 in between: 3.78 V, above every cell."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    with pytest.raises(ServiceValidationError, match=r"for a moment.*Load relay .*limit 3\.78 V"):
        await ask(hass, "apply_thresholds", entry.entry_id, values={"v_min": 2.5})
    assert held(bms, K.V_MIN) == [580]
    assert bms.firmware.relays.load
    # To 2.6 V, 0x0208, only one byte changes.
    answer = await ask(hass, "apply_thresholds", entry.entry_id, values={"v_min": 2.6})
    assert (answer["status"], answer["would_switch_off"]) == ("verified", [])
    answer = await ask(hass, "apply_thresholds", entry.entry_id, values={"v_min": 2.5}, force=True)
    assert answer["status"] == "verified"
    (line,) = answer["would_switch_off"]
    assert (line["relay"], line["in_between"], line["causes"][0]["limit"]) == ("load", True, 3.78)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "nothing to write"),
        ({"chemistry": "other"}, "nothing for Other"),
        ({"chemistry": "nca", "manual": "gen3_rev6"}, "nothing for NCA"),
        ({"values": {"v_maximum": 3.6}}, "v_maximum"),
        ({"values": {"v_max": "high"}}, "v_max needs a number"),
        ({"values": {"v_max": float("nan")}}, "v_max needs a number"),
    ],
)
async def test_what_cannot_be_applied(
    hass: HomeAssistant, radio: Radio, data: dict[str, object], says: str
) -> None:
    """The message says why."""
    entry = await set_up(hass, radio, still_bms(hass), options=UNLOCKED)
    with pytest.raises(ServiceValidationError, match=says):
        await ask(hass, "apply_thresholds", entry.entry_id, **data)


async def test_generation_2_has_no_nominal_voltage(hass: HomeAssistant, radio: Radio) -> None:
    """Its manual recommends nothing, so the newest that knows the cells speaks; its own switches are named."""
    bms = still_bms(hass, DeviceType.GEN2)
    bms.firmware.counts[K.V_MIN] = 560
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    answer = await ask(hass, "apply_thresholds", entry.entry_id, chemistry="lifepo4")
    assert lines(answer) == [("v_min", 2.8, 2.9, 2.9)]
    assert answer["balance_voltage"]["option_switches"] == "2 OFF, 6 OFF, 7 OFF"


@pytest.mark.parametrize(
    ("generation", "voltage", "switches"),
    [
        (Generation.GEN3, 3.4, "4 ON, 5 OFF, 6 OFF, 7 OFF, 8 OFF"),
        (Generation.GEN3, 2.6, "4 OFF, 5 ON, 6 OFF, 7 OFF, 8 OFF"),
        (Generation.GEN2, 3.5, "2 OFF, 6 OFF, 7 ON"),
        # The IN board begins at 3.4 V.
        (Generation.GEN2, 2.6, None),
    ],
)
def test_the_switches_of_a_balance_voltage(
    generation: Generation, voltage: float, switches: str | None
) -> None:
    """It cannot be written, so the positions of the switches are told."""
    assert balance_switches(generation, voltage) == switches


# A backup.


async def test_a_backup(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """All settings are in the file, and the PIN is not."""
    entry = await set_up(hass, radio, still_bms(hass, pin="8642"), pin="8642")
    answer = await ask(hass, "backup_settings", entry.entry_id)
    (path,) = files(folder)
    text = path.read_text(encoding="utf-8")
    assert answer["file"] == str(path)
    assert json.loads(text) == answer["data"]
    assert (answer["data"]["device_type"], answer["data"]["firmware"]) == (6, "3.3.11")
    assert answer["data"]["settings"]["t_max"] == 341
    assert len(answer["data"]["settings"]) == 32
    assert "8642" not in text
    assert "pin" not in text


async def test_an_end_board_is_replaced(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """The new one is as the factory left it: the difference is shown, then written."""
    bms = still_bms(hass)
    bms.firmware.counts |= {K.V_MIN: 600, K.V_LOW: 620, K.CHEMISTRY: 0, K.CHARGE_RESTART: 90}
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    file = (await ask(hass, "backup_settings", entry.entry_id))["file"]
    bms.firmware.counts |= {K.V_MIN: 580, K.V_LOW: 600, K.CHEMISTRY: 1, K.CHARGE_RESTART: 95}
    await hass.config_entries.async_reload(entry.entry_id)
    await asyncio.sleep(10)
    answer = await ask(hass, "restore_settings", entry.entry_id, file=Path(file).name)
    assert answer["status"] == "dry_run"
    assert sorted(lines(answer)) == [
        ("chemistry", 1, 0, None),
        ("v_low", 3.0, 3.1, None),
        ("v_min", 2.9, 3.0, None),
    ]
    assert answer["skipped"] == ["charge_restart"]
    assert held(bms, K.V_MIN) == [580]
    answer = await ask(hass, "restore_settings", entry.entry_id, file=file, dry_run=False)
    assert answer["status"] == "verified"
    assert held(bms, K.V_MIN, K.V_LOW, K.CHEMISTRY, K.CHARGE_RESTART) == [600, 620, 0, 95]


async def test_what_was_changed_in_the_app_meanwhile(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """T max was as in the backup when it was read; it is 70 °C since, and is restored nevertheless."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    file = (await ask(hass, "backup_settings", entry.entry_id))["file"]
    bms.firmware.counts[K.T_MAX] = 353
    answer = await ask(hass, "restore_settings", entry.entry_id, file=file, dry_run=False)
    assert lines(answer) == [("t_max", 70.4, 60.1, 60.1)]


class Restless(Firmware):
    """A BMS whose V min and V low go up and down with every look at them."""

    def _query(self, command: str) -> list[str] | None:
        if command == "S2@":
            is_high = self.counts[K.V_MIN] == 580
            self.counts |= {K.V_MIN: 500, K.V_LOW: 520} if is_high else {K.V_MIN: 580, K.V_LOW: 600}
        return super()._query(command)


async def test_what_changes_all_the_time(hass: HomeAssistant, radio: Radio) -> None:
    """No order of the changes suits a BMS that is another one with every look: nothing is written."""
    entry = await set_up(hass, radio, still_bms(hass, firmware_class=Restless), options=UNLOCKED)
    events = told(hass)
    with pytest.raises(HomeAssistantError, match="changed elsewhere"):
        await ask(hass, "apply_thresholds", entry.entry_id, values={"v_min": 2.8, "v_low": 2.85})
    assert events == []


async def test_data_in_place_of_a_file(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """What the backup answered is as good as its file."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    data = (await ask(hass, "backup_settings", entry.entry_id))["data"]
    data["settings"]["v_max"] = 3.65
    data["settings"]["a_setting_of_the_future"] = 1
    answer = await ask(hass, "restore_settings", entry.entry_id, data=data, dry_run=False)
    assert lines(answer) == [("v_max", 3.7, 3.65, 3.65)]


async def test_a_backup_of_another_type(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """Whether the generation or the radio module is another."""
    entry = await set_up(hass, radio, still_bms(hass), options=UNLOCKED)
    data = (await ask(hass, "backup_settings", entry.entry_id))["data"]
    for other in (
        {"device_type": 2, "generation": 2},
        {"device_type": 4},
        {"device_type": None, "generation": 2},
    ):
        with pytest.raises(ServiceValidationError, match="another type"):
            await ask(hass, "restore_settings", entry.entry_id, data=data | other)
    unknown = data | {"device_type": None}
    assert (await ask(hass, "restore_settings", entry.entry_id, data=unknown))["changes"] == []


async def test_what_is_no_backup(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """A file that is not there, is elsewhere or holds something else; damaged data; nothing at all.

    No file can have a zero in its name. Brackets in brackets without end are JSON that no reader takes.
    """
    entry = await set_up(hass, radio, still_bms(hass), options=UNLOCKED)
    data = (await ask(hass, "backup_settings", entry.entry_id))["data"]
    (folder / "text.json").write_text("V min 2.9 V", encoding="utf-8")
    (folder / "deep.json").write_text("[" * 200_000, encoding="utf-8")
    (folder.parent / "elsewhere.json").write_text(json.dumps(data), encoding="utf-8")
    sources: list[dict[str, object]] = [
        {},
        {"file": "missing.json"},
        {"file": "text.json"},
        {"file": "deep.json"},
        {"file": "text\0.json"},
        {"file": "../elsewhere.json"},
        {"data": {}},
        {"data": data | {"smartbms_settings": 2}},
        {"data": data | {"generation": [3]}},
        {"data": data | {"device_type": 5}},
        {"data": data | {"settings": "V min 2.9 V"}},
        {"data": data | {"settings": {"v_min": "2.9"}}},
        {"data": data | {"settings": {"v_min": float("nan")}}},
        {"data": data | {"settings": {"v_min": -1}}},
        {"data": data | {"settings": {"v_min": 400}}},
        {"data": data | {"settings": {"v_min": True}}},
        {"data": data | {"settings": {"charge_restart": 256}}},
    ]
    for source in sources:
        with pytest.raises(ServiceValidationError, match="no backup"):
            await ask(hass, "restore_settings", entry.entry_id, **source)


async def test_a_full_disk(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """What cannot be written is said with the reason."""
    entry = await set_up(hass, radio, still_bms(hass))
    full = OSError(28, "No space left on device")
    with (
        patch.object(Path, "write_text", side_effect=full),
        pytest.raises(HomeAssistantError, match="No space left on device"),
    ):
        await ask(hass, "backup_settings", entry.entry_id)


class Mute(Firmware):
    """A BMS that does not answer for its settings."""

    def _query(self, command: str) -> list[str] | None:
        return None if command.startswith("S") else super()._query(command)


async def test_settings_that_were_never_read(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """There is nothing to keep and nothing to compare with."""
    entry = await set_up(hass, radio, still_bms(hass, firmware_class=Mute), options=UNLOCKED, seconds=120)
    for action, data in (
        ("backup_settings", {}),
        ("restore_settings", {}),
        ("apply_thresholds", {"chemistry": "lto"}),
    ):
        with pytest.raises(ServiceValidationError, match="not been read"):
            await ask(hass, action, entry.entry_id, **data)


class Garbled(Firmware):
    """A BMS whose checksums are by another rule."""

    def _say(self, line: str) -> None:
        super()._say(f"{line[:-2]}00" if line.count("_") > 4 else line)


async def test_settings_that_cannot_be_trusted(hass: HomeAssistant, radio: Radio, folder: Path) -> None:
    """They are shown, and neither kept nor changed."""
    bms = still_bms(hass, firmware_class=Garbled)
    entry = await set_up(hass, radio, bms, options=UNLOCKED, seconds=60)
    assert shown(hass, "v_max") == "3.7"
    with pytest.raises(HomeAssistantError, match="checksum"):
        await ask(hass, "backup_settings", entry.entry_id)
    with pytest.raises(HomeAssistantError, match="checksum"):
        await ask(hass, "apply_thresholds", entry.entry_id, values={"v_max": 3.65})
    assert held(bms, K.V_MAX) == [740]
