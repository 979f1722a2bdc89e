"""Base of every entity: identity, availability, and writing only what changed."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from homeassistant.const import CONF_ADDRESS
from homeassistant.core import callback
from homeassistant.helpers.device_registry import CONNECTION_BLUETOOTH, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity
from homeassistant.util import dt as dt_util

from .bms.device import DeviceType, Generation
from .bms.state import Snapshot
from .const import CONF_SERIAL_NUMBER, DOMAIN, MANUFACTURER, MOST_CELLS_ENABLED
from .coordinator import SmartBmsConfigEntry, SmartBmsCoordinator
from .publisher import Publisher

_MOST_AT_ONCE: Final = 40
# How old the details of an insight may become, in s, while its gist stays.
_DETAILS_PATIENCE: Final = 600.0
_MODELS: Final = {Generation.GEN2: "123\\SmartBMS gen2", Generation.GEN3: "123\\SmartBMS gen3"}
_RADIO_MODULES: Final = {
    DeviceType.GEN2: "type 2",
    DeviceType.GEN3_BLUERADIOS: "type 4 (BlueRadios)",
    DeviceType.GEN3_RAYTAC: "type 6 (Raytac)",
}


def device_info(entry: SmartBmsConfigEntry) -> DeviceInfo:
    """Return the device of an entry."""
    coordinator, address = entry.runtime_data, entry.data[CONF_ADDRESS]
    info = DeviceInfo(
        identifiers={(DOMAIN, address)},
        manufacturer=MANUFACTURER,
        model=_MODELS[coordinator.session.fold.generation],
        name=entry.title,
        serial_number=entry.data.get(CONF_SERIAL_NUMBER),
        sw_version=coordinator.session.fold.snapshot().firmware or coordinator.data.firmware,
        hw_version=_RADIO_MODULES[coordinator.device_type] if coordinator.device_type else None,
    )
    if not coordinator.is_simulated:
        info["connections"] = {(CONNECTION_BLUETOOTH, address)}
    return info


class PublishedEntity[C: Publisher[Any], V = object](CoordinatorEntity[C]):
    """An entity that reads one value and writes its state only when that is news.

    An *urgent* one hears of a change at once, the others every publish interval. `_shown` is the value
    as it was written last.
    """

    _attr_has_entity_name = True
    _is_urgent = False
    _shown: V

    @property
    def available(self) -> bool:
        """Whether the value is young enough to be shown."""
        return self.coordinator.is_available

    @abstractmethod
    def _read(self) -> V:
        """Return the value as it is now."""

    def _is_news(self, value: V, age: float) -> bool:
        """Whether a value is worth a row of the recorder, some seconds after the last one."""
        return value != self._shown

    def _circumstances(self) -> object:
        """Return what is always news when it changes, whatever the value."""
        return self.available

    async def async_added_to_hass(self) -> None:
        """Listen to the coordinator."""
        await super().async_added_to_hass()
        if self._is_urgent:
            self.async_on_remove(self.coordinator.async_add_urgent_listener(self._handle_coordinator_update))
        self._show(self._read())

    def _show(self, value: V) -> None:
        """Remember what is written, under which circumstances, and when."""
        self._shown, self._shown_under, self._shown_at = value, self._circumstances(), self.hass.loop.time()

    @callback
    def _handle_coordinator_update(self) -> None:
        value, age = self._read(), self.hass.loop.time() - self._shown_at
        if self._is_news(value, age) or self._circumstances() != self._shown_under:
            self._show(value)
            self.async_write_ha_state()


class SmartBmsEntity[V = object](PublishedEntity[SmartBmsCoordinator, V]):
    """An entity of one BMS."""

    def __init__(
        self, coordinator: SmartBmsCoordinator, description: EntityDescription, cell: int | None = None
    ) -> None:
        """Belong to the BMS of a coordinator, and to a cell (from 1) where `cell` is given."""
        super().__init__(coordinator)
        self.entity_description = description
        self._cell = cell
        key = description.key if cell is None else f"cell_{cell}_{description.key}"
        self._attr_unique_id = f"{coordinator.config_entry.unique_id}_{key}"
        self._attr_device_info = device_info(coordinator.config_entry)
        if cell is not None:
            self._attr_translation_placeholders = {"number": str(cell)}
            self._attr_entity_registry_enabled_default = (
                description.entity_registry_enabled_default
                and len(coordinator.data.cells) <= MOST_CELLS_ENABLED
            )

    @property
    def available(self) -> bool:
        """Whether the value is young enough to be shown, and its cell still there."""
        return self.coordinator.is_available and (self._cell is None or self._index is not None)

    @property
    def _index(self) -> int | None:
        """The cell's place in the snapshot; `None` where it is not, or not any more."""
        if self._cell is None or self._cell > len(self.coordinator.data.cells):
            return None
        return self._cell - 1


class InsightEntity[V = object](SmartBmsEntity[V]):
    """Shows what is understood of the BMS, and goes on doing so out of reach.

    Then the attribute `as_of` says when the BMS was heard last. The numbers in the attributes move with
    every record, and each write is a row, so they are written with the gist or once they are old.
    """

    _unrecorded_attributes = frozenset({"as_of"})

    @property
    def available(self) -> bool:
        """Whether anything was ever understood."""
        return self.coordinator.insight.snapshot is not None

    @property
    def _as_of(self) -> str | None:
        at = self.coordinator.insight.at
        if at is None or self.coordinator.is_available:
            return None
        return dt_util.utc_from_timestamp(round(at)).isoformat()

    def _circumstances(self) -> object:
        return super()._circumstances(), self._as_of

    def _gist(self, value: V) -> object:
        """Return that of a value which is news when it changes; the rest waits."""
        return value

    def _is_news(self, value: V, age: float) -> bool:
        shown = self._shown
        return self._gist(value) != self._gist(shown) or (age >= _DETAILS_PATIENCE and value != shown)

    def _attributes(self) -> dict[str, object]:
        """Return the attributes of its own."""
        return {}

    @property
    def extra_state_attributes(self) -> dict[str, object]:
        """What belongs to the value, and out of reach the time it is from."""
        return self._attributes() | ({} if self._as_of is None else {"as_of": self._as_of})


@callback
def add_when_known[D: EntityDescription, S](
    coordinator: Publisher[S],
    async_add_entities: AddConfigEntryEntitiesCallback,
    known: Callable[[S], Iterable[tuple[D, int | None]]],
    make: Callable[[D, int | None], Entity],
) -> None:
    """Add entities as soon as the BMS has said that it has what they show.

    `known` yields descriptions with the cell they are for; each is made once. The hundreds of a large
    pack come in portions, one with each publication: to make them at once would stop the event loop.
    """
    made: set[tuple[str, int | None]] = set()

    @callback
    def add() -> None:
        unmade = (
            (description, cell)
            for description, cell in known(coordinator.data)
            if (description.key, cell) not in made
        )
        if new := list(islice(unmade, _MOST_AT_ONCE)):
            made.update((description.key, cell) for description, cell in new)
            async_add_entities(make(description, cell) for description, cell in new)

    add()
    coordinator.config_entry.async_on_unload(coordinator.async_add_listener(add))


def cells(snapshot: Snapshot) -> range:
    """Return the numbers of the cells there are."""
    return range(1, len(snapshot.cells) + 1)
