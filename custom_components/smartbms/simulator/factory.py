"""The settings of a simulated BMS that nobody has changed yet, in the units of the settings table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..bms.device import TemperatureScale
from ..bms.settings import SettingKey

SCALE: Final = TemperatureScale.APP

_K = SettingKey
# LiFePO4 per MAN13 and the gen 2 screenshot (protocol.md 11.1); delays and hysteresis are ours.
FACTORY: Final[Mapping[SettingKey, float]] = MappingProxyType(
    {
        _K.SOLAR_PEAK_POWER: 3000,
        _K.INVERTER_PEAK_POWER: 2500,
        _K.V_MIN: 2.9,
        _K.V_MAX: 3.7,
        _K.T_MIN_CHARGE: SCALE.raw(2),
        _K.T_MAX: SCALE.raw(60),
        _K.CHARGE_RESTART: 95,
        _K.DISCHARGE_RESTART: 5,
        _K.T_MIN_DISCHARGE: SCALE.raw(-10),
        _K.V_LOW: 3.0,
        _K.V_NOMINAL: 3.3,
        _K.V_MIN_HYSTERESIS: 0.1,
        _K.V_MAX_HYSTERESIS: 0.05,
        _K.SENSOR_TYPE: 2,
        _K.CHARGE_RESTART_DELAY: 60,
        _K.DISCHARGE_RESTART_DELAY: 60,
        _K.CHARGE_PAUSE_DELAY: 10,
        _K.DISCHARGE_PAUSE_DELAY: 10,
        _K.CHEMISTRY: 1,
        _K.FULL_SYNC_TAIL_CURRENT: 2.0,
        _K.CHARGE_RELAY_FUNCTION: 1,
        _K.LOAD_RELAY_FUNCTION: 2,
    }
)
