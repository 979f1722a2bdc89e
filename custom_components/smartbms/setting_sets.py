"""Sets of settings: what a manual recommends, and what a backup holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from .bms.device import DeviceType, Generation
from .bms.settings import SETTINGS, SettingKey
from .bms.stored import JSON
from .model.chemistry import Recommendation
from .model.hardware import InBoard, begin_board_switches

_VERSION: Final = 1
# The option switches that make the balance voltage: from 1, by generation (protocol.md 11.2).
_SWITCHES: Final = {Generation.GEN2: (2, 6, 7), Generation.GEN3: (4, 5, 6, 7, 8)}
# The number of cells is set by other switches of the same board.
_ANY_CELLS: Final = 16


def thresholds(recommended: Recommendation, has: Mapping[SettingKey, float]) -> dict[SettingKey, float]:
    """Return the recommended thresholds that a BMS has, in V."""
    found = {
        SettingKey.V_MIN: recommended.v_min,
        SettingKey.V_NOMINAL: recommended.v_nominal,
        SettingKey.V_MAX: recommended.v_max,
    }
    return {key: value for key, value in found.items() if value is not None and key in has}


def balance_switches(generation: Generation, voltage: float) -> str | None:
    """Return how the first board is set to a balance voltage in V, or `None` where it cannot be.

    It cannot be written: it is set by option switches (all manuals).
    """
    if generation is Generation.GEN2:
        switches = InBoard(bypass_voltage=voltage).switches
    else:
        switches = begin_board_switches(_ANY_CELLS, voltage)
    if switches is None:
        return None
    return ", ".join(f"{each} {'ON' if switches[each - 1] else 'OFF'}" for each in _SWITCHES[generation])


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """Everything that a BMS was set to, in the units of the settings table: temperatures raw.

    There is no PIN in it: that is no setting. `device_type` is `None` where the BMS did not advertise it.
    """

    generation: Generation
    device_type: DeviceType | None
    firmware: str | None
    taken: str
    settings: Mapping[SettingKey, float]

    def as_json(self) -> dict[str, JSON]:
        """Return it as it stands in a file."""
        return {
            "smartbms_settings": _VERSION,
            "generation": self.generation.value,
            "device_type": None if self.device_type is None else self.device_type.value,
            "firmware": self.firmware,
            "taken": self.taken,
            "settings": {key.value: value for key, value in self.settings.items()},
        }

    @classmethod
    def from_json(cls, data: object) -> Self | None:
        """Return the backup that `as_json` wrote, or `None` when this is none; what it has more is left."""
        if not isinstance(data, Mapping) or data.get("smartbms_settings") != _VERSION:
            return None
        generation, device_type = data.get("generation"), data.get("device_type")
        settings, firmware = data.get("settings"), data.get("firmware")
        if generation not in list(Generation) or device_type not in [None, *DeviceType]:
            return None
        if not isinstance(settings, Mapping):
            return None
        values = {key: settings[key.value] for key in SETTINGS if key.value in settings}
        if not all(_can_be(key, value) for key, value in values.items()):
            return None
        return cls(
            generation=Generation(generation),
            device_type=None if device_type is None else DeviceType(device_type),
            firmware=firmware if isinstance(firmware, str) else None,
            taken=str(data.get("taken")),
            settings={key: float(value) for key, value in values.items()},
        )

    def fits(self, generation: Generation, device_type: DeviceType | None) -> bool:
        """Whether a BMS is of the kind that this was taken of; a type that is not known tells nothing."""
        if None not in (self.device_type, device_type) and self.device_type is not device_type:
            return False
        return self.generation is generation


def _can_be(key: SettingKey, value: object) -> bool:
    """Whether the wire could have brought a value; a comparison with what is not a number is false."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value <= SETTINGS[key].encodable[1]
