"""What a dashboard asks the integration for over Home Assistant's websocket."""

from typing import TYPE_CHECKING, Any, Final, TypedDict

from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .bank import is_bank
from .cells_feed import CellsMessage, async_follow_cells
from .const import DOMAIN
from .coordinator import SmartBmsConfigEntry

if TYPE_CHECKING:
    # Home Assistant 2026.9 and newer put this in the place of voluptuous.
    import probatio as vol
else:
    import voluptuous as vol

_DEVICE_ID: Final = "device_id"


class Overview(TypedDict):
    """What a dashboard can show of one entry, a BMS or a bank of several.

    `cells` is `None` while nobody knows how many there are; a bank has none of its own. `entities` are
    those that are enabled: the entity id by platform and key, for instance `sensor.cell_7_voltage`.
    """

    device_id: str | None
    entry_id: str
    name: str
    loaded: bool
    cells: int | None
    entities: dict[str, str]


@callback
def register_websocket(hass: HomeAssistant) -> None:
    """Register the commands, which answer without any entry being loaded."""
    websocket_api.async_register_command(hass, _overview)
    websocket_api.async_register_command(hass, _subscribe_cells)


@websocket_api.websocket_command({vol.Required("type"): "smartbms/overview"})
@callback
def _overview(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Answer with all that a dashboard is built from."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False, include_disabled=False)
    connection.send_result(msg["id"], [overview(hass, entry) for entry in entries])


@websocket_api.websocket_command(
    {vol.Required("type"): "smartbms/subscribe_cells", vol.Required(_DEVICE_ID): str}
)
@callback
def _subscribe_cells(hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]) -> None:
    """Tell of the cells of a BMS for as long as the connection, or its subscription, lasts."""
    if (entry := _entry_of(hass, msg[_DEVICE_ID])) is None:
        connection.send_error(msg["id"], websocket_api.ERR_NOT_FOUND, "This device is no 123SmartBMS")
        return

    @callback
    def tell(message: CellsMessage) -> None:
        connection.send_event(msg["id"], message)

    connection.send_result(msg["id"])
    connection.subscriptions[msg["id"]] = async_follow_cells(hass, entry, tell)


def overview(hass: HomeAssistant, entry: ConfigEntry) -> Overview:
    """Return what a dashboard can show of an entry, loaded or not."""
    device = _device_of(hass, entry)
    prefix = f"{entry.unique_id}_"
    return Overview(
        device_id=None if device is None else device.id,
        entry_id=entry.entry_id,
        name=(device and device.name_by_user) or entry.title,
        loaded=entry.state is ConfigEntryState.LOADED,
        cells=0 if is_bank(entry) else _cell_count(entry),
        entities={
            f"{entity.domain}.{entity.unique_id.removeprefix(prefix)}": entity.entity_id
            for entity in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
            if entity.disabled_by is None
        },
    )


def _cell_count(entry: SmartBmsConfigEntry) -> int | None:
    if entry.state is not ConfigEntryState.LOADED:
        return None
    return len(entry.runtime_data.data.cells) or None


def _device_of(hass: HomeAssistant, entry: ConfigEntry) -> dr.DeviceEntry | None:
    """Return the device of an entry; there is none before it was loaded for the first time."""
    return next(iter(dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)), None)


def _entry_of(hass: HomeAssistant, device_id: str) -> ConfigEntry | None:
    """Return the entry of a BMS by its device; `None` where the device is another one or gone."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        device = _device_of(hass, entry)
        if device is not None and device.id == device_id and not is_bank(entry):
            return entry
    return None
