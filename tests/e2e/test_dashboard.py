"""The dashboard in a real browser: chosen in the dialog, rendered, alive, on a phone and in the dark."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
import json
from typing import Any, Final, cast

import pytest
import pytest_asyncio
import pytest_socket

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.simulator.scenario import SCENARIOS, ScenarioKey
from scripts.rig.api import ApiError
from scripts.rig.browser import chromium, logged_in, within
from scripts.rig.home_assistant import PASSWORD, USER
from scripts.rig.tab import BrowserError, Tab
from scripts.rig.world import World

from .house import DOMAIN, E2E, Bring

pytestmark = E2E

DESKTOP: Final = 1280
PHONE: Final = 390
HEIGHT: Final = 900
TIMEOUT: Final = 30.0
# What stands in the address of every module of ours, and in the type of every element.
OURS: Final = "smartbms"
TITLE: Final = "Battery room"
# Where the browser has the modules of the integration from; the version is part of it.
MODULES: Final = """
performance.getEntriesByType("resource").map(({ name }) => name)
  .find((name) => name.endsWith("/strategy.js")).replace("strategy.js", "")
"""
BRIGHTNESS: Final = 'find("home-assistant")[0].hass.themes.darkMode ? "dark" : "light"'
BROKEN: Final = "hui-error-card, hui-error-badge, hui-error-heading-badge, hui-warning, hui-card[error]"


@dataclass
class Screen:
    """The browser, in front of the dashboard of a Home Assistant."""

    here: World
    tab: Tab
    path: str = ""
    modules: str = ""

    async def open(self, path: str, *, width: int = DESKTOP, dark: bool = False) -> None:
        """Go to a page and wait until it is there."""
        async with within(TIMEOUT, path):
            await self.tab.scheme(dark=dark)
            await self.tab.resize(width, HEIGHT)
            await self.tab.open(f"{self.here.home_assistant.url}{path}")

    async def leave(self) -> None:
        """Go where nothing is shown, but the modules can be had."""
        await self.tab.call("Page.navigate", url=f"{self.modules}dashboard.js")

    async def find(self, expression: str) -> Any:
        """Return what JavaScript finds once it finds anything."""
        async with within(TIMEOUT, expression):
            return await self.tab.evaluate(f"until(() => {expression})")

    async def press(self, selector: str, text: str) -> None:
        """Press the element of a kind on which something is written."""
        written = f"says(each).includes({json.dumps(text)})"
        await self.find(f"find({json.dumps(selector)}).filter((each) => {written} && !each.click()).length")

    async def shows(self, selector: str, text: str) -> None:
        """Wait until something is written on an element of a kind."""
        await self.find(
            f"find({json.dumps(selector)}).some((each) => says(each).includes({json.dumps(text)}))"
        )

    async def read(self, selector: str) -> list[str]:
        """Return what is written on every element of a kind."""
        return cast(list[str], await self.tab.evaluate(f"find({json.dumps(selector)}).map(says)"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(shared: World) -> AsyncIterator[Screen]:
    """Log in once: it takes seconds. The integration is loaded, which takes a BMS; that is gone again."""
    try:
        chromium()
    except BrowserError as err:
        pytest.skip(str(err))
    await shared.api.delete_entry(await _add_simulated(shared))
    # The fixture of that name only lives as long as a test.
    pytest_socket.enable_socket()
    async with logged_in(shared.home_assistant.url, USER, PASSWORD) as tab:
        yield Screen(shared, tab)


@pytest_asyncio.fixture(loop_scope="session")
async def screen(browser: Screen) -> AsyncIterator[Screen]:
    """Give the browser with the dashboard, and see that it complains of nothing that is ours.

    Home Assistant itself warns of numbers that are unavailable, and fails when the view that is open goes.
    """
    if not browser.path:
        browser.path = await _choose_in_dialog(browser)
        browser.modules = cast(str, await browser.tab.evaluate(MODULES))
        await browser.leave()
    yield browser
    complaints = await browser.tab.complaints()
    await browser.leave()
    assert [complaint for complaint in complaints if OURS in complaint] == []


async def _add_simulated(here: World) -> str:
    """Add a simulated BMS of two cells; return its entry."""
    menu = await here.api.start_flow(DOMAIN)
    form = await here.api.flow_step(menu["flow_id"], {"next_step_id": "simulated"})
    step = await here.api.flow_step(form["flow_id"], {"generation": "gen3", "cells": 2})
    return step["result"]["entry_id"]


async def _choose_in_dialog(browser: Screen) -> str:
    """Add the dashboard as an owner does; return its path."""
    await browser.open("/config/lovelace/dashboards")
    await browser.press("ha-button", "Add dashboard")
    await browser.press(
        "dashboard-card", "123\\SmartBMS Energy flow, cells, alarms, history and settings of every BMS."
    )
    await browser.find(
        'find("dialog-lovelace-dashboard-detail").flatMap(({ shadowRoot }) => [...all(shadowRoot)])'
        '.filter((each) => each.matches("input")).slice(0, 1).filter((name) => !name.focus()).length'
    )
    await browser.tab.call("Input.insertText", text=TITLE)
    await browser.press("[slot=primaryAction]:not([disabled])", "Create")

    async def saved() -> str | None:
        """First there is a dashboard, and a moment later what is on it."""
        listed = cast(list[dict[str, str]], await browser.here.api.command("lovelace/dashboards/list"))
        for path in [each["url_path"] for each in listed if each["title"] == TITLE]:
            with suppress(ApiError):
                config = await browser.here.api.command("lovelace/config", url_path=path)
                assert config == {"strategy": {"type": "custom:smartbms"}}
                return path
        return None

    path = await browser.here.api.wait_for(saved, TIMEOUT, "the dashboard to be added")
    return f"/{path}"


async def _dashboard(screen: Screen, batteries: list[dict[str, Any]], *, has_energy: bool = False) -> Any:
    """Return what the browser makes of an overview; the texts are their keys."""
    words = f"{{ text: (key) => key, findings: {{}}, hasEnergy: {json.dumps(has_energy)} }}"
    made = f"(await import('{screen.modules}dashboard.js')).dashboard({json.dumps(batteries)}, {words})"
    return await screen.tab.evaluate(made)


async def test_without_a_bms_it_says_what_to_do(screen: Screen) -> None:
    """An owner who adds the dashboard first is told what comes next."""
    await screen.open(screen.path)
    await screen.shows("hui-markdown-card", "There is no BMS yet.")


async def test_views_for_batteries(screen: Screen) -> None:
    """One view for each battery, by its name; before them one of all, where there are several."""

    async def views(*names: str) -> list[tuple[str, str]]:
        batteries: list[dict[str, Any]] = [
            {"name": name, "device_id": None, "loaded": True, "cells": 4, "entities": {}} for name in names
        ]
        return [(view["title"], view["path"]) for view in (await _dashboard(screen, batteries))["views"]]

    assert await views("123\\SmartBMS 03330") == [("123\\SmartBMS 03330", "123-smartbms-03330")]
    assert await views("Überdach", "48", "48", "日本", "Overview") == [
        ("dashboard_overview", "overview"),
        ("Überdach", "uberdach"),
        ("48", "battery-48"),
        ("48", "battery-48-2"),
        ("日本", "battery"),
        ("Overview", "overview-2"),
    ]


async def test_what_is_built_of_few_entities(screen: Screen) -> None:
    """Only of what there is: a tile in full, and lines that what is left shares."""
    battery = {
        "name": "Bank",
        "device_id": "d1",
        "loaded": True,
        "cells": 0,
        "entities": {
            "binary_sensor.voltage_high": "binary_sensor.vh",
            "sensor.connection": "sensor.link",
            "sensor.current": "sensor.amps",
            "sensor.voltage": "sensor.volts",
            "sensor.stored_energy": "sensor.stored",
            "sensor.charged_today": "sensor.in",
            "sensor.discharged_today": "sensor.out",
            "sensor.lowest_cell_voltage": "sensor.low",
            "sensor.charged_total": "sensor.total",
            "number.v_max": "number.v_max",
        },
    }
    (view,) = (await _dashboard(screen, [battery], has_energy=True))["views"]
    assert view["badges"][0] == {
        "type": "entity",
        "entity": "binary_sensor.vh",
        "name": "Vh",
        "show_name": True,
        "show_state": False,
        "color": "red",
    }
    assert view["sections"][0]["cards"][0]["visibility"] == [
        {"condition": "state", "entity": "sensor.link", "state": "unavailable"}
    ]
    sections = {section["cards"][0].get("heading"): section["cards"][1:] for section in view["sections"][1:]}
    assert list(sections) == [
        "dashboard_battery",
        "dashboard_cells",
        "dashboard_day",
        "dashboard_month",
        "dashboard_settings",
    ]
    assert sections["dashboard_battery"][0] == {
        "type": "tile",
        "entity": "sensor.amps",
        "name": "dashboard_current",
        "color": "teal",
        "vertical": True,
        "grid_options": {"columns": 4},
    }
    assert [card["grid_options"] for card in sections["dashboard_battery"]] == [
        {"columns": 4},
        {"columns": 4},
        {"columns": 4},
        {"columns": 6},
        {"columns": 6},
    ]
    assert [card["entity"] for card in sections["dashboard_cells"]] == ["sensor.low"]
    assert sections["dashboard_month"][1]["entities"] == [
        {"entity": "sensor.total", "name": {"type": "entity"}}
    ]
    assert [card["title"] for card in sections["dashboard_settings"]] == [
        "dashboard_thresholds",
        "dashboard_connection",
    ]
    month = view["sections"][4]["cards"][0]
    assert month["badges"][0]["tap_action"] == {"action": "navigate", "navigation_path": "/energy"}


@pytest.mark.parametrize(
    ("cells", "lines"),
    [(16, [f"cell {number}" for number in range(1, 17)]), (17, ["highest", "lowest"])],
)
async def test_history_of_cell_voltages(screen: Screen, cells: int, lines: list[str]) -> None:
    """Of each cell in its order, as long as so many lines can be read; else of the extremes."""
    entities = {f"sensor.cell_{number}_voltage": f"cell {number}" for number in range(cells, 0, -1)}
    entities |= {"sensor.lowest_cell_voltage": "lowest", "sensor.highest_cell_voltage": "highest"}
    battery = {"name": "A", "device_id": "d1", "loaded": True, "cells": cells, "entities": entities}
    (view,) = (await _dashboard(screen, [battery]))["views"]
    (graph,) = [
        card
        for section in view["sections"]
        for card in section["cards"]
        if card["type"] == "history-graph" and card["title"] == "dashboard_cell_voltages"
    ]
    assert [line["entity"] for line in graph["entities"]] == lines
    assert graph["hours_to_show"] == 24


async def test_a_battery_that_was_never_loaded(screen: Screen) -> None:
    """Its view says so; there is nothing else to show."""
    battery: dict[str, Any] = {"name": "A", "device_id": None, "loaded": False, "cells": None, "entities": {}}
    (view,) = (await _dashboard(screen, [battery]))["views"]
    ((card,),) = [section["cards"] for section in view["sections"]]
    assert (card["type"], card["content"]) == ("markdown", "dashboard_not_loaded")


async def test_every_view_on_every_screen(screen: Screen, bring: Bring) -> None:
    """Both generations, on a desk and on a phone, by day and by night: no card fails, nothing is cut off."""
    gen3, gen2 = bring(), bring(DeviceType.GEN2)
    for bms in (gen3, gen2):
        await bms.set_up()
    await screen.open(screen.path)
    await screen.shows("hui-heading-card", gen3.name)
    await screen.shows("hui-heading-card", gen2.name)
    views = [bms.name.lower().replace("\\", "-").replace(" ", "-") for bms in (gen3, gen2)]
    for view, width, dark in (
        (views[0], DESKTOP, False),
        (views[0], PHONE, True),
        (views[1], DESKTOP, True),
        (views[1], PHONE, False),
    ):
        await screen.open(f"{screen.path}/{view}", width=width, dark=dark)
        await screen.find('find("li[data-cell]").length === 3')
        assert await screen.read(BROKEN) == []
        assert await screen.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await screen.tab.evaluate(BRIGHTNESS) == ("dark" if dark else "light")
        headings = [text for text in await screen.read("hui-heading-card") if text]
        assert headings == [
            "Sun or charger",
            "Battery",
            "Load",
            "Condition",
            "Cells",
            "Last 24 hours",
            "Last 30 days",
            "Settings Device",
        ]
    await _every_setting_is_there(screen)


async def _every_setting_is_there(screen: Screen) -> None:
    """Whatever can be set of the BMS can be set on the dashboard."""
    overview = cast(list[dict[str, Any]], await screen.here.api.command("smartbms/overview"))
    for battery in overview:
        built = json.dumps(await _dashboard(screen, [battery]))
        for key, entity_id in battery["entities"].items():
            if key.split(".")[0] in ("number", "select", "switch"):
                assert json.dumps(entity_id) in built, key


async def test_values_lamps_and_reasons_follow(screen: Screen, bring: Bring) -> None:
    """What the BMS says is on the screen without a reload: the lamp E, why, what to do; and gone again."""
    bms = bring()
    await bms.set_up()
    await bms.configure(publish_interval=1)
    await screen.open(screen.path)
    lamps = "hui-entity-badge"
    await screen.shows(lamps, "Tl")
    assert await screen.read(lamps) == ["E", "Vh", "Vl", "Th", "Tl"]
    lit = f'find("{lamps}").filter((lamp) => lamp.shadowRoot.innerHTML.includes("red")).map(says)'
    assert await screen.tab.evaluate(lit) == []
    charge = int(bms.firmware.state_of_charge)
    await screen.shows("hui-tile-card", f"State of charge {charge}%")

    bms.firmware.chain_broken = True
    assert await screen.find(f"{lit}.length && {lit}") == ["E"]
    await screen.shows("hui-tile-card", "Charging blocked by No communication with the cells")
    await screen.shows("hui-markdown-card", f"{bms.name} has lost the communication with its cells")
    bms.firmware.chain_broken = False
    await screen.find(f"{lit}.length === 0")

    bms.firmware.pass_time(3600)
    assert int(bms.firmware.state_of_charge) != charge
    await screen.shows("hui-tile-card", f"State of charge {int(bms.firmware.state_of_charge)}%")


async def test_an_overcharged_cell_turns_red(screen: Screen, bring: Bring) -> None:
    """The charger is set too high: a cell passes V max, is red, and is said to be why."""
    bms = bring()
    await bms.set_up()
    await bms.configure(publish_interval=1)
    await screen.open(screen.path)
    await screen.find('find("li.in_range").length === 3')
    SCENARIOS[ScenarioKey.CHARGER_TOO_HIGH].begin(bms.firmware)
    voltages = [0.0]
    while max(voltages) < 3.6975:
        bms.firmware.pass_time(1)
        voltages = [cell.voltage for cell in bms.firmware.battery.cells]
    number = voltages.index(max(voltages)) + 1
    red = await screen.find(
        'find("li.outside").length && find("li.outside").map((cell) => cell.dataset.cell)'
    )
    assert red == [str(number)]
    colour = 'getComputedStyle(find("li.outside .bar i")[0]).backgroundColor'
    # Home Assistant's colour of an error.
    assert await screen.tab.evaluate(colour) == "rgb(219, 68, 55)"
