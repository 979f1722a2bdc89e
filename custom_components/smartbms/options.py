"""The options of an entry, with their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from .bms.device import TemperatureScale
from .model.profiles import ProfileKey

CONF_MODE: Final = "connection_mode"
CONF_VISIT_MINUTES: Final = "visit_minutes"
CONF_PAUSE_MINUTES: Final = "pause_minutes"
CONF_PUBLISH_INTERVAL: Final = "publish_interval"
CONF_TEMPERATURE_SCALE: Final = "temperature_scale"
CONF_PROFILE: Final = "algorithm_profile"
CONF_RATED_CAPACITY: Final = "rated_capacity"
CONF_SETTINGS_UNLOCKED: Final = "settings_unlocked"
CONF_UNCONFIRMED: Final = "unconfirmed_addresses"
AUTOMATIC: Final = "automatic"
_WATT_HOURS: Final = 1000.0


class Mode(StrEnum):
    """How the only connection of a BMS is used."""

    CONTINUOUS = "continuous"
    PERIODIC = "periodic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an owner can choose; minutes and seconds are whole numbers of at least one."""

    mode: Mode = Mode.CONTINUOUS
    visit_minutes: int = 10
    pause_minutes: int = 10
    publish_interval: int = 5
    temperature_scale: TemperatureScale = TemperatureScale.APP
    # `None` chooses the profile by what the BMS reports.
    profile: ProfileKey | None = None
    # In Wh, as printed on the cells; `None` where the owner does not know it.
    rated_capacity: float | None = None
    # Whether settings of the BMS may be written at all, and those whose address is only inferred as well.
    settings_unlocked: bool = False
    unconfirmed: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, object]) -> Self:
        """Return the options as an entry stores them; what is missing has its default."""
        default = cls()
        profile = stored.get(CONF_PROFILE, AUTOMATIC)
        rated = stored.get(CONF_RATED_CAPACITY)
        return cls(
            mode=Mode(str(stored.get(CONF_MODE, default.mode))),
            visit_minutes=int(str(stored.get(CONF_VISIT_MINUTES, default.visit_minutes))),
            pause_minutes=int(str(stored.get(CONF_PAUSE_MINUTES, default.pause_minutes))),
            publish_interval=int(str(stored.get(CONF_PUBLISH_INTERVAL, default.publish_interval))),
            temperature_scale=TemperatureScale(
                stored.get(CONF_TEMPERATURE_SCALE, default.temperature_scale.value)
            ),
            profile=None if profile == AUTOMATIC else ProfileKey(str(profile)),
            rated_capacity=None if rated is None else float(str(rated)) * _WATT_HOURS,
            settings_unlocked=stored.get(CONF_SETTINGS_UNLOCKED) is True,
            unconfirmed=stored.get(CONF_UNCONFIRMED) is True,
        )
