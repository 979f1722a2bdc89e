"""Why charging or discharging is blocked, as an owner reads it."""

import asyncio

import pytest

from custom_components.smartbms.bms.state import StatusBit
from custom_components.smartbms.simulator.firmware import Firmware
from homeassistant.core import HomeAssistant

from .radio import Radio, entity_id, set_up, shown, still_bms

CHARGING = "charging_blocked_by"
# For a minute after a relay went off, as the simulated BMS is set.
RESTART_DELAY = {"rule": "restart_delay", "limit": 60, "value": None, "cell": None}
DISCHARGING = "discharging_blocked_by"


def causes(hass: HomeAssistant, key: str) -> object:
    """Return the causes that an entity tells as an attribute."""
    entity = entity_id(hass, key)
    state = None if entity is None else hass.states.get(entity)
    assert state is not None
    return state.attributes["causes"]


async def test_nothing_is_blocked(hass: HomeAssistant, radio: Radio) -> None:
    """On an ordinary day there is nothing to explain."""
    await set_up(hass, radio, still_bms(hass))
    assert (shown(hass, CHARGING), causes(hass, CHARGING)) == ("allowed", [])
    assert (shown(hass, DISCHARGING), causes(hass, DISCHARGING)) == ("allowed", [])


async def test_a_cell_at_v_max(hass: HomeAssistant, radio: Radio) -> None:
    """Cell 3 at 3.71 V blocks charging, and says so with its limit."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    bms.firmware.battery.cells[2].voltage = 3.71
    await asyncio.sleep(20)
    assert shown(hass, CHARGING) == "cell_voltage_high"
    assert causes(hass, CHARGING) == [
        {"rule": "cell_voltage_high", "limit": 3.7, "value": 3.71, "cell": 3},
        {"rule": "above_balance_voltage", "limit": 3.4, "value": 3.71, "cell": 3},
        RESTART_DELAY,
    ]
    assert shown(hass, DISCHARGING) == "allowed"


async def test_a_full_pack_waits_for_its_restart(hass: HomeAssistant, radio: Radio) -> None:
    """Full; and when the cells have come down, it still waits until the state of charge is below 95 %."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    battery = bms.firmware.battery
    battery.charge_current = battery.load_current = 0.0
    for cell in battery.cells:
        cell.voltage = 3.45
    await asyncio.sleep(10)
    assert shown(hass, CHARGING) == "full"
    for cell in battery.cells:
        cell.voltage = 3.35
    await asyncio.sleep(10)
    assert shown(hass, CHARGING) == "waits_for_restart"
    waits = {"rule": "waits_for_restart", "limit": 95, "value": 100, "cell": None}
    assert causes(hass, CHARGING) == [waits, RESTART_DELAY]
    await asyncio.sleep(60)
    assert causes(hass, CHARGING) == [waits]


async def test_frost(hass: HomeAssistant, radio: Radio) -> None:
    """Too cold to charge, told in degrees and not in counts."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    bms.firmware.battery.cells[6].temperature = -3.0
    await asyncio.sleep(20)
    assert shown(hass, CHARGING) == "too_cold"
    assert causes(hass, CHARGING) == [
        {"rule": "too_cold", "limit": 1.9, "value": -3.3, "cell": 7},
        RESTART_DELAY,
    ]
    assert shown(hass, DISCHARGING) == "allowed"


async def test_an_empty_cell(hass: HomeAssistant, radio: Radio) -> None:
    """A cell at V min blocks discharging."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    bms.firmware.battery.cells[4].voltage = 2.5
    await asyncio.sleep(20)
    assert shown(hass, DISCHARGING) == "cell_voltage_low"


async def test_a_broken_chain(hass: HomeAssistant, radio: Radio) -> None:
    """No cell is heard: both are blocked, and nothing is shown of the cells."""
    bms = still_bms(hass)
    await set_up(hass, radio, bms)
    bms.firmware.chain_broken = True
    await asyncio.sleep(20)
    assert shown(hass, CHARGING) == shown(hass, DISCHARGING) == "no_communication"
    assert shown(hass, "cell_1_voltage") == shown(hass, "lowest_cell_voltage") == "unknown"


async def test_what_the_manual_does_not_explain(hass: HomeAssistant, radio: Radio) -> None:
    """A BMS that blocks without one of its manual's reasons is not given one."""

    class Stubborn(Firmware):
        """Does not allow charging, whatever the rules say."""

        def status(self) -> int:
            return super().status() & ~StatusBit.CHARGE_ALLOWED

    await set_up(hass, radio, still_bms(hass, firmware_class=Stubborn))
    assert (shown(hass, CHARGING), causes(hass, CHARGING)) == ("unexplained", [])


async def test_settings_that_are_not_told(hass: HomeAssistant, radio: Radio) -> None:
    """Without the limits nobody can say which of them is met."""

    class Silent(Firmware):
        """Keeps its thresholds to itself and does not allow charging."""

        def status(self) -> int:
            return super().status() & ~StatusBit.CHARGE_ALLOWED

        def _query(self, command: str) -> list[str] | None:
            return None if command == "S2@" else super()._query(command)

    await set_up(hass, radio, still_bms(hass, firmware_class=Silent))
    assert (shown(hass, CHARGING), causes(hass, CHARGING)) == ("unknown", [])
    assert shown(hass, DISCHARGING) == "allowed"


async def test_a_bms_that_does_not_follow_its_manual(hass: HomeAssistant, radio: Radio) -> None:
    """It goes on charging with a cell above V max: after its own delays and a minute that is said."""

    class Careless(Firmware):
        """Allows charging, whatever the rules say."""

        def status(self) -> int:
            return super().status() | StatusBit.CHARGE_ALLOWED

    bms = still_bms(hass, firmware_class=Careless)
    await set_up(hass, radio, bms)
    bms.firmware.battery.cells[2].voltage = 3.71
    await asyncio.sleep(100)
    assert shown(hass, "differs_from_manual") == "off"
    await asyncio.sleep(40)
    state = hass.states.get("binary_sensor.123_smartbms_03330_differs_from_the_manual")
    assert state is not None
    assert state.state == "on"
    assert state.attributes["manual_charging"] == "blocked"
    assert state.attributes["manual_discharging"] == "allowed"
    bms.firmware.battery.cells[2].voltage = 3.3
    await asyncio.sleep(20)
    assert shown(hass, "differs_from_manual") == "off"


async def test_nobody_can_tell_whether_it_differs(hass: HomeAssistant, radio: Radio) -> None:
    """Without the thresholds there is nothing to compare with."""

    class Silent(Firmware):
        """Keeps its thresholds to itself."""

        def _query(self, command: str) -> list[str] | None:
            return None if command == "S2@" else super()._query(command)

    await set_up(hass, radio, still_bms(hass, firmware_class=Silent))
    state = hass.states.get("binary_sensor.123_smartbms_03330_differs_from_the_manual")
    assert state is not None
    assert state.state == "unknown"
    assert "manual_charging" not in state.attributes


@pytest.mark.parametrize(
    ("load", "hours"),
    [
        # 62 % of 14.3 kWh are 8.9 kWh; at 53 V 1 A empties them in a week, 200 A in 50 minutes.
        (1.0, "unknown"),
        (6.0, "28.0"),
        (20.0, "8.25"),
        (55.0, "3.0"),
        (200.0, "0.833333333333333"),
    ],
)
async def test_time_to_empty(hass: HomeAssistant, radio: Radio, load: float, hours: str) -> None:
    """It is as coarse as it is far away: hours, quarters, five minutes, minutes."""
    bms = still_bms(hass)
    bms.firmware.battery.charge_current, bms.firmware.battery.load_current = 0.0, load
    await set_up(hass, radio, bms, seconds=120)
    assert shown(hass, "time_to_empty") == hours
    assert shown(hass, "time_to_full") == "unknown"
