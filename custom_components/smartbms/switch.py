"""The settings that are on or off, and the switch that leaves the only connection to the phone app."""

from typing import Any, Final

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bms.settings import SETTINGS, Unit
from .coordinator import SmartBmsConfigEntry
from .entity import SmartBmsEntity
from .setting_entity import SettingEntity, add_settings
from .setting_values import CODES

PARALLEL_UPDATES = 0

PAUSE: Final = SwitchEntityDescription(
    key="pause", translation_key="pause", entity_category=EntityCategory.CONFIG
)
# A flag whose two positions have names of their own is a select.
SWITCHES: Final = tuple(
    SwitchEntityDescription(
        key=setting.key.value, translation_key=setting.key.value, entity_category=EntityCategory.CONFIG
    )
    for setting in SETTINGS.values()
    if setting.unit is Unit.FLAG and setting.key not in CODES
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SmartBmsConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the pause switch, and the settings that the BMS has."""
    coordinator = entry.runtime_data
    async_add_entities([PauseSwitchEntity(coordinator, PAUSE)])
    add_settings(coordinator, async_add_entities, SWITCHES, SwitchSettingEntity)


class PauseSwitchEntity(SmartBmsEntity, SwitchEntity):
    """On while the connection is left to somebody else; returns to off by itself."""

    _is_urgent = True

    @property
    def available(self) -> bool:
        """Always: a pause does not need the BMS."""
        return True

    def _read(self) -> bool:
        return self.coordinator.session.paused_until is not None

    @property
    def is_on(self) -> bool:
        """Whether the connection is paused now."""
        return self._read()

    # Home Assistant declares the arguments of a service call this way.
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Let go of the BMS."""
        self.coordinator.async_pause()

    async def async_turn_off(self, **kwargs: Any) -> None:
        """Return to the BMS at once."""
        self.coordinator.session.resume()


class SwitchSettingEntity(SettingEntity, SwitchEntity):
    """A setting that is on or off."""

    def _read(self) -> bool | None:
        return None if self._value is None else bool(self._value)

    @property
    def is_on(self) -> bool | None:
        """What the BMS holds."""
        return self._read()

    async def async_turn_on(self, **kwargs: Any) -> None:
        """Write a one."""
        await self._write(1)

    async def async_turn_off(self, **kwargs: Any) -> None:
        """Write a zero."""
        await self._write(0)
