"""Makes the pictures of the documentation from the demo."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from custom_components.smartbms.simulator.scenario import SCENARIOS, ScenarioKey

from .api import Api
from .browser import PAGE_TIMEOUT, logged_in, within
from .dashboard import add_dashboard
from .demo import NAME, say, set_up
from .home_assistant import PASSWORD, USER
from .past import add_day
from .tab import Tab
from .world import World, simulated_bms, world

OUT: Final = Path(__file__).parents[2] / "docs" / "images"
# Cell voltage in V at which the wire says 3.700, the V max of the simulated BMS.
V_MAX: Final = 3.6975
# What time it is in the pictures, whenever they are made: the sun shines, and the battery is not full yet.
HOUR: Final = 9


@dataclass(frozen=True, slots=True)
class Picture:
    """A file, the page that is on it, and the window it is seen in."""

    file: str
    path: str
    width: int
    height: int
    dark: bool = False
    click: str | None = None
    # Brings what the picture is about to the top.
    show: str | None = None


async def main() -> None:
    """Photograph the discovery, the device, the dashboard, and what a charger that is too high does."""
    bms = simulated_bms(pace=4, speed=0)
    async with world([bms], progress=say) as here:
        await here.discovered(NAME)
        await photograph(here, [Picture("discovered.png", "/config/integrations/dashboard", 1100, 640)])
        await set_up(here)
        await here.everything_known(bms)
        await live_a_day(here, bms)
        device = f"/config/devices/device/{await device_id(here.api)}"
        dashboard = await add_dashboard(here.api)
        await photograph(
            here,
            [
                Picture("device.png", device, 1500, 1150),
                Picture("dashboard.png", dashboard, 1400, 1370),
                Picture("dashboard-dark.png", dashboard, 1400, 1370, dark=True),
                Picture("history.png", dashboard, 1400, 610, show="Last 24 hours"),
            ],
        )
        overcharge(bms)
        await photograph(
            here,
            [
                Picture("finding.png", "/config/repairs", 1000, 640, click="ha-list-item-button > img"),
                Picture("cells.png", dashboard, 390, 880, show="Cells"),
            ],
        )


async def live_a_day(here: World, bms: BmsPeripheral) -> None:
    """Give Home Assistant a past of a day, and let the battery go on from there."""
    bms.firmware.battery.surroundings.time_of_day = HOUR * 3600
    prefix = f"{bms.address}_"
    entity_ids = {
        entity["unique_id"].removeprefix(prefix): entity["entity_id"]
        for entity in await here.api.entities()
        if entity["unique_id"].startswith(prefix)
    }
    await here.home_assistant.terminate()
    await asyncio.to_thread(add_day, here.home_assistant.directory, bms.firmware, entity_ids)
    bms.firmware.speed = 1
    await here.home_assistant.start()
    await here.api.command("config/core/update", time_zone=time_zone())
    await here.everything_known(bms)


def time_zone() -> str:
    """Return the time zone in which it is the hour of the pictures now."""
    # West of Greenwich is positive in these names.
    return f"Etc/GMT{(datetime.now(UTC).hour - HOUR + 12) % 24 - 12:+}"


def overcharge(bms: BmsPeripheral) -> None:
    """Charge too high until a cell is at V max, and hold the battery still in that moment."""
    firmware = bms.firmware
    SCENARIOS[ScenarioKey.CHARGER_TOO_HIGH].begin(firmware)
    firmware.speed = 0
    while all(cell.voltage < V_MAX for cell in firmware.battery.cells):
        firmware.pass_time(1)


async def photograph(here: World, pictures: Iterable[Picture]) -> None:
    """Save pictures of some pages."""
    url = here.home_assistant.url
    async with logged_in(url, USER, PASSWORD) as tab:
        await tab.time_zone(time_zone())
        for picture in pictures:
            async with within(PAGE_TIMEOUT, picture.path):
                await tab.scheme(dark=picture.dark)
                await tab.resize(picture.width, picture.height)
                await tab.open(f"{url}{picture.path}")
                image = await _take(tab, picture)
            await asyncio.to_thread((OUT / picture.file).write_bytes, image)
            say(f"made {picture.file}")


async def _take(tab: Tab, picture: Picture) -> bytes:
    if picture.click is not None:
        await tab.click(picture.click)
    if picture.show is not None:
        await tab.scroll_to("hui-heading-card", picture.show)
    return await tab.screenshot(picture.width, picture.height, whole=False)


async def device_id(api: Api) -> str:
    """Return the device of the BMS."""
    return next(device["id"] for device in await api.devices() if device["manufacturer"] == "123electric")


if __name__ == "__main__":
    asyncio.run(main())
