"""What the entities of a simulated BMS must show, worked out from its battery and what it has counted."""

from collections.abc import Iterator
from contextlib import suppress
import math

from custom_components.smartbms.bms.device import Generation, TemperatureScale
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.simulator.firmware import Firmware

type Truth = dict[str, float | bool]

# The wire carries whole counts, and Home Assistant rounds a converted unit.
TOLERANCE = 0.0006

# What moves within seconds while sun shines and the house draws.
MEASURED = frozenset(
    {
        "voltage",
        "current",
        "power",
        "charge_current",
        "charge_power",
        "load_current",
        "load_power",
        "stored_energy",
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


def agrees(text: str, value: float | bool) -> bool:
    """Whether a state says what a value is."""
    if isinstance(value, bool):
        return text == ("on" if value else "off")
    with suppress(ValueError):
        return math.isclose(float(text), value, abs_tol=TOLERANCE)
    return False


def _volts(value: float) -> float:
    return round(value * 200) / 200


def _celsius(temperature: float) -> float:
    return TemperatureScale.APP.celsius(TemperatureScale.APP.raw(temperature))


def _pack(firmware: Firmware) -> Iterator[tuple[str, float]]:
    voltage = _volts(firmware.battery.voltage)
    yield "voltage", voltage
    for name, amperes in zip(("charge_", "", "load_"), firmware.currents, strict=True):
        if amperes is not None:
            yield f"{name}current", amperes
            yield f"{name}power", voltage * amperes
    yield "state_of_charge", int(firmware.state_of_charge)
    yield "stored_energy", round(firmware.charge.stored) / 1000
    yield "collected_today", round(firmware.today.collected) / 1000
    yield "consumed_today", round(firmware.today.consumed) / 1000
    yield "collected_total", 321 + firmware.total.collected // 1000
    yield "consumed_total", 298 + firmware.total.consumed // 1000
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


def _gen3(firmware: Firmware) -> Iterator[tuple[str, float | bool]]:
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
    yield "charged_total", 289 + total.charged // 1000
    yield "discharged_total", 274 + total.discharged // 1000
    yield "charged_today", round(today.charged) / 1000
    yield "discharged_today", round(today.discharged) / 1000
