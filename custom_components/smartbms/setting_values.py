"""Settings as a person reads and gives them: degrees in place of raw counts, names in place of codes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .bms.device import TemperatureScale
from .bms.settings import SETTINGS, SettingKey, Unit

_K = SettingKey
_FUNCTIONS: Final = MappingProxyType(
    {1: "allowed_to_charge", 2: "allowed_to_discharge", 3: "main_relay", 4: "pre_alarm"}
)
_POSITIONS: Final = MappingProxyType({0: "inactive", 1: "keep_off", 2: "keep_on"})
# Every value that has a name, by its code (protocol.md 5.4 and 5.5); the names are translated.
CODES: Final[Mapping[SettingKey, Mapping[int, str]]] = MappingProxyType(
    {
        _K.CRITICAL_MODE: MappingProxyType({0: "normal", 1: "critical"}),
        _K.SENSOR_TYPE: MappingProxyType(
            {0: "125_a_5_a", 1: "250_a_10_a", 2: "500_a_20_a", 11: "1000_a_40_a"}
        ),
        _K.CHEMISTRY: MappingProxyType({0: "other", 1: "lifepo4", 2: "lto", 3: "nmc", 4: "nca"}),
        _K.CHARGE_RELAY_FUNCTION: _FUNCTIONS,
        _K.CHARGE_RELAY_FORCE: _POSITIONS,
        _K.LOAD_RELAY_FUNCTION: _FUNCTIONS,
        _K.LOAD_RELAY_FORCE: _POSITIONS,
    }
)


def to_person(key: SettingKey, value: float, scale: TemperatureScale) -> float:
    """Return a value in the unit that a person uses: temperatures in °C."""
    return scale.celsius(round(value)) if SETTINGS[key].unit is Unit.RAW_TEMPERATURE else value


def to_device(key: SettingKey, value: float, scale: TemperatureScale) -> float:
    """Return a person's value in the unit of the setting: temperatures as the nearest raw count."""
    return scale.raw(value) if SETTINGS[key].unit is Unit.RAW_TEMPERATURE else value
