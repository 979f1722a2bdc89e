"""Base of every entity that shows a setting of the BMS and changes it."""

from collections.abc import Iterable, Iterator

from homeassistant.helpers.entity import EntityDescription

from .bms.settings import SETTINGS, SettingKey
from .bms.state import Snapshot
from .bms.writes import Change
from .coordinator import SmartBmsCoordinator
from .entity import SmartBmsEntity
from .settings_writer import async_write


class SettingEntity(SmartBmsEntity):
    """Shows what the BMS was read to hold, and never what was asked for.

    While settings are locked it shows its value, and a write is refused.
    """

    def __init__(self, coordinator: SmartBmsCoordinator, description: EntityDescription) -> None:
        """Belong to the setting that the description is named after."""
        super().__init__(coordinator, description)
        self._setting = SETTINGS[SettingKey(description.key)]

    @property
    def _value(self) -> float | None:
        """The value in the unit of the setting; `None` where it is not known any more."""
        return self.coordinator.data.settings.get(self._setting.key)

    async def _write(self, value: float) -> None:
        """Change the setting and return when the BMS has been read back."""
        await async_write(self.coordinator, (Change(self._setting.key, value),), context=self._context)


def known_settings[D: EntityDescription](
    descriptions: Iterable[D], snapshot: Snapshot
) -> Iterator[tuple[D, int | None]]:
    """Yield the descriptions of the settings that a BMS has said it has; none belongs to a cell."""
    for description in descriptions:
        if description.key in snapshot.settings:
            yield description, None
