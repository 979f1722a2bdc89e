"""The settings that are one of a few; and of a simulated BMS which day it lives through, and how fast."""

from typing import Final

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SmartBmsConfigEntry, SmartBmsCoordinator
from .entity import SmartBmsEntity
from .setting_entity import SettingEntity, add_settings
from .setting_values import CODES
from .simulation import CHOICES, Choice
from .simulator.firmware import Firmware

PARALLEL_UPDATES = 0

SELECTS: Final = tuple(
    SelectEntityDescription(
        key=key.value,
        translation_key=key.value,
        entity_category=EntityCategory.CONFIG,
        options=list(codes.values()),
    )
    for key, codes in CODES.items()
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SmartBmsConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the settings that the BMS has, and what can be chosen of a simulated one."""
    coordinator = entry.runtime_data
    add_settings(coordinator, async_add_entities, SELECTS, SelectSettingEntity)
    if (firmware := coordinator.reach.firmware) is not None:
        async_add_entities(ChoiceSelectEntity(coordinator, choice, firmware) for choice in CHOICES)


class SelectSettingEntity(SettingEntity, SelectEntity):
    """A setting that is a code; one that no source names is not known."""

    def _read(self) -> str | None:
        return None if self._value is None else CODES[self._setting.key].get(round(self._value))

    @property
    def current_option(self) -> str | None:
        """What the BMS holds."""
        return self._read()

    async def async_select_option(self, option: str) -> None:
        """Write the code of an option."""
        codes = CODES[self._setting.key]
        await self._write(next(code for code, name in codes.items() if name == option))


class ChoiceSelectEntity(SmartBmsEntity, SelectEntity):
    """Something that is chosen of a simulated BMS."""

    def __init__(self, coordinator: SmartBmsCoordinator, choice: Choice, firmware: Firmware) -> None:
        """Show what was chosen last."""
        description = SelectEntityDescription(
            key=choice.key,
            translation_key=choice.key,
            entity_category=EntityCategory.CONFIG,
            options=list(choice.options),
        )
        super().__init__(coordinator, description)
        self._choice = choice
        self._firmware = firmware

    @property
    def available(self) -> bool:
        """Always: it is there without a connection."""
        return True

    def _read(self) -> str:
        return self._choice.of(self.coordinator.config_entry.data)

    @property
    def current_option(self) -> str:
        """What is chosen."""
        return self._read()

    async def async_select_option(self, option: str) -> None:
        """Let the device follow at once, and remember it."""
        entry, choice = self.coordinator.config_entry, self._choice
        choice.apply(self._firmware, option)
        self.hass.config_entries.async_update_entry(entry, data={**entry.data, choice.key: option})
        self.async_write_ha_state()
