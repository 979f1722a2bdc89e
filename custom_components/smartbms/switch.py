"""The switch that leaves the only connection to the phone app for a while."""

from typing import Any, Final

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SmartBmsConfigEntry
from .entity import SmartBmsEntity

PARALLEL_UPDATES = 0

PAUSE: Final = SwitchEntityDescription(
    key="pause", translation_key="pause", entity_category=EntityCategory.CONFIG
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SmartBmsConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the pause switch."""
    async_add_entities([PauseSwitchEntity(entry.runtime_data, PAUSE)])


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
