"""What a dashboard learns over the websocket: what there is to show, and the cells while it looks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Self

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry  # type: ignore[import-untyped]

from custom_components.smartbms.const import CONF_MEMBERS, DOMAIN
from custom_components.smartbms.coordinator import SmartBmsConfigEntry
from homeassistant.config_entries import SOURCE_IGNORE, ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from .diary import Counted
from .radio import ADDRESS, TITLE, Radio, entry_of, set_up, still_bms

OVERVIEW = "smartbms/overview"
CELLS = "smartbms/subscribe_cells"


class Dashboard:
    """A browser with a dashboard; `told` is what it was told of the cells, oldest first."""

    def __init__(self, client: Any) -> None:
        """Read all that Home Assistant sends."""
        self.told: list[dict[str, Any]] = []
        self._client = client
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            message = await self._client.receive_json()
            if message["type"] == "event":
                self.told.append(message["event"])
            else:
                self._answers.put_nowait(message)

    async def ask(self, command: str, **parameters: object) -> dict[str, Any]:
        """Send a command and return the answer."""
        await self._client.send_json_auto_id({"type": command, **parameters})
        return await self._answers.get()

    async def overview(self) -> list[dict[str, Any]]:
        """Return what there is to show."""
        result: list[dict[str, Any]] = (await self.ask(OVERVIEW))["result"]
        return result

    async def look_at(self, device_id: str) -> Self:
        """Look at the cells of a BMS."""
        self.subscription = (answer := await self.ask(CELLS, device_id=device_id))["id"]
        assert answer["success"]
        await asyncio.sleep(0.1)
        return self

    async def look_away(self) -> None:
        """Look at something else."""
        await self.ask("unsubscribe_events", subscription=self.subscription)

    async def close(self) -> None:
        """Close the browser."""
        self._reading.cancel()
        await self._client.close()
        await asyncio.sleep(0.1)


type Open = Callable[[], Awaitable[Dashboard]]


@pytest.fixture
async def open_dashboard(
    hass: HomeAssistant, radio: Radio, hass_ws_client: Callable[[HomeAssistant], Awaitable[Any]]
) -> AsyncIterator[Open]:
    """Give what opens a dashboard; all are closed in the end."""
    opened: list[Dashboard] = []

    async def open_one() -> Dashboard:
        opened.append(Dashboard(await hass_ws_client(hass)))
        return opened[-1]

    yield open_one
    for dashboard in opened:
        await dashboard.close()


def device_of(hass: HomeAssistant, entry: SmartBmsConfigEntry) -> str:
    """Return the device of an entry that has been loaded."""
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return device.id


def listeners(entry: SmartBmsConfigEntry) -> int:
    """Return how many listen to a coordinator, at once or every publish interval."""
    return len(entry.runtime_data._listeners) + len(entry.runtime_data._urgent_listeners)


# What there is to show.


async def test_a_dashboard_is_told_what_there_is(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """The device, its name, how many cells it has, and its entities by what they are."""
    entry = await set_up(hass, radio, still_bms(hass))
    (found,) = await (await open_dashboard()).overview()
    entities = found.pop("entities")
    assert found == {
        "device_id": device_of(hass, entry),
        "entry_id": entry.entry_id,
        "name": "123\\SmartBMS 03330",
        "loaded": True,
        "cells": 16,
    }
    assert entities["sensor.state_of_charge"] == "sensor.123_smartbms_03330_state_of_charge"
    assert entities["sensor.cell_7_voltage"] == "sensor.123_smartbms_03330_cell_7_voltage"
    assert entities["number.v_max"] == "number.123_smartbms_03330_v_max"
    assert entities["binary_sensor.voltage_high"].startswith("binary_sensor.")


async def test_only_enabled_entities_are_shown(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """The single cells of a large pack are disabled until wanted, and so are no part of a dashboard."""
    await set_up(hass, radio, still_bms(hass, cells=40), seconds=60)
    (found,) = await (await open_dashboard()).overview()
    assert found["cells"] == 40
    assert "sensor.average_cell_voltage" in found["entities"]
    assert "sensor.cell_7_voltage" not in found["entities"]


async def test_the_name_that_the_owner_gave(hass: HomeAssistant, radio: Radio, open_dashboard: Open) -> None:
    """A device that was renamed is called by that name."""
    entry = await set_up(hass, radio, still_bms(hass))
    dr.async_get(hass).async_update_device(device_of(hass, entry), name_by_user="Under the bed")
    (found,) = await (await open_dashboard()).overview()
    assert found["name"] == "Under the bed"


async def test_a_bms_that_is_not_loaded_is_there(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """A dashboard can say that it is not loaded; whether it has cells is not known."""
    entry = await set_up(hass, radio, still_bms(hass))
    device = device_of(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    (found,) = await (await open_dashboard()).overview()
    assert (found["loaded"], found["cells"], found["device_id"]) == (False, None, device)
    assert "sensor.state_of_charge" in found["entities"]


async def test_a_bms_that_was_never_loaded_has_no_device(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """Out of reach since it was added: there is its name, and nothing else."""
    bms = still_bms(hass)
    await set_up(hass, radio, still_bms(hass, address="EC:FE:7E:00:0D:03", serial_number=3331))
    entry = entry_of(hass, bms)
    _, found = await (await open_dashboard()).overview()
    assert found == {
        "device_id": None,
        "entry_id": entry.entry_id,
        "name": TITLE,
        "loaded": False,
        "cells": None,
        "entities": {},
    }


async def test_what_the_owner_does_not_want_is_not_there(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """Neither a BMS that is disabled, nor one that was ignored when it was discovered."""
    entry = await set_up(hass, radio, still_bms(hass))
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)
    MockConfigEntry(domain=DOMAIN, source=SOURCE_IGNORE, unique_id="EC:FE:7E:00:0D:04").add_to_hass(hass)
    assert await (await open_dashboard()).overview() == []


async def test_a_bank_has_no_cells_of_its_own(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """It is shown with what it adds up; its cells are those of its members."""
    await set_up(hass, radio, still_bms(hass))
    bank = MockConfigEntry(domain=DOMAIN, title="Bank", unique_id="bank_1", data={CONF_MEMBERS: []})
    bank.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=bank.entry_id, identifiers={(DOMAIN, "bank_1")}
    )
    dashboard = await open_dashboard()
    _, found = await dashboard.overview()
    assert (found["name"], found["device_id"], found["cells"]) == ("Bank", device.id, 0)
    answer = await dashboard.ask(CELLS, device_id=device.id)
    assert answer["error"]["code"] == "not_found"


# The cells.


async def test_a_dashboard_sees_the_cells(hass: HomeAssistant, radio: Radio, open_dashboard: Open) -> None:
    """At once all that is known of them: each cell, the thresholds, the average, the extremes."""
    bms = still_bms(hass, cells=4)
    for cell, voltage in zip(bms.firmware.battery.cells, (3.3, 3.31, 3.405, 3.305), strict=True):
        cell.voltage, cell.temperature = voltage, 19.0
    entry = await set_up(hass, radio, bms)
    dashboard = await (await open_dashboard()).look_at(device_of(hass, entry))
    assert dashboard.told == [
        {
            "available": True,
            "as_of": None,
            "cells": [[3.3, 19.0, False], [3.31, 19.0, False], [3.405, 19.0, True], [3.305, 19.0, False]],
            "v_min": 2.9,
            "v_max": 3.7,
            "t_min": 1.9,
            "t_max": 60.1,
            "balance": 3.4,
            "average": 3.33,
            "lowest": {"voltage": 3.3, "cell": 1},
            "highest": {"voltage": 3.405, "cell": 3},
            "chain_broken": False,
        }
    ]


async def test_cells_are_seen_without_their_entities(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """In a large pack the entities of single cells are disabled, and the picture of them is complete."""
    entry = await set_up(hass, radio, still_bms(hass, cells=255), seconds=400)
    dashboard = await (await open_dashboard()).look_at(device_of(hass, entry))
    (seen,) = dashboard.told
    assert len(seen["cells"]) == 255
    assert None not in [voltage for voltage, _, _ in seen["cells"]]


async def test_a_cell_that_changes_is_told_once(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """One more picture for one change, even below the deadband of the entities; otherwise silence."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    dashboard = await (await open_dashboard()).look_at(device_of(hass, entry))
    await asyncio.sleep(600)
    assert len(dashboard.told) == 1
    bms.firmware.battery.cells[3].voltage += 0.005
    await asyncio.sleep(60)
    assert [seen["cells"][3][0] for seen in dashboard.told] == [3.31, 3.315]


async def test_the_cells_follow_the_publish_interval(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """The owner's choice counts for dashboards too: one picture a minute of a battery that lives."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms, options={"publish_interval": 60})
    await asyncio.sleep(60)
    dashboard = await (await open_dashboard()).look_at(device_of(hass, entry))
    bms.firmware.speed = 1.0
    await asyncio.sleep(600)
    assert 9 <= len(dashboard.told) <= 11


async def test_a_broken_chain_is_told_at_once(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """However long the publish interval."""
    bms = still_bms(hass, firmware_class=Counted)
    assert isinstance(bms.firmware, Counted)
    entry = await set_up(hass, radio, bms, options={"publish_interval": 3600})
    dashboard = await (await open_dashboard()).look_at(device_of(hass, entry))
    bms.firmware.chain_broken = True
    await bms.firmware.say(3)
    assert [seen["chain_broken"] for seen in dashboard.told] == [False, True]


async def test_before_the_first_cell(hass: HomeAssistant, radio: Radio, open_dashboard: Open) -> None:
    """Nothing is invented while the BMS has said nothing yet."""
    entry = await set_up(hass, radio, still_bms(hass), seconds=0)
    dashboard = await (await open_dashboard()).look_at(device_of(hass, entry))
    first = dashboard.told[0]
    assert (first["cells"], first["average"], first["v_min"], first["t_max"]) == ([], None, None, None)
    assert first["lowest"] == first["highest"] == {"voltage": None, "cell": None}
    await asyncio.sleep(30)
    assert dashboard.told[-1]["average"] == 3.31531


# Out of reach.


async def test_out_of_reach_the_last_values_stay(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """With the time they are from; back in reach they have no date."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    dashboard = await (await open_dashboard()).look_at(device_of(hass, entry))
    heard = dt_util.utcnow()
    radio.take_away(bms)
    await asyncio.sleep(600)
    before, after = dashboard.told
    assert before["available"]
    assert not after["available"]
    assert abs(datetime.fromisoformat(after["as_of"]) - heard) < timedelta(seconds=2)
    assert after["cells"] == before["cells"]
    radio.bring(bms)
    await asyncio.sleep(60)
    assert (dashboard.told[-1]["available"], dashboard.told[-1]["as_of"]) == (True, None)
    assert dashboard.told[-1]["cells"] == before["cells"]


async def test_what_an_earlier_run_knew(hass: HomeAssistant, radio: Radio, open_dashboard: Open) -> None:
    """After a restart out of reach the cells are shown as they were, with the time of then."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    heard = dt_util.utcnow()
    await hass.config_entries.async_unload(entry.entry_id)
    radio.take_away(bms)
    await asyncio.sleep(600)
    setting_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await asyncio.sleep(120)
    await setting_up
    dashboard = await (await open_dashboard()).look_at(device_of(hass, entry))
    (seen,) = dashboard.told
    assert (seen["available"], len(seen["cells"]), seen["v_max"]) == (False, 16, 3.7)
    assert abs(datetime.fromisoformat(seen["as_of"]) - heard) < timedelta(seconds=10)


async def test_unloaded_and_loaded_again(hass: HomeAssistant, radio: Radio, open_dashboard: Open) -> None:
    """Whoever looks meanwhile sees it go and come back, with the new values."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    dashboard = await (await open_dashboard()).look_at(device_of(hass, entry))
    await hass.config_entries.async_unload(entry.entry_id)
    await asyncio.sleep(1)
    assert not dashboard.told[-1]["available"]
    assert len(dashboard.told[-1]["cells"]) == 16
    for cell in bms.firmware.battery.cells:
        cell.voltage = 3.35
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(30)
    assert (dashboard.told[-1]["available"], dashboard.told[-1]["average"]) == (True, 3.35)


async def test_looking_before_it_is_loaded(hass: HomeAssistant, radio: Radio, open_dashboard: Open) -> None:
    """A dashboard that was open first is told as soon as there is something to tell."""
    entry = await set_up(hass, radio, still_bms(hass))
    device = device_of(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    dashboard = await (await open_dashboard()).look_at(device)
    (seen,) = dashboard.told
    assert (seen["available"], seen["as_of"], seen["cells"]) == (False, None, [])
    await hass.config_entries.async_setup(entry.entry_id)
    await asyncio.sleep(30)
    assert entry.state is ConfigEntryState.LOADED
    assert dashboard.told[-1]["available"]


# Nobody and many.


async def test_nobody_looks(hass: HomeAssistant, radio: Radio, open_dashboard: Open) -> None:
    """Nothing listens to the BMS for dashboards that are closed, or look at something else."""
    entry = await set_up(hass, radio, still_bms(hass))
    device, alone = device_of(hass, entry), listeners(entry)
    first, second = await open_dashboard(), await open_dashboard()
    await first.look_at(device)
    watched = listeners(entry)
    assert watched == alone + 2
    await second.look_at(device)
    assert listeners(entry) == watched
    await first.look_away()
    assert listeners(entry) == watched
    await second.close()
    assert listeners(entry) == alone
    await first.look_at(device)
    assert listeners(entry) == watched


async def test_many_look(hass: HomeAssistant, radio: Radio, open_dashboard: Open) -> None:
    """All see the same, each from its first look on."""
    bms = still_bms(hass)
    entry = await set_up(hass, radio, bms)
    device = device_of(hass, entry)
    first = await (await open_dashboard()).look_at(device)
    bms.firmware.battery.cells[0].voltage += 0.1
    await asyncio.sleep(60)
    seen = len(first.told)
    second = await (await open_dashboard()).look_at(device)
    bms.firmware.battery.cells[0].voltage -= 0.05
    await asyncio.sleep(60)
    assert 2 <= seen < len(first.told)
    assert first.told[seen - 1 :] == second.told


async def test_nobody_looks_while_it_is_reloaded(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open
) -> None:
    """What was looked at once does not come back with the BMS."""
    entry = await set_up(hass, radio, still_bms(hass))
    alone = listeners(entry)
    dashboard = await (await open_dashboard()).look_at(device_of(hass, entry))
    await dashboard.look_away()
    await hass.config_entries.async_reload(entry.entry_id)
    await asyncio.sleep(30)
    assert listeners(entry) == alone
    assert len(dashboard.told) == 1


@pytest.mark.parametrize("other", [True, False])
async def test_a_device_that_is_no_bms(
    hass: HomeAssistant, radio: Radio, open_dashboard: Open, other: bool
) -> None:
    """Of another integration, or gone: a dashboard is told that there is no such BMS."""
    await set_up(hass, radio, still_bms(hass, address=ADDRESS))
    lamp = MockConfigEntry(domain="lamp")
    lamp.add_to_hass(hass)
    registry = dr.async_get(hass)
    device = registry.async_get_or_create(config_entry_id=lamp.entry_id, identifiers={("lamp", "1")})
    answer = await (await open_dashboard()).ask(CELLS, device_id=device.id if other else "gone")
    assert (answer["success"], answer["error"]["code"]) == (False, "not_found")
