"""What is known of the cells of one BMS, told to whoever looks at them just now.

All cells at full resolution, also those whose entities are disabled. Nothing is computed while nobody
looks, and once for all who do.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypedDict

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from .bms.setting import SettingKey
from .bms.state import Snapshot, StatusBit
from .coordinator import SmartBmsCoordinator

# The average of many cells is a longer fraction than anybody can use.
_DIGITS: Final = 5

# Voltage in V, temperature in °C, and whether the cell is above the balance voltage.
type CellRow = tuple[float | None, float | None, bool | None]


class Extreme(TypedDict):
    """The lowest or the highest cell as the BMS itself reports it: voltage in V, cell from 1."""

    voltage: float | None
    cell: int | None


class CellsMessage(TypedDict):
    """The cells at one moment: voltages in V, temperatures in °C, `None` for what is not known.

    Out of reach `available` is false, the values are the last known ones, and `as_of` says in ISO 8601
    when the BMS was heard last; in reach it is `None`.
    """

    available: bool
    as_of: str | None
    cells: list[CellRow]
    v_min: float | None
    v_max: float | None
    t_min: float | None
    t_max: float | None
    balance: float | None
    average: float | None
    lowest: Extreme
    highest: Extreme
    chain_broken: bool | None


type Listener = Callable[[CellsMessage], None]


def cells_message(snapshot: Snapshot, *, available: bool, heard: datetime | None = None) -> CellsMessage:
    """Return what there is to say of the cells of a snapshot, heard last at `heard`."""
    setting, voltages, average = snapshot.settings.get, snapshot.voltages, snapshot.average_cell_voltage
    return CellsMessage(
        available=available,
        as_of=None if available or heard is None else heard.isoformat(),
        cells=[
            (cell.voltage, snapshot.celsius(cell.temperature_raw), snapshot.balancing(index))
            for index, cell in enumerate(snapshot.cells)
        ],
        v_min=setting(SettingKey.V_MIN),
        v_max=setting(SettingKey.V_MAX),
        t_min=_celsius(snapshot, SettingKey.T_MIN_CHARGE),
        t_max=_celsius(snapshot, SettingKey.T_MAX),
        balance=snapshot.balance_voltage,
        average=None if average is None else round(average, _DIGITS),
        lowest=Extreme(voltage=voltages and voltages.lowest, cell=voltages and voltages.lowest_cell),
        highest=Extreme(voltage=voltages and voltages.highest, cell=voltages and voltages.highest_cell),
        chain_broken=snapshot.status.has(StatusBit.COMMUNICATION_ERROR),
    )


def _celsius(snapshot: Snapshot, key: SettingKey) -> float | None:
    raw = snapshot.settings.get(key)
    return None if raw is None else snapshot.celsius(round(raw))


class _Feed:
    """Tells all listeners of the cells of one BMS whenever something about them has changed.

    It outlives the coordinator: unloaded the BMS is out of reach, and loaded again it is back.
    """

    def __init__(self, entry: ConfigEntry) -> None:
        """Follow an entry, loaded or not, until `close`."""
        self.listeners: list[Listener] = []
        self.message = cells_message(Snapshot(), available=False)
        self._entry = entry
        self._coordinator: SmartBmsCoordinator | None = None
        self._leave_coordinator: list[CALLBACK_TYPE] = []
        self._leave_entry = entry.async_on_state_change(self._follow)
        self._follow()

    @callback
    def close(self) -> None:
        """Follow nothing any more."""
        self._leave_entry()
        self._leave()

    def _leave(self) -> None:
        while self._leave_coordinator:
            self._leave_coordinator.pop()()

    @callback
    def _follow(self) -> None:
        """Listen to the coordinator that the entry has now, if it has one."""
        self._leave()
        if self._entry.state is ConfigEntryState.LOADED:
            self._coordinator = coordinator = self._entry.runtime_data
            self._leave_coordinator = [
                coordinator.async_add_listener(self._look),
                # A broken chain is told at once, however long the publish interval.
                coordinator.async_add_urgent_listener(self._look),
            ]
        self._look()

    @callback
    def _look(self) -> None:
        if (coordinator := self._coordinator) is None:
            return
        is_loaded = self._entry.state is ConfigEntryState.LOADED
        message = cells_message(
            coordinator.data, available=is_loaded and coordinator.is_available, heard=_heard(coordinator)
        )
        if message != self.message:
            self.message = message
            for listener in list(self.listeners):
                listener(message)


def _heard(coordinator: SmartBmsCoordinator) -> datetime | None:
    """Return when the BMS was heard last, by this run or by an earlier one."""
    at = coordinator.insight.at
    return coordinator.link.last_contact or (None if at is None else dt_util.utc_from_timestamp(round(at)))


_FEEDS: HassKey[dict[str, _Feed]] = HassKey("smartbms_cells_feeds")


@callback
def async_follow_cells(hass: HomeAssistant, entry: ConfigEntry, listener: Listener) -> CALLBACK_TYPE:
    """Tell a listener of the cells of an entry's BMS: now, and whenever they change; return what ends it."""
    feeds = hass.data.setdefault(_FEEDS, {})
    if (feed := feeds.get(entry.entry_id)) is None:
        feed = feeds[entry.entry_id] = _Feed(entry)
    feed.listeners.append(listener)
    listener(feed.message)

    @callback
    def leave() -> None:
        feed.listeners.remove(listener)
        if not feed.listeners:
            feed.close()
            del feeds[entry.entry_id]

    return leave
