"""What the logbook says of an entry in the device's own log, and of a setting that was written."""

from collections.abc import Callable, Mapping
from typing import Any

from homeassistant.components.logbook import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN, EVENT_DEVICE_LOG, EVENT_SETTING_WRITTEN

_MESSAGES = {
    "voltage_low": "reported a cell below V min",
    "voltage_high": "reported a cell above V max",
    "temperature_low_charge": "reported a cell below T min for charging",
    "temperature_high": "reported a cell above T max",
    "communication": "lost the communication with its cells",
    "temperature_low_discharge": "reported a cell below T min for discharging",
}
# By how a write ended.
_WRITTEN = {
    "verified": "changed {setting} from {old} to {new}",
    "restored": "did not take {setting} {new}; it holds {held} again",
    "unclear": "was to change {setting} from {old} to {new}; it holds {held}",
    "settled": "was read again after an interrupted change of {setting} from {old} to {new}; it holds {held}",
}


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None],
) -> None:
    """Describe the events of the integration."""

    @callback
    def describe(event: Event) -> dict[str, str]:
        data = event.data
        details = [f"cell {data['cell']}"] if data["cell"] else []
        details += [f"{data['voltage']:.3f} V"] if data["voltage"] is not None else []
        details += [f"{data['temperature']:.1f} °C"] if data["temperature"] is not None else []
        message = _MESSAGES[data["type"]]
        return say(data, f"{message} ({', '.join(details)})" if details else message)

    @callback
    def describe_written(event: Event) -> dict[str, str]:
        data = event.data
        return say(data, _WRITTEN[data["status"]].format(**data))

    def say(data: Mapping[str, Any], message: str) -> dict[str, str]:
        device = dr.async_get(hass).async_get(data[ATTR_DEVICE_ID])
        name = None if device is None else device.name_by_user or device.name
        return {LOGBOOK_ENTRY_NAME: name or "123\\SmartBMS", LOGBOOK_ENTRY_MESSAGE: message}

    async_describe_event(DOMAIN, EVENT_DEVICE_LOG, describe)
    async_describe_event(DOMAIN, EVENT_SETTING_WRITTEN, describe_written)
