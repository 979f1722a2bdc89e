"""The settings of a BMS: one row each, with where it is read and where it is written.

Rows come from protocol.md 5.2 to 5.5 (reading) and 6 (writing). Everything that knows a setting,
the decoder, the entities, the memory of the simulated BMS, the page of the documentation, is
derived from the rows. Sane ranges are those that protocol.md 6 suggests; where it has none, ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from .setting import Block, Certainty, Looser, Range, Setting, SettingKey, Unit, is_writable
from .setting_words import NAMES_AND_WORDS

__all__ = [
    "SETTINGS",
    "Block",
    "Certainty",
    "Looser",
    "Range",
    "Setting",
    "SettingKey",
    "Unit",
    "decode",
    "encode",
    "is_writable",
    "of_block",
]

# What a cell can have by the specifications (protocol.md 11.2).
_CELL_VOLTS: Final = (1.5, 5.0)
_CELL_VOLTS_GEN2: Final = (2.0, 5.0)
_HYSTERESIS: Final = (0.0, 0.5)
# -40 and 85 degrees on the app's scale; beyond 80, T min discharge is read as not set (protocol.md 5.3).
_TEMPERATURES: Final = (224, 370)
_DISCHARGE_TEMPERATURES: Final = (224, 364)
# A capacity of 0 is none; one step is the least.
_CAPACITY: Final = (100, 6553500)
_PEAK_POWER: Final = (0, 655350)
_RESTART_DELAY: Final = (0, 327675)
_PAUSE_DELAY: Final = (0, 510)
_TAIL_CURRENT: Final = (0, 51)
# A charge restart of 0 % would never let charging begin, a discharge restart of 100 % hardly a load.
_CHARGE_RESTART: Final = (1, 100)
_DISCHARGE_RESTART: Final = (0, 99)

# Nobody knows where the restart percentages are written (protocol.md 6). The order of `S2@` and the
# delays that follow at 082 speak for 080 and 081; that each older setting has a row of sixteen of
# its own speaks for 090 as the second. Whoever wants to try that changes it here.
_CHARGE_RESTART_ADDRESS: Final = 0x080
_DISCHARGE_RESTART_ADDRESS: Final = 0x081

# The codes of protocol.md 5.4 and 5.5.
_OFF_OR_ON: Final = (0, 1)
_SENSOR_TYPES: Final = (0, 1, 2, 0x0B)
_CHEMISTRIES: Final = (0, 1, 2, 3, 4)
_RELAY_FUNCTIONS: Final = (1, 2, 3, 4)
_FORCE_POSITIONS: Final = (0, 1, 2)

_K = SettingKey
_UP, _DOWN = Looser.HIGHER, Looser.LOWER


def _row(
    key: SettingKey,
    block: Block,
    position: int,
    unit: Unit,
    *addresses: int,
    sane: Range,
    sane_gen2: Range | None = None,
    digits: int | None = None,
    times: int = 1,
    per: int = 1,
    codes: tuple[int, ...] = (),
    looser: Looser = Looser.NEITHER,
) -> Setting:
    name, words = NAMES_AND_WORDS[key]
    return Setting(
        key=key,
        name=name,
        words=words,
        block=block,
        position=position,
        unit=unit,
        digits=2 * len(addresses) if digits is None else digits,
        sane=sane,
        sane_gen2=sane_gen2,
        times=times,
        per=per,
        addresses=addresses,
        codes=codes,
        looser=looser,
    )


def _cell_volts(key: SettingKey, position: int, first: int, looser: Looser = Looser.NEITHER) -> Setting:
    return _row(
        key,
        Block.THRESHOLDS,
        position,
        Unit.VOLT,
        first,
        first + 1,
        sane=_CELL_VOLTS,
        sane_gen2=_CELL_VOLTS_GEN2,
        digits=3,
        per=200,
        looser=looser,
    )


def _raw_temperature(
    key: SettingKey, position: int, first: int, looser: Looser, sane: Range = _TEMPERATURES
) -> Setting:
    addresses = first, first + 1
    unit = Unit.RAW_TEMPERATURE
    return _row(key, Block.THRESHOLDS, position, unit, *addresses, digits=3, sane=sane, looser=looser)


def _restart(key: SettingKey, position: int, address: int, sane: Range) -> Setting:
    name, words = NAMES_AND_WORDS[key]
    return Setting(
        key=key,
        name=name,
        words=words,
        block=Block.THRESHOLDS,
        position=position,
        unit=Unit.PERCENT,
        digits=2,
        sane=sane,
        unconfirmed=(address,),
        certainty=Certainty.UNKNOWN,
    )


def _delay(key: SettingKey, position: int, *addresses: int, times: int, sane: Range) -> Setting:
    return _row(key, Block.OPERATION, position, Unit.SECOND, *addresses, times=times, sane=sane, looser=_DOWN)


def _flag(key: SettingKey, block: Block, position: int, address: int) -> Setting:
    return _row(key, block, position, Unit.FLAG, address, sane=(0, 1), codes=_OFF_OR_ON)


def _code(key: SettingKey, block: Block, position: int, address: int, codes: tuple[int, ...]) -> Setting:
    return _row(key, block, position, Unit.CODE, address, sane=(min(codes), max(codes)), codes=codes)


_S1, _S2, _S3 = Block.GENERAL, Block.THRESHOLDS, Block.OPERATION
_SRY0, _SRY1 = Block.CHARGE_RELAY, Block.LOAD_RELAY

# Which way a word is looser is our choice where it is no threshold: a short delay lets a relay come
# back soon, and a capacity of nearly nothing for a moment might cut the energy that was counted.
SETTINGS: Final[Mapping[SettingKey, Setting]] = {
    setting.key: setting
    for setting in (
        _row(_K.SOLAR_PEAK_POWER, _S1, 0, Unit.WATT, 0x010, 0x011, times=10, sane=_PEAK_POWER),
        _row(_K.INVERTER_PEAK_POWER, _S1, 1, Unit.WATT, 0x020, 0x021, times=10, sane=_PEAK_POWER),
        _row(_K.CAPACITY, _S1, 2, Unit.WATT_HOUR, 0x030, 0x031, times=100, sane=_CAPACITY, looser=_DOWN),
        _cell_volts(_K.V_MIN, 0, 0x040, _DOWN),
        _cell_volts(_K.V_MAX, 1, 0x050, _UP),
        _raw_temperature(_K.T_MIN_CHARGE, 2, 0x060, _DOWN),
        _raw_temperature(_K.T_MAX, 3, 0x070, _UP),
        _restart(_K.CHARGE_RESTART, 4, _CHARGE_RESTART_ADDRESS, _CHARGE_RESTART),
        _restart(_K.DISCHARGE_RESTART, 5, _DISCHARGE_RESTART_ADDRESS, _DISCHARGE_RESTART),
        _raw_temperature(_K.T_MIN_DISCHARGE, 6, 0x062, _DOWN, _DISCHARGE_TEMPERATURES),
        _cell_volts(_K.V_LOW, 7, 0x044, _DOWN),
        _cell_volts(_K.V_NOMINAL, 8, 0x046),
        _row(_K.V_MIN_HYSTERESIS, _S2, 9, Unit.VOLT, 0x042, per=100, sane=_HYSTERESIS),
        _row(_K.V_MAX_HYSTERESIS, _S2, 10, Unit.VOLT, 0x052, per=100, sane=_HYSTERESIS),
        _code(_K.SENSOR_TYPE, _S3, 0, 0x016, _SENSOR_TYPES),
        _flag(_K.CRITICAL_MODE, _S3, 1, 0x017),
        _flag(_K.CHARGE_RELAY_OFF, _S3, 2, 0x019),
        _flag(_K.LOAD_RELAY_OFF, _S3, 3, 0x01A),
        _flag(_K.USE_MEASURED_CAPACITY, _S3, 4, 0x08B),
        _delay(_K.CHARGE_RESTART_DELAY, 5, 0x082, 0x083, times=5, sane=_RESTART_DELAY),
        _delay(_K.DISCHARGE_RESTART_DELAY, 6, 0x084, 0x085, times=5, sane=_RESTART_DELAY),
        _delay(_K.CHARGE_PAUSE_DELAY, 7, 0x086, times=2, sane=_PAUSE_DELAY),
        _delay(_K.DISCHARGE_PAUSE_DELAY, 8, 0x087, times=2, sane=_PAUSE_DELAY),
        _flag(_K.SOC_VOLTAGE_CORRECTION, _S3, 9, 0x08D),
        _code(_K.CHEMISTRY, _S3, 10, 0x015, _CHEMISTRIES),
        _row(_K.FULL_SYNC_TAIL_CURRENT, _S3, 11, Unit.AMPERE, 0x092, per=5, sane=_TAIL_CURRENT),
        _code(_K.CHARGE_RELAY_FORCE, _SRY0, 0, 0x342, _FORCE_POSITIONS),
        _code(_K.CHARGE_RELAY_FUNCTION, _SRY0, 1, 0x340, _RELAY_FUNCTIONS),
        _flag(_K.CHARGE_RELAY_INVERT, _SRY0, 2, 0x341),
        _code(_K.LOAD_RELAY_FORCE, _SRY1, 0, 0x362, _FORCE_POSITIONS),
        _code(_K.LOAD_RELAY_FUNCTION, _SRY1, 1, 0x360, _RELAY_FUNCTIONS),
        _flag(_K.LOAD_RELAY_INVERT, _SRY1, 2, 0x361),
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

    A T min discharge that is not a temperature means that T min charge counts for both; so its value
    here may differ from the count that is stored.
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
