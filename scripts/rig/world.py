"""A house to try the integration in: a real Home Assistant, a proxy, and simulated BMS in its reach."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from custom_components.smartbms.bms import recording
from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.gatt import Peripheral
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from custom_components.smartbms.simulator.replay import Replay
from homeassistant.util.json import JsonObjectType, JsonValueType

from .api import Api, ApiError, FlowStep, State
from .home_assistant import HOST, HomeAssistant
from .proxy import VirtualProxy
from .truth import agrees, truth

PIN = "1234"
_DISCOVERY_TIMEOUT = 30.0
_VALUES_TIMEOUT = 60.0
# Nobody knows when a pack is full while nothing flows, and most have neither alarms nor a log of them.
SOMETIMES_UNKNOWN = frozenset({"time_to_full", "time_to_empty", "alarm", "device_log"})


def simulated_bms(
    device_type: DeviceType = DeviceType.GEN3_RAYTAC,
    *,
    cells: int = 16,
    serial_number: int = 3330,
    speed: float = 1.0,
    pace: float = 1.0,
    pin: str = PIN,
    kind: type[Firmware] = Firmware,
) -> BmsPeripheral:
    """Return a BMS that lives on the time of the running event loop."""
    clock = asyncio.get_running_loop().time
    firmware = kind(Battery(cells), device_type, clock, pin=pin, speed=speed, pace=pace)
    return BmsPeripheral(firmware, _address(serial_number), serial_number)


def replayed_bms(path: Path, *, serial_number: int = 3330, speed: float = 1.0) -> BmsPeripheral[Replay]:
    """Return a BMS that says what was recorded; raises `RecordingError` when the file holds no such thing."""
    recorded = recording.parse(path.read_text(encoding="utf-8", errors="replace"))
    replay = Replay(recorded, asyncio.get_running_loop().time, speed=speed)
    return BmsPeripheral(replay, _address(serial_number), serial_number)


def _address(serial_number: int) -> str:
    return f"C0:FF:EE:00:{serial_number >> 8:02X}:{serial_number & 255:02X}"


@dataclass(frozen=True, slots=True)
class World:
    """What there is to play with; `api` changes when Home Assistant restarts."""

    home_assistant: HomeAssistant
    proxy: VirtualProxy

    @property
    def api(self) -> Api:
        """The connection to Home Assistant."""
        return self.home_assistant.api

    async def discovered(self, name: str) -> str:
        """Wait until Home Assistant has discovered a BMS; return the flow's id."""

        async def flow_id() -> str | None:
            for flow in await self.api.flows_in_progress():
                placeholders = flow["context"].get("title_placeholders") or {}
                if flow["handler"] == "smartbms" and placeholders.get("name") == name:
                    return flow["flow_id"]
            return None

        found = await self.api.wait_for(flow_id, _DISCOVERY_TIMEOUT, f"{name} to be discovered")
        assert found is not None
        return found

    async def set_up(self, name: str, pin: str = PIN) -> FlowStep:
        """Confirm a discovered BMS with its PIN, as its owner would."""
        return await self.api.flow_step(await self.discovered(name), {"pin": pin})

    async def values(self) -> dict[str, State]:
        """Return the states of all enabled entities of all BMS by address and key."""
        states = await self.api.states()
        return {
            entity["unique_id"]: states[entity["entity_id"]]
            for entity in await self.api.entities()
            if entity["platform"] == "smartbms" and entity["entity_id"] in states
        }

    async def missing(self, bms: BmsPeripheral) -> list[str]:
        """Return what the battery has and no entity shows, and the enabled entities without a value."""
        known = {entity["unique_id"] for entity in await self.api.entities()}
        wanted = {f"{bms.address}_{key}" for key in truth(bms.firmware)}
        silent = {
            key
            for key, state in (await self.values()).items()
            if key.startswith(bms.address)
            and key.removeprefix(f"{bms.address}_") not in SOMETIMES_UNKNOWN
            and not has_value(state)
        }
        return sorted((wanted - known) | silent)

    async def everything_known(self, bms: BmsPeripheral, timeout: float = _VALUES_TIMEOUT) -> None:
        """Wait until everything the battery has is an entity, and every enabled entity has a value."""
        missing: list[str] = []

        async def complete() -> bool:
            nonlocal missing
            missing = await self.missing(bms)
            return not missing

        try:
            await self.api.wait_for(complete, timeout, "every entity to have a value")
        except ApiError as err:
            raise ApiError(f"{err}; missing: {', '.join(missing)}") from err

    async def shows_battery(self, bms: BmsPeripheral, timeout: float = _VALUES_TIMEOUT) -> int:
        """Hold the battery still and wait until every entity shows what it has; return how many."""
        bms.firmware.speed = 0.0
        wanted = {f"{bms.address}_{key}": value for key, value in truth(bms.firmware).items()}
        shown: dict[str, str] = {}
        wrong: dict[str, str] = {}

        async def equal() -> bool:
            nonlocal shown, wrong
            values = await self.values()
            shown = {key: values[key]["state"] for key in wanted if key in values}
            wrong = {
                key: text
                for key, text in shown.items()
                if not agrees(key.removeprefix(f"{bms.address}_"), text, wanted[key])
            }
            return bool(shown) and not wrong

        try:
            await self.api.wait_for(equal, timeout, "every entity to equal the battery")
        except ApiError as err:
            details = "; ".join(f"{key} is {text}, not {wanted[key]}" for key, text in wrong.items())
            raise ApiError(f"{err}: {details or 'there is no entity'}") from err
        return len(shown)


def has_value(state: State) -> bool:
    """Whether a state is one."""
    return state["state"] not in ("unknown", "unavailable")


@asynccontextmanager
async def world(
    peripherals: Sequence[Peripheral],
    *,
    directory: Path | None = None,
    port: int | None = None,
    progress: Callable[[str], None] = lambda text: None,
    slots: int = 3,
    log_levels: dict[str, str] | None = None,
    companions: Sequence[Path] = (),
) -> AsyncIterator[World]:
    """Start a Home Assistant that hears some BMS through a proxy; leave nothing behind."""
    proxy = VirtualProxy("smartbms-proxy", "A0:B7:65:00:00:01", peripherals, slots=slots)
    proxy_port = await proxy.start()
    try:
        async with HomeAssistant(
            directory, port=port, progress=progress, log_levels=log_levels, companions=companions
        ) as home_assistant:
            progress("adding the Bluetooth proxy")
            await add_proxy(home_assistant.api, proxy_port)
            yield World(home_assistant, proxy)
    finally:
        await proxy.stop()


async def add_proxy(api: Api, port: int) -> None:
    """Set the proxy up as an ESPHome device."""
    step = await api.start_flow("esphome")
    step = await api.flow_step(step["flow_id"], {"host": HOST, "port": port})
    while step["type"] == "form":
        step = await api.flow_step(step["flow_id"], {})
    if step["type"] != "create_entry":
        raise ApiError(f"the proxy could not be added: {step}")


async def configure(api: Api, entry_id: str, **options: JsonValueType) -> None:
    """Change options in their form, and leave the others as they are."""
    form = await api.start_options_flow(entry_id)
    current = {str(row["name"]): _suggested(row) for row in form["data_schema"] or [] if "description" in row}
    step = await api.options_flow_step(form["flow_id"], {**current, **options})
    if step["type"] != "create_entry":
        raise ApiError(f"the options were refused: {step}")


def _suggested(row: JsonObjectType) -> JsonValueType:
    return cast(JsonObjectType, row["description"])["suggested_value"]
