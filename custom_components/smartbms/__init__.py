"""The 123SmartBMS integration."""

from typing import Final

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant

from .coordinator import SmartBmsConfigEntry, SmartBmsCoordinator, delete_issue

PLATFORMS: Final = [Platform.BINARY_SENSOR, Platform.SENSOR, Platform.SWITCH]


async def async_setup_entry(hass: HomeAssistant, entry: SmartBmsConfigEntry) -> bool:
    """Connect to the BMS of an entry and add its entities."""
    coordinator = SmartBmsCoordinator(hass, entry)
    await coordinator.async_start()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: SmartBmsConfigEntry) -> bool:
    """Remove the entities of an entry; its coordinator shuts down with it."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: SmartBmsConfigEntry) -> None:
    """Take back what the owner of a BMS that is gone was asked to repair."""
    delete_issue(hass, entry)
