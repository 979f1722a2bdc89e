"""A simulated BMS inside Home Assistant, for whoever has no BMS yet."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from scripts.rig.world import World, configure

from .house import DOMAIN, E2E, Log, shows_something

pytestmark = E2E

OF_GENERATION_3 = "State of health"


@pytest_asyncio.fixture(loop_scope="session")
async def entry_ids(here: World) -> AsyncIterator[list[str]]:
    """Collect entries that are removed after the test."""
    made: list[str] = []
    yield made
    for entry_id in made:
        await here.api.delete_entry(entry_id)


async def _add(here: World, generation: str, cells: int) -> str:
    """Go through the dialogue as a person does; return the entry."""
    menu = await here.api.start_flow(DOMAIN)
    assert menu["type"] == "menu"
    form = await here.api.flow_step(menu["flow_id"], {"next_step_id": "simulated"})
    assert (form["type"], form["step_id"]) == ("form", "simulated")
    step = await here.api.flow_step(form["flow_id"], {"generation": generation, "cells": cells})
    assert step["type"] == "create_entry"
    return step["result"]["entry_id"]


async def _shown(here: World, entry_id: str) -> dict[str, str]:
    """Return what an entry shows, by the entities' names."""
    states = await here.api.states()
    return {
        entity["original_name"] or "": states[entity["entity_id"]]["state"]
        for entity in await here.api.entities()
        if entity["config_entry_id"] == entry_id and entity["entity_id"] in states
    }


async def _choose(here: World, entry_id: str, name: str, option: str) -> None:
    """Choose an option of the select that an entry has under a name."""
    (select,) = [
        entity["entity_id"]
        for entity in await here.api.entities()
        if entity["config_entry_id"] == entry_id and entity["original_name"] == name
    ]
    await here.api.call_service("select", "select_option", target={"entity_id": select}, option=option)


async def test_simulated_bms_live_without_any_hardware(here: World, entry_ids: list[str], log: Log) -> None:
    """Of either generation: the entities appear, have values, and those change."""
    entry_ids += await asyncio.gather(_add(here, "gen2", cells=2), _add(here, "gen3", cells=2))
    await asyncio.gather(*(configure(here.api, entry_id, publish_interval=1) for entry_id in entry_ids))

    async def complete() -> list[dict[str, str]] | None:
        shown = [await _shown(here, entry_id) for entry_id in entry_ids]
        return shown if all("Cell 2 voltage" in each and shows_something(each) for each in shown) else None

    first = await here.api.wait_for(complete, 30, "every cell to be shown")
    assert first is not None
    assert [OF_GENERATION_3 in shown for shown in first] == [False, True]
    assert not any("Cell 3 voltage" in shown for shown in first)
    # At the speed of life a cell does not move by much more than it flickers.
    for entry_id in entry_ids:
        await _choose(here, entry_id, "Speed", "300")

    async def changed() -> bool:
        now = [await _shown(here, entry_id) for entry_id in entry_ids]
        return all(
            shown[name] != before[name]
            for shown, before in zip(now, first, strict=True)
            for name in ("Voltage", "Average cell voltage")
        )

    await here.api.wait_for(changed, 30, "the values to change")
    assert log.complaints == []


async def test_another_day(here: World, entry_ids: list[str]) -> None:
    """The scenario is chosen in a select, is lived at once, and survives a reload."""
    entry_ids.append(await _add(here, "gen3", cells=8))
    await configure(here.api, entry_ids[0], publish_interval=1)

    async def shows(name: str, state: str) -> None:
        async def as_wanted() -> bool:
            return (await _shown(here, entry_ids[0])).get(name) == state

        await here.api.wait_for(as_wanted, 30, f"{name} to be {state}")

    await shows("Scenario", "solar_day")
    await _choose(here, entry_ids[0], "Scenario", "chain_broken")
    await shows("Scenario", "chain_broken")
    await shows("Charging blocked by", "no_communication")
    await here.api.reload_entry(entry_ids[0])
    await shows("Charging blocked by", "no_communication")
    await shows("Scenario", "chain_broken")
