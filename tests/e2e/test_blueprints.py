"""A blueprint, from its address to a notification."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from scripts.rig.api import ApiError
from scripts.rig.home_assistant import HOST
from scripts.rig.world import World

from .house import E2E, Bring, Log

BLUEPRINTS = Path(__file__).parents[2] / "blueprints" / "automation" / "smartbms"
AUTOMATION = "/api/config/automation/config/tell_alarms"

pytestmark = E2E


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[str]:
    """Serve a folder as a web site does; give its address."""
    app = web.Application()
    app.router.add_static("/", folder)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def import_blueprint(here: World, url: str) -> str:
    """Import a blueprint by its address, as the dialogue does; return its path."""
    imported = cast(dict[str, Any], await here.api.command("blueprint/import", url=url))
    assert imported["validation_errors"] is None
    assert imported["exists"] is False
    path = f"{imported['suggested_filename']}.yaml"
    await here.api.command(
        "blueprint/save", domain="automation", path=path, yaml=imported["raw_data"], source_url=url
    )
    known = cast(dict[str, Any], await here.api.command("blueprint/list", domain="automation"))
    assert known[path]["metadata"]["name"] == "123\\SmartBMS: tell of an alarm"
    assert known[path]["metadata"]["source_url"] == url
    return path


async def notifications(here: World) -> dict[str, str]:
    """Return what waits to be read: messages by title."""
    shown = cast(list[dict[str, str]], await here.api.command("persistent_notification/get"))
    return {each["title"]: each["message"] for each in shown if each["title"]}


async def test_a_blueprint_is_imported_and_tells_of_an_alarm(here: World, bring: Bring, log: Log) -> None:
    """Imported by its address, made an automation, and it tells when a cell gets too high, and no more."""
    bms = bring()
    await bms.set_up()
    async with served(BLUEPRINTS) as address:
        path = await import_blueprint(here, f"{address}/alarm_notification.yaml")
    alarm = (await bms.entity_ids())["alarm"]
    try:
        await here.api.request(
            "POST",
            AUTOMATION,
            {"alias": "Alarms", "use_blueprint": {"path": path, "input": {"alarm_events": [alarm]}}},
        )

        async def is_ready() -> bool:
            state = (await here.api.states()).get("automation.alarms")
            return state is not None and state["state"] == "on"

        await here.api.wait_for(is_ready, 10, "the automation to run")
        title = f"{bms.name}: alarm Vh"
        bms.firmware.battery.cells[1].voltage = 3.72

        async def is_told() -> bool:
            return title in await notifications(here)

        await here.api.wait_for(is_told, 10, "the alarm to be told")
        assert (await notifications(here))[title] == (
            "Cell voltage high: cell 2 has 3.720 V, the limit is 3.700 V."
        )
        bms.firmware.battery.cells[1].voltage = 3.3
        await bms.becomes("voltage_high", "off")
        ours = [title for title in await notifications(here) if title.startswith(bms.name)]
        assert ours == [title]
        assert log.complaints == []
    finally:
        with suppress(ApiError):
            await here.api.request("DELETE", AUTOMATION)
        await here.api.command("blueprint/delete", domain="automation", path=path)
        await here.api.call_service("persistent_notification", "dismiss_all")
