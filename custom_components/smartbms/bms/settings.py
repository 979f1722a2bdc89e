"""The settings of a BMS: one row each, with where it is read and where it is written.

Rows come from protocol.md 5.2 to 5.5 (reading) and 6 (writing). Everything that knows a setting,
the decoder, the entities, the memory of the simulated BMS, is derived from the rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .device import Generation


class Block(StrEnum):
    """Answers that hold settings, named by their query without its `@`."""

    GENERAL = "S1"
    THRESHOLDS = "S2"
    OPERATION = "S3"
    CHARGE_RELAY = "SRY0"
    LOAD_RELAY = "SRY1"

    @property
    def generations(self) -> tuple[Generation, ...]:
        """The generations that answer this block."""
        return _EVERY if self in (Block.GENERAL, Block.THRESHOLDS) else _GEN3


class Unit(StrEnum):
    """What the value of a setting is."""

    VOLT = "V"
    AMPERE = "A"
    WATT = "W"
    WATT_HOUR = "Wh"
    PERCENT = "%"
    SECOND = "s"
    RAW_TEMPERATURE = "raw"
    CODE = "code"
    FLAG = "flag"


class Certainty(StrEnum):
    """How sure the write address of a setting is (protocol.md 0)."""

    CONFIRMED = "confirmed"
    SINGLE_SOURCE = "single_source"
    INFERRED = "inferred"
    UNKNOWN = "unknown"


class SettingKey(StrEnum):
    """Every setting that can be read or written."""

    SOLAR_PEAK_POWER = "solar_peak_power"
    INVERTER_PEAK_POWER = "inverter_peak_power"
    CAPACITY = "capacity"
    V_MIN = "v_min"
    V_MAX = "v_max"
    T_MIN_CHARGE = "t_min_charge"
    T_MAX = "t_max"
    CHARGE_RESTART = "charge_restart"
    DISCHARGE_RESTART = "discharge_restart"
    T_MIN_DISCHARGE = "t_min_discharge"
    V_LOW = "v_low"
    V_NOMINAL = "v_nominal"
    V_MIN_HYSTERESIS = "v_min_hysteresis"
    V_MAX_HYSTERESIS = "v_max_hysteresis"
    SENSOR_TYPE = "sensor_type"
    CRITICAL_MODE = "critical_mode"
    CHARGE_RELAY_OFF = "charge_relay_off"
    LOAD_RELAY_OFF = "load_relay_off"
    USE_MEASURED_CAPACITY = "use_measured_capacity"
    CHARGE_RESTART_DELAY = "charge_restart_delay"
    DISCHARGE_RESTART_DELAY = "discharge_restart_delay"
    CHARGE_PAUSE_DELAY = "charge_pause_delay"
    DISCHARGE_PAUSE_DELAY = "discharge_pause_delay"
    SOC_VOLTAGE_CORRECTION = "soc_voltage_correction"
    CHEMISTRY = "chemistry"
    FULL_SYNC_TAIL_CURRENT = "full_sync_tail_current"
    CHARGE_RELAY_FORCE = "charge_relay_force"
    CHARGE_RELAY_FUNCTION = "charge_relay_function"
    CHARGE_RELAY_INVERT = "charge_relay_invert"
    LOAD_RELAY_FORCE = "load_relay_force"
    LOAD_RELAY_FUNCTION = "load_relay_function"
    LOAD_RELAY_INVERT = "load_relay_invert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: a count on the wire, `count * times / per` in its unit.

    `position` is the field of the block; `addresses` are written high byte first and are empty
    where nobody knows them; `digits` is the width the simulated BMS sends.
    """

    key: SettingKey
    block: Block
    position: int
    unit: Unit
    digits: int
    times: int = 1
    per: int = 1
    addresses: tuple[int, ...] = ()
    certainty: Certainty = Certainty.SINGLE_SOURCE

    @property
    def generations(self) -> tuple[Generation, ...]:
        """The generations whose block has this field; later fields of a block came with gen 3."""
        return _EVERY if self.block in (Block.GENERAL, Block.THRESHOLDS) and self.position <= 5 else _GEN3

    def value(self, count: int) -> float:
        """Return a count on the wire in the unit of this setting."""
        if self.per == 1:
            return count * self.times
        return count * self.times / self.per

    def count(self, value: float) -> int:
        """Return the count on the wire nearest to a value."""
        return round(value * self.per / self.times)


_EVERY: Final = (Generation.GEN2, Generation.GEN3)
_GEN3: Final = (Generation.GEN3,)


_K = SettingKey


def _row(
    key: SettingKey,
    block: Block,
    position: int,
    unit: Unit,
    *addresses: int,
    digits: int | None = None,
    times: int = 1,
    per: int = 1,
    certainty: Certainty = Certainty.SINGLE_SOURCE,
) -> Setting:
    return Setting(
        key=key,
        block=block,
        position=position,
        unit=unit,
        digits=2 * len(addresses) if digits is None else digits,
        times=times,
        per=per,
        addresses=addresses,
        certainty=certainty,
    )


def _cell_volts(key: SettingKey, position: int, first: int) -> Setting:
    return _row(key, Block.THRESHOLDS, position, Unit.VOLT, first, first + 1, digits=3, per=200)


def _raw_temperature(key: SettingKey, position: int, first: int) -> Setting:
    return _row(key, Block.THRESHOLDS, position, Unit.RAW_TEMPERATURE, first, first + 1, digits=3)


def _restart(key: SettingKey, position: int) -> Setting:
    return _row(key, Block.THRESHOLDS, position, Unit.PERCENT, digits=2, certainty=Certainty.UNKNOWN)


SETTINGS: Final[Mapping[SettingKey, Setting]] = {
    setting.key: setting
    for setting in (
        _row(_K.SOLAR_PEAK_POWER, Block.GENERAL, 0, Unit.WATT, 0x010, 0x011, times=10),
        _row(_K.INVERTER_PEAK_POWER, Block.GENERAL, 1, Unit.WATT, 0x020, 0x021, times=10),
        _row(_K.CAPACITY, Block.GENERAL, 2, Unit.WATT_HOUR, 0x030, 0x031, times=100),
        _cell_volts(_K.V_MIN, 0, 0x040),
        _cell_volts(_K.V_MAX, 1, 0x050),
        _raw_temperature(_K.T_MIN_CHARGE, 2, 0x060),
        _raw_temperature(_K.T_MAX, 3, 0x070),
        _restart(_K.CHARGE_RESTART, 4),
        _restart(_K.DISCHARGE_RESTART, 5),
        _raw_temperature(_K.T_MIN_DISCHARGE, 6, 0x062),
        _cell_volts(_K.V_LOW, 7, 0x044),
        _cell_volts(_K.V_NOMINAL, 8, 0x046),
        _row(_K.V_MIN_HYSTERESIS, Block.THRESHOLDS, 9, Unit.VOLT, 0x042, per=100),
        _row(_K.V_MAX_HYSTERESIS, Block.THRESHOLDS, 10, Unit.VOLT, 0x052, per=100),
        _row(_K.SENSOR_TYPE, Block.OPERATION, 0, Unit.CODE, 0x016),
        _row(_K.CRITICAL_MODE, Block.OPERATION, 1, Unit.FLAG, 0x017),
        _row(_K.CHARGE_RELAY_OFF, Block.OPERATION, 2, Unit.FLAG, 0x019),
        _row(_K.LOAD_RELAY_OFF, Block.OPERATION, 3, Unit.FLAG, 0x01A),
        _row(_K.USE_MEASURED_CAPACITY, Block.OPERATION, 4, Unit.FLAG, 0x08B),
        _row(_K.CHARGE_RESTART_DELAY, Block.OPERATION, 5, Unit.SECOND, 0x082, 0x083, times=5),
        _row(_K.DISCHARGE_RESTART_DELAY, Block.OPERATION, 6, Unit.SECOND, 0x084, 0x085, times=5),
        _row(_K.CHARGE_PAUSE_DELAY, Block.OPERATION, 7, Unit.SECOND, 0x086, times=2),
        _row(_K.DISCHARGE_PAUSE_DELAY, Block.OPERATION, 8, Unit.SECOND, 0x087, times=2),
        _row(_K.SOC_VOLTAGE_CORRECTION, Block.OPERATION, 9, Unit.FLAG, 0x08D),
        _row(_K.CHEMISTRY, Block.OPERATION, 10, Unit.CODE, 0x015),
        _row(_K.FULL_SYNC_TAIL_CURRENT, Block.OPERATION, 11, Unit.AMPERE, 0x092, per=5),
        _row(_K.CHARGE_RELAY_FORCE, Block.CHARGE_RELAY, 0, Unit.CODE, 0x342),
        _row(_K.CHARGE_RELAY_FUNCTION, Block.CHARGE_RELAY, 1, Unit.CODE, 0x340),
        _row(_K.CHARGE_RELAY_INVERT, Block.CHARGE_RELAY, 2, Unit.FLAG, 0x341),
        _row(_K.LOAD_RELAY_FORCE, Block.LOAD_RELAY, 0, Unit.CODE, 0x362),
        _row(_K.LOAD_RELAY_FUNCTION, Block.LOAD_RELAY, 1, Unit.CODE, 0x360),
        _row(_K.LOAD_RELAY_INVERT, Block.LOAD_RELAY, 2, Unit.FLAG, 0x361),
    )
}

# Raw -40 and 80 degrees; outside of them T min discharge is not set (protocol.md 5.3).
_T_MIN_DISCHARGE_RANGE: Final = range(224, 365)


def of_block(block: Block) -> list[Setting]:
    """Return the settings of a block in the order of its fields."""
    return sorted(
        (setting for setting in SETTINGS.values() if setting.block is block),
        key=lambda setting: setting.position,
    )


def decode(block: Block, fields: Sequence[int]) -> dict[SettingKey, float]:
    """Return the settings in the fields of a block; trailing fields depend on the firmware.

    A T min discharge that is not a temperature means that T min charge counts for both.
    """
    values = {
        setting.key: setting.value(fields[setting.position])
        for setting in of_block(block)
        if setting.position < len(fields)
    }
    if values.get(_K.T_MIN_DISCHARGE) not in (None, *_T_MIN_DISCHARGE_RANGE):
        values[_K.T_MIN_DISCHARGE] = values[_K.T_MIN_CHARGE]
    return values


def encode(settings: Iterable[Setting], counts: Mapping[SettingKey, int]) -> list[str]:
    """Return the fields of a block, each as wide as its setting is sent."""
    return [f"{counts[setting.key]:0{setting.digits}X}" for setting in settings]
