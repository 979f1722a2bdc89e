"""The settings as entities: what they show, and that a write is wanted, checked, verified and told."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.settings import SETTINGS, Block, SettingKey
from custom_components.smartbms.logbook import async_describe_events
from custom_components.smartbms.setting_values import CODES
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.write_fault import Fault
from homeassistant.auth.models import User
from homeassistant.core import Context, Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .radio import Radio, enable, entity_id, set_up, shown, still_bms
from .settings import UNLOCKED, break_writes, choose, held, state_of, told

K = SettingKey
TRANSLATIONS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "custom_components/smartbms/translations/en.json").read_text("utf-8")
)


# What is shown.


def test_every_setting_is_called_as_in_the_table() -> None:
    """A message names a setting as its entity is named, and each has exactly one entity."""
    entities = {
        key: text["name"]
        for domain in ("number", "select", "switch")
        for key, text in TRANSLATIONS["entity"][domain].items()
        if key not in ("pause", "scenario", "speed")
    }
    assert entities == {key.value: setting.name for key, setting in SETTINGS.items()}


def test_every_code_has_a_name() -> None:
    """What a select offers is what the BMS can hold, and is translated."""
    for key, names in CODES.items():
        assert tuple(names) == SETTINGS[key].codes, key
        assert set(TRANSLATIONS["entity"]["select"][key]["state"]) == set(names.values())


@pytest.mark.parametrize(("scale", "shows"), [("app", "60.1"), ("document", "65.0")])
async def test_temperatures_are_in_degrees(hass: HomeAssistant, radio: Radio, scale: str, shows: str) -> None:
    """The device holds 341, which each scale takes for something else."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options={**UNLOCKED, "temperature_scale": scale})
    assert shown(hass, "t_max") == shows
    await choose(hass, "t_max", 50)
    assert held(bms, K.T_MAX) == [329 if scale == "app" else 326]
    assert shown(hass, "t_max") == ("49.9" if scale == "app" else "50.0")


async def test_limits_follow_the_other_thresholds(hass: HomeAssistant, radio: Radio) -> None:
    """V max stays above the balance voltage of 3.4 V, V min below V low."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    v_max = state_of(hass, "v_max").attributes
    assert (v_max["min"], v_max["max"], v_max["step"], v_max["mode"]) == (3.42, 5.0, 0.005, "box")
    assert state_of(hass, "v_min").attributes["max"] == 2.98
    await choose(hass, "v_low", 3.1)
    assert state_of(hass, "v_min").attributes["max"] == 3.08


class EarlyFirmware(Firmware):
    """A BMS whose firmware knows neither the later thresholds nor the operation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Lack them from the beginning."""
        super().__init__(*args, **kwargs)
        self.lack(Block.THRESHOLDS, 6)
        self.lack(Block.OPERATION, 2)


async def test_what_the_firmware_lacks_has_no_entity(hass: HomeAssistant, radio: Radio) -> None:
    """V low came later, and so did the delays."""
    await set_up(hass, radio, still_bms(hass, firmware_class=EarlyFirmware))
    assert shown(hass, "v_min") == "2.9"
    assert shown(hass, "sensor_type") == "500_a_20_a"
    for key in ("v_low", "v_nominal", "charge_restart_delay", "charge_relay_off", "chemistry"):
        assert entity_id(hass, key) is None


async def test_a_code_that_no_source_names(hass: HomeAssistant, radio: Radio) -> None:
    """It is not known, and can be changed."""
    bms = still_bms(hass)
    bms.firmware.counts[K.SENSOR_TYPE] = 7
    await set_up(hass, radio, bms, options=UNLOCKED)
    assert shown(hass, "sensor_type") == "unknown"
    await choose(hass, "sensor_type", "1000_a_40_a")
    assert held(bms, K.SENSOR_TYPE) == [11]
    assert shown(hass, "sensor_type") == "1000_a_40_a"


# Writing.


@pytest.mark.parametrize(
    ("key", "value", "holds"),
    [
        ("v_max", 3.65, (730, "3.65")),
        ("v_min", 2.801, (560, "2.8")),
        ("capacity", 15000, (150, "15000")),
        ("charge_restart_delay", 120, (24, "120")),
        ("full_sync_tail_current", 1.4, (7, "1.4")),
        ("critical_mode", "critical", (1, "critical")),
        ("chemistry", "nmc", (3, "nmc")),
        ("charge_relay_function", "allowed_to_discharge", (2, "allowed_to_discharge")),
        ("load_relay_force", "keep_on", (2, "keep_on")),
        ("use_measured_capacity", True, (1, "on")),
        ("charge_relay_off", True, (1, "on")),
    ],
)
async def test_a_setting_is_changed(
    hass: HomeAssistant, radio: Radio, key: str, value: object, holds: tuple[int, str]
) -> None:
    """The device holds the new value, and it is shown at once."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    await choose(hass, key, value)
    assert (bms.firmware.counts[SettingKey(key)], shown(hass, key)) == holds
    await asyncio.sleep(20)
    assert shown(hass, "connection") == "connected"


async def test_a_switch_is_switched_off(hass: HomeAssistant, radio: Radio) -> None:
    """And a value that the device holds already is not written again."""
    bms = still_bms(hass)
    bms.firmware.counts[K.SOC_VOLTAGE_CORRECTION] = 1
    await set_up(hass, radio, bms, options=UNLOCKED)
    events = told(hass)
    await choose(hass, "soc_voltage_correction", False)
    assert held(bms, K.SOC_VOLTAGE_CORRECTION) == [0]
    assert len(events) == 1
    await choose(hass, "soc_voltage_correction", False)
    assert len(events) == 1


async def test_generation_2(hass: HomeAssistant, radio: Radio) -> None:
    """It has fewer settings, written the same way."""
    bms = still_bms(hass, DeviceType.GEN2)
    await set_up(hass, radio, bms, options=UNLOCKED)
    await choose(hass, "t_min_charge", 5)
    assert held(bms, K.T_MIN_CHARGE) == [277]
    assert entity_id(hass, "critical_mode") is None


async def test_locked_until_it_is_unlocked(hass: HomeAssistant, radio: Radio) -> None:
    """A write says where to unlock, and nothing is sent."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    with pytest.raises(ServiceValidationError, match="Unlock settings"):
        await choose(hass, "v_max", 3.65)
    assert held(bms, K.V_MAX) == [740]
    assert shown(hass, "v_max") == "3.7"


async def test_beyond_the_limits(hass: HomeAssistant, radio: Radio) -> None:
    """Home Assistant itself refuses what the other thresholds leave no room for."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    with pytest.raises(ServiceValidationError, match=r"1\.5 - 2\.98"):
        await choose(hass, "v_min", 2.99)
    assert held(bms, K.V_MIN) == [580]


async def test_a_change_in_the_app_is_seen(hass: HomeAssistant, radio: Radio) -> None:
    """V low was 3 V when it was read; since then somebody has made it 2.95 V, too near to 2.94 V."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    bms.firmware.counts[K.V_LOW] = 590
    with pytest.raises(ServiceValidationError, match="V low"):
        await choose(hass, "v_min", 2.94)
    assert held(bms, K.V_MIN) == [580]
    # What was read is shown, whether anything was written or not.
    assert shown(hass, "v_low") == "2.95"


async def test_a_relay_that_would_be_switched_off(hass: HomeAssistant, radio: Radio) -> None:
    """The highest cell is at 3.32 V, the balance voltage is 3.2 V: V max 3.3 V would end charging."""
    bms = still_bms(hass)
    bms.firmware.battery.balance_voltage = 3.2
    bms.firmware.counts[K.V_NOMINAL] = 0
    bms.firmware.set_critical(True)
    await set_up(hass, radio, bms, options=UNLOCKED)
    with pytest.raises(
        ServiceValidationError, match=r"Charge relay \(A cell is at V max: .* at cell 14, limit 3\.3 V\)"
    ):
        await choose(hass, "v_max", 3.3)
    assert held(bms, K.V_MAX) == [740]
    assert shown(hass, "charge_allowed") == "on"


async def test_an_inverted_relay_would_open(hass: HomeAssistant, radio: Radio) -> None:
    """No rule says so, but its contact turns around."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    with pytest.raises(ServiceValidationError, match="switch off at once: Load relay. Nothing"):
        await choose(hass, "load_relay_invert", True)
    assert held(bms, K.LOAD_RELAY_INVERT) == [0]


async def test_unconfirmed_addresses(hass: HomeAssistant, radio: Radio) -> None:
    """Charge restart is hidden until wanted, and not written until a second option is on."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    assert shown(hass, "charge_restart") is None
    await enable(hass, "charge_restart")
    assert shown(hass, "charge_restart") == "95"
    with pytest.raises(ServiceValidationError, match="Charge restart"):
        await choose(hass, "charge_restart", 90)


async def test_an_unconfirmed_address_that_is_right(hass: HomeAssistant, radio: Radio) -> None:
    """With the option it is tried, and here it is the one."""
    bms = still_bms(hass)
    (address,) = SETTINGS[K.CHARGE_RESTART].unconfirmed
    bms.firmware.also_at = {address: K.CHARGE_RESTART}
    await set_up(hass, radio, bms, options={**UNLOCKED, "unconfirmed_addresses": True})
    await enable(hass, "charge_restart")
    await choose(hass, "charge_restart", 90)
    assert held(bms, K.CHARGE_RESTART) == [90]
    assert shown(hass, "charge_restart") == "90"


async def test_an_unconfirmed_address_that_is_wrong(hass: HomeAssistant, radio: Radio) -> None:
    """It turns out to be another setting, which gets its old value back."""
    bms = still_bms(hass)
    (address,) = SETTINGS[K.CHARGE_RESTART].unconfirmed
    bms.firmware.also_at = {address: K.DISCHARGE_RESTART}
    await set_up(hass, radio, bms, options={**UNLOCKED, "unconfirmed_addresses": True})
    await enable(hass, "charge_restart")
    with pytest.raises(HomeAssistantError, match="Charge restart 95 %"):
        await choose(hass, "charge_restart", 90)
    assert held(bms, K.CHARGE_RESTART, K.DISCHARGE_RESTART) == [95, 5]


# Out of reach.


async def test_out_of_reach(hass: HomeAssistant, radio: Radio) -> None:
    """Values go with the others, and a write says that nobody hears the BMS."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options=UNLOCKED)
    radio.take_away(bms)
    await asyncio.sleep(120)
    assert shown(hass, "v_max") == "unavailable"
    with pytest.raises(HomeAssistantError, match="hears the BMS"):
        await hass.services.async_call(
            "smartbms",
            "apply_thresholds",
            {"config_entry_id": entry.entry_id, "values": {"v_max": 3.65}},
            blocking=True,
        )


async def test_while_the_connection_is_paused(hass: HomeAssistant, radio: Radio) -> None:
    """The phone app has it."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    await choose(hass, "pause", True)
    await asyncio.sleep(5)
    with pytest.raises(HomeAssistantError, match="paused"):
        await choose(hass, "v_max", 3.65)
    assert held(bms, K.V_MAX) == [740]


# The logbook.


def described(hass: HomeAssistant, event: Event) -> dict[str, str]:
    """Return what the logbook says of an event."""
    sayings: dict[str, Any] = {}
    async_describe_events(hass, lambda _domain, kind, say: sayings.update({kind: say}))
    said: dict[str, str] = sayings[str(event.event_type)](event)
    return said


async def test_the_logbook_tells_who_asked(hass: HomeAssistant, radio: Radio, hass_admin_user: User) -> None:
    """Old and new value, and the context of whoever did it."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    events = told(hass)
    await choose(hass, "t_max", 50, context=Context(user_id=hass_admin_user.id))
    (event,) = events
    assert event.context.user_id == hass_admin_user.id
    assert event.data["key"] == "t_max"
    assert described(hass, event) == {
        "name": "123\\SmartBMS 03330",
        "message": "changed T max from 60.1 °C to 49.9 °C",
    }
    await choose(hass, "sensor_type", "250_a_10_a")
    assert described(hass, events[-1])["message"].endswith("from 500 A / 20 A to 250 A / 10 A")
    await choose(hass, "critical_mode", "critical")
    assert described(hass, events[-1])["message"] == "changed Critical mode from Normal to Critical"
    await choose(hass, "use_measured_capacity", True)
    assert described(hass, events[-1])["message"] == "changed Use measured capacity from Off to On"


class Surprising(Firmware):
    """A BMS that changes its PIN with V max, which nobody knows how to put back."""

    def _store(self, address: int, byte: int) -> bool:
        self.pin = "9753"
        return super()._store(address, byte)


async def test_something_that_is_no_setting_changes(hass: HomeAssistant, radio: Radio) -> None:
    """That is told, and not what it is."""
    bms = still_bms(hass, firmware_class=Surprising)
    await set_up(hass, radio, bms, options=UNLOCKED)
    with pytest.raises(HomeAssistantError, match="not among its settings") as error:
        await choose(hass, "v_max", 3.65)
    assert "9753" not in str(error.value)
    assert held(bms, K.V_MAX) == [740]


async def test_a_write_that_the_bms_does_not_take(hass: HomeAssistant, radio: Radio) -> None:
    """It stores another byte: the old value is put back, and error and logbook say so."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    events = told(hass)
    break_writes(bms, Fault.WRONG_BYTE)
    with pytest.raises(HomeAssistantError, match=r"the BMS holds: V max 3\.7 V"):
        await choose(hass, "v_max", 3.65)
    assert held(bms, K.V_MAX) == [740]
    assert shown(hass, "v_max") == "3.7"
    message = described(hass, events[0])["message"]
    assert message == "did not take V max 3.65 V; it holds 3.7 V again"
