"""The 123SmartBMS integration."""

from typing import Final

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .actions import register_actions
from .archive import Archive
from .bank import Bank, BankConfigEntry, async_forget_bank, is_bank
from .const import DOMAIN
from .coordinator import SmartBmsConfigEntry, SmartBmsCoordinator
from .frontend_files import async_register_frontend
from .issues import Issues
from .options import Options
from .websocket import register_websocket
from .words import async_load_words

PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]
BANK_PLATFORMS: Final = [Platform.BINARY_SENSOR, Platform.SENSOR]
CONFIG_SCHEMA: Final = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register what answers without any entry being loaded: the actions, and what the browser asks for."""
    register_actions(hass)
    register_websocket(hass)
    await async_register_frontend(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: SmartBmsConfigEntry | BankConfigEntry) -> bool:
    """Connect to the BMS of an entry and add its entities; or make a bank of several."""
    if is_bank(entry):
        return await _setup_bank(hass, entry)
    await async_load_words(hass)
    archive = Archive(hass, entry.entry_id)
    remembered = await archive.load(Options.of(entry.options).profile)
    coordinator = SmartBmsCoordinator(hass, entry, archive, remembered)
    await coordinator.async_start()
    entry.runtime_data = coordinator
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def _setup_bank(hass: HomeAssistant, entry: BankConfigEntry) -> bool:
    """Follow the members of a bank, whether they are set up yet or not."""
    bank = Bank(hass, entry)
    await bank.async_start()
    entry.runtime_data = bank
    await hass.config_entries.async_forward_entry_setups(entry, BANK_PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: SmartBmsConfigEntry | BankConfigEntry) -> bool:
    """Remove the entities of an entry; its coordinator shuts down with it."""
    platforms = BANK_PLATFORMS if is_bank(entry) else PLATFORMS
    return await hass.config_entries.async_unload_platforms(entry, platforms)


async def async_remove_entry(hass: HomeAssistant, entry: SmartBmsConfigEntry | BankConfigEntry) -> None:
    """Forget a BMS or bank that is gone, and take back what its owner was asked to repair."""
    if is_bank(entry):
        await async_forget_bank(hass, entry)
        return
    Issues(hass, entry.entry_id, entry.title).clear()
    await Archive(hass, entry.entry_id).forget()
