"""What would be: the same BMS with other settings and other readings."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from ..bms.errors import HypothesisError, HypothesisFault
from ..bms.settings import SETTINGS, SettingKey, Unit
from ..bms.state import EnergyRecord, PackRecord, Snapshot, TemperatureRecord, VoltageRecord
from .insight import Insight
from .twin import expected

_READINGS: Final = (
    "voltage",
    "power",
    "state_of_charge",
    "balance_voltage",
    "lowest_cell_voltage",
    "highest_cell_voltage",
    "lowest_temperature",
    "highest_temperature",
)
# Far beyond anything that a BMS can be set to or read.
_LARGEST: Final = 1e9


def hypothetical(insight: Insight, settings: Mapping[str, object], reading: Mapping[str, object]) -> Insight:
    """Return what would be understood of a BMS with other numbers; everything else stays as it is.

    `settings` are named as the settings are, in the units a person uses: V, A, %, Wh, s and °C, 0 or
    1 for a switch. `reading` takes the voltage of the pack (V), power (W, positive when charging),
    state_of_charge (%), balance_voltage, lowest_ and highest_cell_voltage (V), lowest_ and
    highest_temperature (°C). An extreme that is assumed takes the other one along where they would
    cross, and belongs to no cell.

    Raises `HypothesisError` for a name that is none, for what is no number, for a lowest above the
    highest, and for a power while the voltage of the pack is not known.
    """
    snapshot = insight.snapshot or Snapshot()
    other = _numbers(settings, list(SettingKey))
    assumed = _numbers(reading, _READINGS)
    snapshot = replace(
        snapshot,
        settings=_settings(snapshot, other),
        pack=_pack(snapshot, assumed),
        voltages=_voltages(snapshot, assumed),
        temperatures=_temperatures(snapshot, assumed),
        energy=_energy(snapshot, assumed),
    )
    return replace(insight, snapshot=snapshot, decision=expected(insight.profile, snapshot, insight.off_for))


def _numbers(values: Mapping[str, object], names: Collection[str]) -> dict[str, float]:
    """Return numbers by names that there are."""
    numbers: dict[str, float] = {}
    for name, value in values.items():
        if name not in names:
            raise HypothesisError(HypothesisFault.UNKNOWN, str(name))
        numbers[name] = number_of(name, value)
    return numbers


def number_of(name: str, value: object) -> float:
    """Return a number that somebody gave; a switch may be true or false. Raises `HypothesisError`."""
    if not isinstance(value, int | float) or not -_LARGEST < value < _LARGEST:
        raise HypothesisError(HypothesisFault.NOT_A_NUMBER, name)
    return float(value)


def _settings(snapshot: Snapshot, other: Mapping[str, float]) -> Mapping[SettingKey, float]:
    settings = dict(snapshot.settings)
    for name, value in other.items():
        key = SettingKey(name)
        is_temperature = SETTINGS[key].unit is Unit.RAW_TEMPERATURE
        settings[key] = snapshot.temperature_scale.raw(value) if is_temperature else value
    return MappingProxyType(settings)


def _pack(snapshot: Snapshot, assumed: Mapping[str, float]) -> PackRecord | None:
    """Return the pack with another voltage and another power, which is told as a current."""
    if not assumed.keys() & {"voltage", "power"}:
        return snapshot.pack
    pack = snapshot.pack or PackRecord(None, None, None, None)
    pack = pack._replace(voltage=assumed.get("voltage", pack.voltage))
    power = assumed.get("power")
    if power is None:
        return pack
    if not pack.voltage:
        raise HypothesisError(HypothesisFault.NEEDS_VOLTAGE, "power")
    return pack._replace(battery_current=power / pack.voltage)


def _voltages(snapshot: Snapshot, assumed: Mapping[str, float]) -> VoltageRecord | None:
    names = ("lowest_cell_voltage", "highest_cell_voltage")
    if not assumed.keys() & {*names, "balance_voltage"}:
        return snapshot.voltages
    before = snapshot.voltages or VoltageRecord(None, None, None, None, None)
    balance = assumed.get("balance_voltage", before.balance)
    return VoltageRecord(*_extremes(before[:4], assumed, *names), balance)


def _temperatures(snapshot: Snapshot, assumed: Mapping[str, float]) -> TemperatureRecord | None:
    names = ("lowest_temperature", "highest_temperature")
    if not assumed.keys() & {*names}:
        return snapshot.temperatures
    before = snapshot.temperatures or TemperatureRecord(None, None, None, None)
    raw = {name: snapshot.temperature_scale.raw(assumed[name]) for name in names if name in assumed}
    return TemperatureRecord(*_extremes(before[:4], raw, *names), before.newest_log_entry)


type _Extremes[T] = tuple[T | None, int | None, T | None, int | None]


def _extremes[T: float](before: _Extremes[T], assumed: Mapping[str, T], low: str, high: str) -> _Extremes[T]:
    """Return lowest and highest with their cells; the one that is not assumed gives way."""
    lowest, lowest_cell, highest, highest_cell = before
    if low in assumed and high in assumed and assumed[low] > assumed[high]:
        raise HypothesisError(HypothesisFault.CONTRADICTS, low)
    if low in assumed:
        lowest, lowest_cell = assumed[low], None
        if highest is not None and highest < lowest:
            highest, highest_cell = lowest, None
    if high in assumed:
        highest, highest_cell = assumed[high], None
        if lowest is not None and lowest > highest:
            lowest, lowest_cell = highest, None
    return lowest, lowest_cell, highest, highest_cell


def _energy(snapshot: Snapshot, assumed: Mapping[str, float]) -> EnergyRecord | None:
    """Return the energies with another state of charge, in whole percent as the BMS has it."""
    if "state_of_charge" not in assumed:
        return snapshot.energy
    energy = snapshot.energy or EnergyRecord(None, None, None, None)
    return energy._replace(state_of_charge=round(assumed["state_of_charge"]))
