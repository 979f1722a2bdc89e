"""A recorder's rows: what a simulated BMS writes in a day, in a real Home Assistant in virtual time.

Every change of a state is one row in the recorder's table of states, so the changes are counted.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import Final
from unittest.mock import patch

from pytest_homeassistant_custom_component.common import async_test_home_assistant  # type: ignore[import-untyped]

from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.coordinator import SmartBmsConfigEntry
from custom_components.smartbms.options import CONF_PUBLISH_INTERVAL
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er, frame
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.util import dt as dt_util

from .virtual_loop import run

DAY: Final = 86400.0
# What a 16-cell pack may write in a day with default options.
LIMIT: Final = 20_000
_CELLS: Final = 16
# What is shown for the first time is written, and happens once.
_SETTLING: Final = 60.0
_MOST_SHOWN: Final = 25
# Statistics of a sensor are a row every five minutes, kept for days, and one every hour, kept for ever.
STATISTICS_A_DAY: Final = 24 * 12 + 24
# The simulated BMS has no radio, so nobody needs Home Assistant's.
_NOT_NEEDED: Final = frozenset({"bluetooth", "bluetooth_adapters"})


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a while by entity, how many entities there are, and how many have statistics."""

    by_entity: Counter[str]
    entities: int
    with_statistics: int

    @property
    def total(self) -> int:
        """All rows."""
        return self.by_entity.total()


@asynccontextmanager
async def house() -> AsyncIterator[HomeAssistant]:
    """Run a Home Assistant within this process, whose calendar goes with the loop's clock."""
    loop, began = asyncio.get_running_loop(), dt_util.utcnow()
    start = loop.time()
    with (
        TemporaryDirectory() as directory,
        patch("homeassistant.util.dt.utcnow", lambda: began + timedelta(seconds=loop.time() - start)),
    ):
        async with async_test_home_assistant(config_dir=directory) as hass:
            frame.async_setup(hass)
            del hass.data[DATA_CUSTOM_COMPONENTS]
            hass.config.components |= _NOT_NEEDED
            yield hass
            await hass.async_stop(force=True)


async def add(hass: HomeAssistant, cells: int = _CELLS, **options: object) -> SmartBmsConfigEntry:
    """Set up a simulated BMS of generation 3 as a person does, and give it some options."""
    flow = hass.config_entries.flow
    menu = await flow.async_init(DOMAIN, context={"source": "user"})
    form = await flow.async_configure(menu["flow_id"], {"next_step_id": "simulated"})
    step = await flow.async_configure(form["flow_id"], {"generation": "gen3", "cells": cells})
    entry: SmartBmsConfigEntry = step["result"]
    if options:
        hass.config_entries.async_update_entry(entry, options=options)
        await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def written(hass: HomeAssistant, entry: SmartBmsConfigEntry, seconds: float) -> Rows:
    """Let some time pass once everything has been shown; return the rows of it."""
    await asyncio.sleep(_SETTLING)
    registry = er.async_get(hass)
    by_entity: Counter[str] = Counter()

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        by_entity[event.data["entity_id"]] += 1

    stop = hass.bus.async_listen(EVENT_STATE_CHANGED, note)
    await asyncio.sleep(seconds)
    stop()
    own = er.async_entries_for_config_entry(registry, entry.entry_id)
    states = [state for each in own if (state := hass.states.get(each.entity_id)) is not None]
    ours = Counter({each.entity_id: by_entity[each.entity_id] for each in own})
    return Rows(ours, len(states), sum("state_class" in state.attributes for state in states))


async def during(seconds: float, interval: int | None = None) -> Rows:
    """Return the rows of a while with a publish interval in seconds; `None` leaves every option alone."""
    options = {} if interval is None else {CONF_PUBLISH_INTERVAL: interval}
    async with house() as hass:
        return await written(hass, await add(hass, **options), seconds)


def _show(rows: Rows, interval: int | None) -> None:
    chosen = "default options" if interval is None else f"a publish interval of {interval} s"
    print(f"\nA day of {_CELLS} cells at real pace with {chosen}: {rows.total} rows of states")
    for entity, count in rows.by_entity.most_common(_MOST_SHOWN):
        print(f"{entity:60} {count:7}")
    shown = sum(count for _, count in rows.by_entity.most_common(_MOST_SHOWN))
    print(f"{'all others':60} {rows.total - shown:7}")
    print(
        f"{rows.entities} entities, {rows.with_statistics} of them with statistics: "
        f"{rows.with_statistics * STATISTICS_A_DAY} rows of those, {rows.with_statistics * 24} kept for ever"
    )


def check(intervals: list[int]) -> bool:
    """Show a day with default options and one with each publish interval; return whether the limit holds."""
    rows = run(during(DAY))
    _show(rows, None)
    holds = rows.total <= LIMIT
    print(f"limit {LIMIT}: {'ok' if holds else 'TOO MANY'}", flush=True)
    for interval in intervals:
        _show(run(during(DAY, interval)), interval)
    return holds
