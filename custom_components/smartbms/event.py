"""Events: the five alarms as they come and go, and the alarms in the device's own log."""

from asyncio import TimerHandle
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from homeassistant.components.event import EventEntity, EventEntityDescription, EventExtraStoredData
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .bms.alarms import KINDS, Alarm
from .bms.device import Generation
from .bms.lamps import LAMPS, Lamp, cells_of
from .bms.state import LogEvent, StatusBit
from .coordinator import SmartBmsConfigEntry, SmartBmsCoordinator
from .entity import SmartBmsEntity

PARALLEL_UPDATES = 0

# An entry of the log belongs to a break that is reported within this time.
_FRESH: Final = timedelta(seconds=15)
# The time of an event is its state, in whole milliseconds; two must not be the same one.
_APART: Final = 0.002

_ENDINGS: Final = {True: "raised", False: "cleared"}

ALARM: Final = EventEntityDescription(
    key="alarm",
    translation_key="alarm",
    event_types=[f"{lamp.key}_{ending}" for lamp in LAMPS for ending in _ENDINGS.values()],
)
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
    """Add the alarms, and the log; generation 2 keeps none."""
    coordinator = entry.runtime_data
    async_add_entities([AlarmEntity(coordinator, ALARM)])
    if coordinator.session.fold.generation is Generation.GEN3:
        async_add_entities([DeviceLogEntity(coordinator, DEVICE_LOG)])


@dataclass
class _Stored(EventExtraStoredData):
    """What survives a restart besides the last event: the alarms that are on, as far as they were told."""

    told: list[str] | None


class AlarmEntity(SmartBmsEntity, EventEntity):
    """Tells of each alarm when it comes and when it goes, with the cells it is about.

    It compares with what it has told. So an alarm from before a restart or a lost link is not told
    again, and one that came meanwhile is told once the BMS is heard; one that came and went meanwhile
    is in the device's own log. When nothing was ever told, what is on is taken as it is.
    """

    _is_urgent = True

    def __init__(self, coordinator: SmartBmsCoordinator, description: EventEntityDescription) -> None:
        """Know nothing yet."""
        super().__init__(coordinator, description)
        self._told: frozenset[str] | None = None
        self._broke: Alarm | None = None
        self._timer: TimerHandle | None = None

    async def async_added_to_hass(self) -> None:
        """Go on from what was told."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_add_log_listener(self._hear))
        if (stored := await self.async_get_last_extra_data()) is not None:
            told = stored.as_dict().get("told")
            self._told = frozenset(told) if isinstance(told, list) else None

    async def async_will_remove_from_hass(self) -> None:
        """Tell nothing any more."""
        self._rest()
        await super().async_will_remove_from_hass()

    @property
    def extra_restore_state_data(self) -> EventExtraStoredData:
        """The last event, and what has been told."""
        last = super().extra_restore_state_data
        told = None if self._told is None else sorted(self._told)
        return _Stored(last.last_event_type, last.last_event_attributes, told)

    def _read(self) -> None:
        """Nothing but the availability changes with a publication."""

    @callback
    def _handle_coordinator_update(self) -> None:
        # A BMS that is back is shown as available before it tells something.
        super()._handle_coordinator_update()
        if self._timer is None:
            self._look()

    @callback
    def _hear(self, alarm: Alarm) -> None:
        if alarm.event is LogEvent.COMMUNICATION:
            self._broke = alarm

    @callback
    def _look(self) -> None:
        """Tell the first piece of news, and look again a moment later."""
        self._rest()
        if not self.available or self.coordinator.data.status.first is None:
            return
        if self._told is None:
            self._told = frozenset(lamp.key for lamp in LAMPS if self._is_on(lamp))
        if (news := next(self._news(self._told), None)) is None:
            return
        lamp, is_on = news
        self._told ^= {lamp.key}
        self._trigger_event(f"{lamp.key}_{_ENDINGS[is_on]}", self._details(lamp))
        self.async_write_ha_state()
        self._timer = self.hass.loop.call_later(_APART, self._look)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _news(self, told: frozenset[str]) -> Iterator[tuple[Lamp, bool]]:
        """Yield what has changed. While the chain is broken nobody knows that a cell is well again."""
        is_broken = self.coordinator.data.status.has(StatusBit.COMMUNICATION_ERROR)
        for lamp in LAMPS:
            is_on = self._is_on(lamp)
            if is_on is not (lamp.key in told) and (is_on or not is_broken):
                yield lamp, is_on

    def _is_on(self, lamp: Lamp) -> bool:
        return bool(self.coordinator.data.status.has(lamp.bit))

    def _details(self, lamp: Lamp) -> dict[str, object]:
        cells = cells_of(lamp, self.coordinator.data)
        is_break = lamp.bit is StatusBit.COMMUNICATION_ERROR
        return {
            "alarm": lamp.letters,
            "cell": self._break_cell if is_break and self._is_on(lamp) else cells.cell,
            "value": cells.value,
            "unit": cells.unit,
            "threshold": cells.threshold,
            "cells": None if cells.beyond is None else list(cells.beyond),
        }

    @property
    def _break_cell(self) -> int | None:
        """The cell that the log names for this break; an earlier break was elsewhere."""
        broke = self._broke
        if broke is None or broke.occurred is None or dt_util.utcnow() - broke.occurred > _FRESH:
            return None
        return broke.cell


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
