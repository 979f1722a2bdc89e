"""The demo: discover a simulated BMS in a real Home Assistant, show it, or check it and leave."""

import argparse
import asyncio
import json
from pathlib import Path
import signal
import socket
import sys
from time import monotonic

from custom_components.smartbms.bms.errors import RecordingError
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.gatt import Peripheral
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from custom_components.smartbms.simulator.scenario import SCENARIOS, ScenarioKey
from homeassistant.const import __version__ as HOME_ASSISTANT_VERSION

from .api import ApiError
from .case import EXPLANATIONS
from .dashboard import add_dashboard
from .energy_dashboard import STATISTICS, EnergyDashboard
from .home_assistant import HOST, INTEGRATION, PASSWORD, USER, StartError
from .scenarios import check_scenarios
from .truth import MEASURED
from .world import World, replayed_bms, simulated_bms, world

NAME = "123\\SmartBMS 03330"
PORT = 8123
SPEED = 20.0
ALL = "all"
WATT_HOURS = 1000.0
CHANGE_TIMEOUT = 30.0
ENTITIES_TIMEOUT = 30.0


class CheckError(Exception):
    """The demo does not show what it should."""


def say(text: str) -> None:
    """Show progress."""
    print(text, file=sys.stderr, flush=True)


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


async def show(
    cells: int, speed: float | None, scenario: ScenarioKey | None = None, replay: Path | None = None
) -> None:
    """Run the demo until it is interrupted."""
    # An interrupt cancels the task by itself; being asked to terminate shall end as cleanly.
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    bms: Peripheral
    if replay is None:
        bms = simulated_bms(cells=cells, speed=SPEED if speed is None else speed)
        if scenario is not None:
            SCENARIOS[scenario].begin(bms.firmware)
    else:
        bms = replayed_bms(replay, speed=1.0 if speed is None else speed)
    async with world([bms], port=PORT if is_free(PORT) else None, progress=say) as here:
        await set_up(here)
        say("adding the dashboards")
        await add_dashboard(here.api)
        if isinstance(bms.firmware, Firmware):
            await energy_dashboard(here, bms.address, bms.firmware)
        say(f"\nOpen {here.home_assistant.url} and log in as {USER} with password {PASSWORD}.")
        say("Ctrl-C ends the demo and leaves nothing behind.")
        await asyncio.Event().wait()


async def check(cells: int) -> dict[str, object]:
    """Run the demo unattended; return what was measured, or raise what is missing."""
    began = monotonic()
    bms = simulated_bms(cells=cells, speed=30, pace=4)
    async with world([bms], progress=say) as here:
        started = monotonic()
        await set_up(here)
        configured = monotonic()
        say("waiting for every value")
        await here.everything_known(bms)
        known = monotonic()
        say("setting up the Energy dashboard")
        dashboard = await energy_dashboard(here, bms.address, bms.firmware)
        await dashboard.begin_statistics()
        if complaints := await dashboard.complaints():
            raise CheckError(f"the Energy dashboard is wrong: {'; '.join(complaints)}")
        say("watching the values change")
        await changed(here, bms)
        say("comparing with the battery")
        compared = await here.shows_battery(bms)
        entities = [e for e in await here.api.entities() if e["platform"] == "smartbms"]
    return {
        "ok": True,
        "seconds": {
            "home_assistant": round(started - began, 1),
            "discovered_and_set_up": round(configured - started, 1),
            "every_value": round(known - configured, 1),
            "total": round(monotonic() - began, 1),
        },
        "entities": {
            "all": len(entities),
            "enabled": sum(entity["disabled_by"] is None for entity in entities),
            "compared": compared,
        },
        "versions": {
            "home_assistant": HOME_ASSISTANT_VERSION,
            "smartbms": json.loads((INTEGRATION / "manifest.json").read_text(encoding="utf-8"))["version"],
            "python": sys.version.split()[0],
        },
    }


async def set_up(here: World) -> None:
    """Confirm the discovery."""
    say("waiting for the BMS to be discovered")
    flow = await here.discovered(NAME)
    say(f"discovered {NAME}; entering the PIN")
    step = await here.api.flow_step(flow, {"pin": "1234"})
    if step["type"] != "create_entry":
        raise CheckError(f"the discovery could not be confirmed: {step}")


async def energy_dashboard(here: World, address: str, firmware: Firmware) -> EnergyDashboard:
    """Set up Home Assistant's Energy dashboard for a BMS, once all that it shows is there."""

    async def entity_ids() -> dict[str, str] | None:
        found = {entity["unique_id"]: entity["entity_id"] for entity in await here.api.entities()}
        wanted = {key: found.get(f"{address}_{key}") for key in STATISTICS}
        there = {key: entity_id for key, entity_id in wanted.items() if entity_id is not None}
        return there if len(there) == len(wanted) else None

    ids = await here.api.wait_for(entity_ids, ENTITIES_TIMEOUT, "everything that the Energy dashboard shows")
    assert ids is not None
    dashboard = EnergyDashboard(here.api, ids)
    await dashboard.save(firmware.setting(SettingKey.CAPACITY) / WATT_HOURS)
    return dashboard


async def changed(here: World, bms: BmsPeripheral) -> None:
    """Switch something large on and wait until every measured value has changed."""
    before = await here.values()
    bms.firmware.battery.surroundings.load_peak *= 10
    watched = {key: state["state"] for key, state in before.items() if is_measured(key)}

    async def all_changed() -> bool:
        for key, state in (await here.values()).items():
            if key in watched and state["state"] != watched[key]:
                del watched[key]
        return not watched

    try:
        await here.api.wait_for(all_changed, CHANGE_TIMEOUT, "every measured value to change")
    except ApiError as err:
        raise CheckError(f"not changed: {', '.join(sorted(watched))}") from err


def is_measured(unique_id: str) -> bool:
    """Whether a value moves within seconds."""
    key = unique_id.partition("_")[2]
    return key in MEASURED or (key.startswith("cell_") and key.endswith("_voltage"))


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="verify unattended, print one JSON line, and end"
    )
    parser.add_argument(
        "--scenario",
        choices=[*ScenarioKey, ALL],
        metavar="NAME",
        help=f"what the simulated BMS lives through: {', '.join(ScenarioKey)}; with --check also {ALL}",
    )
    parser.add_argument("--cells", type=int, default=16, help="cells of the simulated battery (2 to 255)")
    parser.add_argument(
        "--speed",
        type=float,
        help=f"how fast the simulated battery lives ({SPEED:g}), or a recording runs (1)",
    )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="show a recorded BMS")
    arguments = parser.parse_args()
    if arguments.scenario == ALL and not arguments.check:
        parser.error(f"--scenario {ALL} needs --check")
    scenario = None if arguments.scenario in (None, ALL) else ScenarioKey(arguments.scenario)
    try:
        if not arguments.check:
            asyncio.run(show(arguments.cells, arguments.speed, scenario, arguments.replay))
        elif arguments.scenario is None:
            print(json.dumps(asyncio.run(check(arguments.cells))))
        else:
            keys = list(ScenarioKey) if scenario is None else [scenario]
            print(json.dumps({"ok": True, "seconds": asyncio.run(check_scenarios(keys, say))}))
    except KeyboardInterrupt, asyncio.CancelledError:
        say("ended")
    except RecordingError as err:
        print(f"demo: {arguments.replay} {EXPLANATIONS[err.key]}", file=sys.stderr)
        return 1
    except (ApiError, CheckError, OSError, StartError) as err:
        print(f"demo: {err}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
