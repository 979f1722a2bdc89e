"""What the logbook says of an entry in the device's own log, and of a setting that was written."""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.components.logbook import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN, EVENT_DEVICE_LOG, EVENT_SETTING_WRITTEN
from .words import words


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None],
) -> None:
    """Describe the events of the integration."""

    @callback
    def describe(event: Event) -> dict[str, str]:
        data, said = event.data, words(hass)
        details = [said.sentence("card_cell", number=data["cell"])] if data["cell"] else []
        details += [f"{data['voltage']:.3f} V"] if data["voltage"] is not None else []
        details += [f"{data['temperature']:.1f} °C"] if data["temperature"] is not None else []
        alarm = said.alarm(data["type"])
        told = f"{alarm} ({', '.join(details)})" if details else alarm
        return say(data, said.sentence("logbook_alarm", alarm=told))

    @callback
    def describe_written(event: Event) -> dict[str, str]:
        data = event.data
        return say(data, words(hass).sentence(f"logbook_{data['status']}", **data))

    def say(data: Mapping[str, Any], message: str) -> dict[str, str]:
        device = dr.async_get(hass).async_get(data[ATTR_DEVICE_ID])
        name = None if device is None else device.name_by_user or device.name
        return {LOGBOOK_ENTRY_NAME: name or "123\\SmartBMS", LOGBOOK_ENTRY_MESSAGE: message}

    async_describe_event(DOMAIN, EVENT_DEVICE_LOG, describe)
    async_describe_event(DOMAIN, EVENT_SETTING_WRITTEN, describe_written)
