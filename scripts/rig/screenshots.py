"""Makes the pictures of the documentation from the demo."""

import asyncio
from pathlib import Path

from custom_components.smartbms.simulator.scenario import SCENARIOS, ScenarioKey

from .api import Api
from .browser import screenshots
from .demo import NAME, say, set_up
from .home_assistant import PASSWORD, USER
from .world import World, simulated_bms, world

OUT = Path(__file__).parents[2] / "docs" / "images"


async def main() -> None:
    """Photograph the discovery, then the device with all its values, then what is wrong with it."""
    bms = simulated_bms(speed=20, pace=4)
    async with world([bms], progress=say) as here:
        await here.discovered(NAME)
        await photograph(here, {"discovered.png": "/config/integrations/dashboard"}, 1100, 640)
        await set_up(here)
        await here.everything_known(bms)
        await photograph(
            here, {"device.png": f"/config/devices/device/{await device_id(here.api)}"}, 1500, 1150
        )
        SCENARIOS[ScenarioKey.CHARGER_TOO_HIGH].begin(bms.firmware)
        page = {"finding.png": "/config/repairs"}
        await photograph(here, page, 1000, 640, click="ha-list-item-button > img")


async def photograph(
    here: World, pages: dict[str, str], width: int, height: int, click: str | None = None
) -> None:
    """Save pictures of some pages."""
    url = here.home_assistant.url
    await screenshots(url, USER, PASSWORD, pages, OUT, width=width, height=height, whole=False, click=click)


async def device_id(api: Api) -> str:
    """Return the device of the BMS."""
    return next(device["id"] for device in await api.devices() if device["manufacturer"] == "123electric")


if __name__ == "__main__":
    asyncio.run(main())
