"""The 123SmartBMS integration."""

from typing import Final

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .actions import register_actions
from .archive import Archive
from .const import DOMAIN
from .coordinator import SmartBmsConfigEntry, SmartBmsCoordinator
from .issues import Issues
from .options import Options

PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]
CONFIG_SCHEMA: Final = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, which answer without any entry being loaded."""
    register_actions(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: SmartBmsConfigEntry) -> bool:
    """Connect to the BMS of an entry and add its entities."""
    archive = Archive(hass, entry.entry_id)
    remembered = await archive.load(Options.of(entry.options).profile)
    coordinator = SmartBmsCoordinator(hass, entry, archive, remembered)
    await coordinator.async_start()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: SmartBmsConfigEntry) -> bool:
    """Remove the entities of an entry; its coordinator shuts down with it."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: SmartBmsConfigEntry) -> None:
    """Forget a BMS that is gone, and take back what its owner was asked to repair."""
    Issues(hass, entry.entry_id, entry.title).clear()
    await Archive(hass, entry.entry_id).forget()
