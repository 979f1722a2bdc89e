"""What the entities of a simulated BMS must show, worked out from its battery and what it has counted."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
import math
import re

from custom_components.smartbms.bms.device import Generation, TemperatureScale
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.energy import ENERGY_SENSORS
from custom_components.smartbms.measured import MeasuredDescription
from custom_components.smartbms.sensor import CELL_SENSORS, PACK_SENSORS
from custom_components.smartbms.simulator.firmware import Firmware
from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.components.sensor.const import UNIT_CONVERTERS


@dataclass(frozen=True, slots=True)
class Within:
    """Bounds of a value that cannot be worked out."""

    lowest: float
    highest: float


type Value = float | bool | Within
type Truth = dict[str, Value]

# The wire carries whole counts, and Home Assistant rounds a converted unit.
TOLERANCE = 0.0006

_CELL = re.compile(r"^cell_\d+_")
_DESCRIPTIONS: Mapping[str, MeasuredDescription] = {
    **{row.key: row for row in (*PACK_SENSORS, *ENERGY_SENSORS)},
    **{f"cell_{row.key}": row for row in CELL_SENSORS},
}

# What moves within seconds while sun shines and the house draws.
MEASURED = frozenset(
    {
        "voltage",
        "current",
        "power",
        "battery_power",
        "charge_current",
        "charge_power",
        "load_current",
        "load_power",
        "average_cell_voltage",
        "lowest_cell_voltage",
        "highest_cell_voltage",
    }
)


def truth(firmware: Firmware) -> Truth:
    """Return the value of every entity by its key, as coarse as the wire carries it.

    Energies are in kWh, the spread in mV, temperatures in degrees of the app's scale.
    """
    return dict((*_pack(firmware), *_cells(firmware), *_status(firmware), *_gen3(firmware)))


def agrees(key: str, text: str, value: Value) -> bool:
    """Whether a state says what a value is, as near as the deadband of its entity lets it stay."""
    if isinstance(value, bool):
        return text == ("on" if value else "off")
    with suppress(ValueError):
        shown = float(text)
        if isinstance(value, Within):
            value = min(max(shown, value.lowest), value.highest)
        return math.isclose(shown, value, abs_tol=TOLERANCE) or _may_stay(key, shown, value)
    return False


def _may_stay(key: str, shown: float, value: float) -> bool:
    """Whether a number may be shown for a while in the place of another, both in the unit shown."""
    if (row := _DESCRIPTIONS.get(_CELL.sub("cell_", key))) is None:
        return False
    unit = row.native_unit_of_measurement
    scale = _native(row.device_class, row.suggested_unit_of_measurement or unit, unit)
    return not row.deadband.is_news(shown * scale, value * scale, 0.0)


def _native(device_class: SensorDeviceClass | None, shown: str | None, native: str | None) -> float:
    """Return one of a shown unit in the native one."""
    return 1.0 if shown == native else UNIT_CONVERTERS[device_class].convert(1.0, shown, native)


def _volts(value: float) -> float:
    return round(value * 200) / 200


def _celsius(temperature: float) -> float:
    return TemperatureScale.APP.celsius(TemperatureScale.APP.raw(temperature))


def _total(before: int, counted: float) -> Within:
    """Return a total in kWh, which began with the whole kWh that were counted when it was first seen."""
    exact = before + counted / 1000
    return Within(exact - 1, exact)


def _pack(firmware: Firmware) -> Iterator[tuple[str, Value]]:
    voltage = _volts(firmware.battery.voltage)
    yield "voltage", voltage
    for name, amperes in zip(("charge_", "", "load_"), firmware.currents, strict=True):
        if amperes is not None:
            yield f"{name}current", amperes
            yield f"{name}power", voltage * amperes
    yield "battery_power", -voltage * firmware.currents[1]
    yield "state_of_charge", int(firmware.state_of_charge)
    yield "stored_energy", round(firmware.charge.stored) / 1000
    yield "collected_today", round(firmware.today.collected) / 1000
    yield "consumed_today", round(firmware.today.consumed) / 1000
    yield "collected_total", _total(321, firmware.total.collected)
    yield "consumed_total", _total(298, firmware.total.consumed)
    yield "balance_voltage", _volts(firmware.battery.balance_voltage)


def _cells(firmware: Firmware) -> Iterator[tuple[str, float | bool]]:
    cells = firmware.battery.cells
    voltages = [_volts(cell.voltage) for cell in cells]
    temperatures = [_celsius(cell.temperature) for cell in cells]
    balancing = [voltage > firmware.battery.balance_voltage for voltage in voltages]
    for number, values in enumerate(zip(voltages, temperatures, balancing, strict=True), 1):
        for name, value in zip(("voltage", "temperature", "balancing"), values, strict=True):
            yield f"cell_{number}_{name}", value
    exact = [cell.voltage for cell in cells]
    degrees = [cell.temperature for cell in cells]
    yield "lowest_cell_voltage", min(voltages)
    yield "highest_cell_voltage", max(voltages)
    yield "average_cell_voltage", sum(voltages) / len(voltages)
    yield "cell_voltage_spread", (max(voltages) - min(voltages)) * 1000
    yield "lowest_cell", exact.index(min(exact)) + 1
    yield "highest_cell", exact.index(max(exact)) + 1
    yield "lowest_temperature", min(temperatures)
    yield "highest_temperature", max(temperatures)
    yield "coldest_cell", degrees.index(min(degrees)) + 1
    yield "warmest_cell", degrees.index(max(degrees)) + 1
    yield "balancing_cells", sum(balancing)


def _status(firmware: Firmware) -> Iterator[tuple[str, bool]]:
    """Every alarm of a battery within all its limits is off; the relays are what the rules say."""
    alarms = ("communication_error", "voltage_high", "voltage_low", "temperature_high", "temperature_low")
    for alarm in alarms:
        yield alarm, False
    yield "charge_allowed", firmware.relays.charge
    yield "discharge_allowed", firmware.relays.load
    yield "calibrated", firmware.charge.is_calibrated


def _gen3(firmware: Firmware) -> Iterator[tuple[str, Value]]:
    if firmware.generation is Generation.GEN2:
        return
    total, today, capacity = firmware.total, firmware.today, firmware.setting(SettingKey.CAPACITY)
    for alarm in ("early_warning", "below_charge_temperature", "below_discharge_temperature"):
        yield alarm, False
    yield "charge_relay", firmware.contacts.charge
    yield "load_relay", firmware.contacts.load
    yield "state_of_health", 97
    yield "charge_efficiency", 99
    yield "measured_capacity", round(capacity * 0.97) / 1000
    yield "measured_charge_capacity", round(capacity * 0.98) / 1000
    yield "charge_cycles", round((15.13 + total.charged / capacity) * 100) / 100
    yield "discharge_cycles", round((15.02 + total.discharged / capacity) * 100) / 100
    yield "charged_total", _total(289, total.charged)
    yield "discharged_total", _total(274, total.discharged)
    yield "charged_today", round(today.charged) / 1000
    yield "discharged_today", round(today.discharged) / 1000
