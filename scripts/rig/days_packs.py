"""Batteries for a house to live with for days: cycled daily, now and then not heard, and always known exactly."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from custom_components.smartbms.cells_feed import CellsMessage, async_follow_cells
from custom_components.smartbms.const import CONF_MEMBERS, DOMAIN
from custom_components.smartbms.coordinator import SmartBmsConfigEntry, SmartBmsCoordinator
from custom_components.smartbms.model.ledger import Flow
from custom_components.smartbms.options import CONF_MODE, Mode
from custom_components.smartbms.simulator.firmware import Firmware
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er

from .days_house import House
from .life import BATTERY

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
# How long before its end a part of a day has no loss any more.
_BACK: Final = 45 * _MINUTE
# The sun of a day, as a share of the usual.
_SUN: Final = (0.8, 1.3)
# How wrong a total may be, as a share; and in Wh, for what a total in whole kWh leaves open (docs/energy.md).
_TOLERANCE: Final = 0.001
_OPEN: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One BMS: `losses` are how long its link is lost, one in each of so many parts of a day, in s.

    `pace` is how many cycles of records it says each second.
    """

    name: str
    cells: int
    generation: str = "gen3"
    mode: Mode = Mode.CONTINUOUS
    pace: float = 1.0
    losses: tuple[float, ...]

    @property
    def known(self) -> frozenset[Flow]:
        """The flows that it counts, in reach or not; `scripts/soak --year` is for the others."""
        return frozenset(Flow) if self.generation == "gen3" else frozenset(Flow) - BATTERY


# All that is heard has to be worked for. Every five seconds is as much news for a publication every five; and
# 255 cells are heard for two hours each day.
PLANS: Final = (
    Plan(name="16 cells", cells=16, pace=0.2, losses=(20.0, 2 * _MINUTE, 15 * _MINUTE, _HOUR)),
    Plan(name="255 cells", cells=255, losses=(10.75 * _HOUR, 10.75 * _HOUR)),
    Plan(
        name="gen 2",
        cells=16,
        generation="gen2",
        mode=Mode.PERIODIC,
        losses=(5 * _MINUTE, 90 * _MINUTE),
    ),
)
BANK_OF: Final = ("16 cells", "gen 2")
BANK: Final = "bank of two"


@dataclass(slots=True)
class Predictions:
    """How often the state of charge was within what was predicted while the BMS was not heard."""

    made: int = 0
    wrong: int = 0

    def note(self, coordinator: SmartBmsCoordinator, firmware: Firmware) -> None:
        """Hold what is predicted now against the truth."""
        if (predicted := coordinator.insight.prediction(coordinator.now)) is None:
            return
        self.made += 1
        self.wrong += abs(predicted.state_of_charge - firmware.state_of_charge) > predicted.uncertainty


class Pack:
    """One BMS in the house."""

    def __init__(self, here: House, plan: Plan, entry: SmartBmsConfigEntry, random: Random) -> None:
        """Begin with a BMS that was just set up."""
        self.plan = plan
        self.entry = entry
        self.predictions = Predictions()
        # How often the dashboard was told of the cells.
        self.told = 0
        self._here = here
        self._random = random
        firmware = entry.runtime_data.reach.firmware
        assert firmware is not None
        self.firmware = firmware
        firmware.pace = plan.pace
        # What nobody hears is lived in steps of a minute.
        firmware.battery.longest_step = _MINUTE
        around = firmware.battery.surroundings
        self._sun, self._load = around.solar_peak, around.load_peak
        async_follow_cells(here.hass, entry, self._tell)

    def _tell(self, _: CellsMessage) -> None:
        self.told += 1

    @property
    def true(self) -> dict[Flow, float]:
        """What has flowed, in Wh."""
        total = self.firmware.total
        return dict(
            zip(Flow, (total.collected, total.consumed, total.charged, total.discharged), strict=True)
        )

    def begin_day(self) -> None:
        """Have another sun than yesterday, and people in the house."""
        around = self.firmware.battery.surroundings
        around.solar_peak, around.load_peak = self._sun * self._random.uniform(*_SUN), self._load

    def rest(self) -> None:
        """Let nothing flow."""
        around = self.firmware.battery.surroundings
        around.solar_peak = around.load_peak = 0.0

    async def live(self, seconds: float) -> None:
        """Live through a day, with losses that are as long every day, but at other times."""
        part = seconds / len(self.plan.losses)
        for loss in self._random.sample(self.plan.losses, len(self.plan.losses)):
            before = self._random.uniform(_MINUTE, part - loss - _BACK)
            await self._pass(before)
            self._here.air.lose(self.firmware)
            await self._pass(loss)
            self._here.air.find(self.firmware)
            await self._pass(part - before - loss)

    async def _pass(self, seconds: float) -> None:
        """Pass some time; the battery lives on when nobody hears it, and is where it was said to be."""
        time = self._here.hass.loop.time
        end = time() + seconds
        while (left := end - time()) > 0:
            await asyncio.sleep(min(left, _MINUTE))
            contact = self.entry.runtime_data.session.last_contact
            if contact is not None and time() - contact > _MINUTE / 2:
                self.firmware.advance()
                self.predictions.note(self.entry.runtime_data, self.firmware)


class Totals:
    """The energies of one entry as its entities show them, in Wh, and the largest fall there ever was."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Follow the entities of an entry, those as well that come later."""
        self.fallen = 0.0
        self.shown: dict[Flow, float] = {}
        self._registry = er.async_get(hass)
        self._flows = {f"{entry.unique_id}_{flow}_total": flow for flow in Flow}
        for state in hass.states.async_all("sensor"):
            self._see(state)
        hass.bus.async_listen(EVENT_STATE_CHANGED, self._on_changed)

    @callback
    def _on_changed(self, event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is not None:
            self._see(state)

    def _see(self, state: State) -> None:
        entity = self._registry.async_get(state.entity_id)
        flow = None if entity is None else self._flows.get(entity.unique_id)
        # Before it is known it is no number.
        with suppress(ValueError):
            if flow is not None:
                self._take(flow, 1000 * float(state.state))

    def _take(self, flow: Flow, total: float) -> None:
        self.fallen = max(self.fallen, self.shown.get(flow, total) - total)
        self.shown[flow] = total


class Error(NamedTuple):
    """By how much a total is wrong, and how much has flowed, in Wh."""

    wrong: float
    flowed: float

    @property
    def share(self) -> float:
        """The error as a share of what flowed."""
        return abs(self.wrong) / self.flowed if self.flowed else 0.0

    @property
    def of_promise(self) -> float:
        """The error as a share of what it may be: a thousandth, or what a gap over a midnight leaves open."""
        return abs(self.wrong) / max(_TOLERANCE * self.flowed, _OPEN)


async def add(hass: HomeAssistant, plan: Plan) -> SmartBmsConfigEntry:
    """Set up a simulated BMS as a person does."""
    flow = hass.config_entries.flow
    menu = await flow.async_init(DOMAIN, context={"source": "user"})
    form = await flow.async_configure(menu["flow_id"], {"next_step_id": "simulated"})
    chosen = {"generation": plan.generation, "cells": plan.cells}
    step = await flow.async_configure(form["flow_id"], chosen)
    entry: SmartBmsConfigEntry = step["result"]
    if plan.mode is not Mode.CONTINUOUS:
        hass.config_entries.async_update_entry(entry, options={CONF_MODE: plan.mode})
        await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def add_bank(hass: HomeAssistant, members: list[SmartBmsConfigEntry]) -> ConfigEntry:
    """Make a bank of some BMS as a person does."""
    flow = hass.config_entries.flow
    menu = await flow.async_init(DOMAIN, context={"source": "user"})
    form = await flow.async_configure(menu["flow_id"], {"next_step_id": "bank"})
    chosen = {"name": BANK, CONF_MEMBERS: [entry.entry_id for entry in members]}
    step = await flow.async_configure(form["flow_id"], chosen)
    await hass.async_block_till_done()
    entry: ConfigEntry = step["result"]
    return entry
