"""A BMS that speaks when it is told to, and a diary of what is shown of it."""

import asyncio
from collections.abc import Iterator
from typing import Any

from custom_components.smartbms.bms.state import Record
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import Event, HomeAssistant, callback

from .radio import Radio, set_up, still_bms


class Counted(Firmware):
    """A BMS whose cycles of records can be counted."""

    said = 0

    def cycle(self) -> Iterator[Record]:
        """Yield the records of one cycle."""
        self.said += 1
        return super().cycle()

    async def say(self, cycles: int = 1) -> None:
        """Wait until some more cycles have been said and have arrived."""
        until = self.said + cycles
        while self.said < until:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)


class Diary:
    """Everything the state machine is told about our entities, with its time."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin to write."""
        self.pages: list[tuple[float, str, str]] = []

        @callback
        def note(event: Event[Any]) -> None:
            page = hass.loop.time(), event.data["entity_id"], event.data["new_state"].state
            if "smartbms" in page[1]:
                self.pages.append(page)

        hass.bus.async_listen(EVENT_STATE_CHANGED, note)
        hass.bus.async_listen(EVENT_STATE_REPORTED, note, event_filter=callback(lambda _: True))

    def times(self, entity: str | None) -> list[float]:
        """Return when something was written about an entity."""
        return [time for time, about, _ in self.pages if about == entity]

    def states(self, entity: str | None) -> list[str]:
        """Return what was written about an entity."""
        return [state for _, about, state in self.pages if about == entity]


async def set_up_counted(
    hass: HomeAssistant, radio: Radio, **options: object
) -> tuple[Counted, BmsPeripheral]:
    """Set up a BMS whose cycles are counted; return it and its radio module."""
    bms = still_bms(hass, firmware_class=Counted)
    await set_up(hass, radio, bms, options=options)
    assert isinstance(bms.firmware, Counted)
    return bms.firmware, bms
