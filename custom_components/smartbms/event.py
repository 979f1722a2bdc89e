"""The alarms in the device's own log, as an event entity."""

from typing import Final

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bms.alarms import KINDS, Alarm
from .bms.device import Generation
from .coordinator import SmartBmsConfigEntry
from .entity import SmartBmsEntity

PARALLEL_UPDATES = 0

DEVICE_LOG: Final = EventEntityDescription(
    key="device_log",
    translation_key="device_log",
    event_types=KINDS,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SmartBmsConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the log; generation 2 keeps none."""
    if entry.runtime_data.session.fold.generation is Generation.GEN3:
        async_add_entities([DeviceLogEntity(entry.runtime_data, DEVICE_LOG)])


class DeviceLogEntity(SmartBmsEntity, EventEntity):
    """Tells of every alarm that the device has logged since Home Assistant knows it."""

    async def async_added_to_hass(self) -> None:
        """Listen to the log."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_add_log_listener(self._tell))

    def _read(self) -> None:
        """Nothing but the availability changes with a publication."""

    @callback
    def _tell(self, alarm: Alarm) -> None:
        self._trigger_event(alarm.kind, alarm.details())
        self.async_write_ha_state()
