"""Base of every entity that shows a setting of the BMS and changes it."""

from collections.abc import Callable, Iterable, Iterator

from homeassistant.core import callback
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bms.settings import SETTINGS, SettingKey
from .bms.state import Snapshot
from .bms.writes import Change
from .coordinator import SmartBmsCoordinator
from .entity import SmartBmsEntity, add_when_known
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


@callback
def add_settings[D: EntityDescription](
    coordinator: SmartBmsCoordinator,
    async_add_entities: AddConfigEntryEntitiesCallback,
    descriptions: Iterable[D],
    make: Callable[[SmartBmsCoordinator, D], SettingEntity],
) -> None:
    """Add the settings that a BMS has, as soon as it has said so."""

    def known(snapshot: Snapshot) -> Iterator[tuple[D, int | None]]:
        for description in descriptions:
            if description.key in snapshot.settings:
                yield description, None

    add_when_known(
        coordinator, async_add_entities, known, lambda description, _: make(coordinator, description)
    )
