"""What is told of a BMS as events, one for each of its devices."""

from collections.abc import Mapping

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr


def tell(
    hass: HomeAssistant,
    entry: ConfigEntry,
    event_type: str,
    data: Mapping[str, object],
    *,
    occurred: float | None = None,
    context: Context | None = None,
) -> None:
    """Fire an event for the devices of an entry; `occurred` is in s since 1970, by default now."""
    for device in dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id):
        hass.bus.async_fire(
            event_type, {ATTR_DEVICE_ID: device.id, **data}, time_fired=occurred, context=context
        )
