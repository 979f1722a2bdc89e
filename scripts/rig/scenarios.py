"""Scenarios end to end: what goes wrong appears in a real Home Assistant, and disappears once cured."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, cast

from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from custom_components.smartbms.simulator.scenario import SCENARIOS, ScenarioKey

from .api import ApiError, State
from .world import World, configure, simulated_bms, world

# The simulated day is fast, but what is found is found in Home Assistant's own time.
_SPEED: Final = 120.0
_PACE: Final = 4.0
_APPEAR_TIMEOUT: Final = 180.0
# A charger that was lowered shows it at the next charge, which begins when the pack asks for it.
_VANISH_TIMEOUT: Final = 300.0
_FIRST_SERIAL_NUMBER: Final = 4001
_LOOK_EVERY: Final = 0.5
# The factory's PIN is found with every simulated BMS, and it stays.
_ALWAYS: Final = "factory_pin"


@dataclass(frozen=True, slots=True)
class Story:
    """What an owner sees of a scenario: a finding, whether it is to be repaired, and why nothing flows.

    `None` where the scenario is not about that.
    """

    finding: str | None = None
    has_issue: bool = False
    charging: str | None = None
    discharging: str | None = None


STORIES: Final = {
    ScenarioKey.SOLAR_DAY: Story(charging="full"),
    ScenarioKey.CHARGER_TOO_HIGH: Story("charger_voltage_too_high", True, charging="cell_voltage_high"),
    ScenarioKey.WEAK_CELL: Story("weak_cell", True),
    ScenarioKey.FROSTY_MORNING: Story("too_cold_to_charge", charging="too_cold"),
    ScenarioKey.CHAIN_BROKEN: Story("chain_broken", True, "no_communication", "no_communication"),
    ScenarioKey.COMBINED_INVERTER: Story("critical_mode_advisable", True, charging="full"),
    ScenarioKey.REVERSED_SENSOR: Story("current_sensor_reversed", True),
    ScenarioKey.NEVER_CALIBRATED: Story("not_calibrated", True),
    ScenarioKey.POWER_LOST: Story("not_calibrated", True),
}


class Sight:
    """What Home Assistant shows, looked at twice a second for all witnesses together.

    Nine that listened to every change of each other's hundred entities were more than it sends.
    """

    def __init__(self, here: World) -> None:
        """Have seen nothing yet."""
        self._here = here
        self._lock = asyncio.Lock()
        self._at = 0.0
        self._states: dict[str, State] = {}
        self._issues: list[dict[str, str]] = []

    async def look(self) -> tuple[dict[str, State], list[dict[str, str]]]:
        """Return the states by address and key, and the repair issues."""
        async with self._lock:
            if monotonic() - self._at >= _LOOK_EVERY:
                self._states = await self._here.values()
                answer = await self._here.api.command("repairs/list_issues")
                self._issues = cast(dict[str, list[dict[str, str]]], answer)["issues"]
                self._at = monotonic()
            return self._states, self._issues


class Witness:
    """Watches one BMS live through a scenario."""

    def __init__(
        self, here: World, sight: Sight, key: ScenarioKey, bms: BmsPeripheral, serial_number: int
    ) -> None:
        """Watch a BMS that is in reach."""
        self.here = here
        self.sight = sight
        self.key = key
        self.story = STORIES[key]
        self.bms = bms
        self.serial_number = serial_number
        self.entry_id = ""
        self.missing: set[str] = set()

    async def set_up(self) -> None:
        """Confirm the discovery, and have values published each second."""
        step = await self.here.set_up(f"123\\SmartBMS {self.serial_number:05}")
        self.entry_id = step["result"]["entry_id"]
        await configure(self.here.api, self.entry_id, publish_interval=1)

    async def appears(self) -> float:
        """Wait until everything of the story has been seen; return how many seconds that took."""
        self.missing = {name for name, wanted in self._wanted().items() if wanted}
        return await self._wait(self._has_appeared, _APPEAR_TIMEOUT, "appear")

    async def vanishes(self) -> float:
        """Cure the cause and wait until nothing of the story is left; return how many seconds that took."""
        SCENARIOS[self.key].cure(self.bms.firmware)
        return await self._wait(self._has_vanished, _VANISH_TIMEOUT, "disappear")

    def _wanted(self) -> dict[str, str | None]:
        story = self.story
        return {
            "findings": story.finding,
            "issue": story.finding if story.has_issue else None,
            "charging_blocked_by": story.charging,
            "discharging_blocked_by": story.discharging,
        }

    async def _shown(self) -> dict[str, set[str]]:
        """Return what is shown now, by the names of what is wanted."""
        values, issues = await self.sight.look()
        states = {key: values.get(f"{self.bms.address}_{key}") for key in self._wanted()}
        shown = {key: {state["state"]} for key, state in states.items() if state is not None}
        findings = states["findings"]
        listed = cast(list[dict[str, str]], findings["attributes"].get("findings", [])) if findings else []
        return {
            **shown,
            "findings": {finding["finding"] for finding in listed},
            "issue": {
                issue["translation_key"].removeprefix("finding_")
                for issue in issues
                if issue["domain"] == "smartbms" and issue["issue_id"].endswith(self.entry_id)
            },
        }

    async def _has_appeared(self) -> bool:
        shown = await self._shown()
        wanted = self._wanted()
        self.missing = {name for name in self.missing if wanted[name] not in shown.get(name, ())}
        return not self.missing

    async def _has_vanished(self) -> bool:
        shown = await self._shown()
        left = shown["findings"] - {_ALWAYS} | shown["issue"]
        self.missing = left | {
            f"{name}: {wanted}"
            for name, wanted in self._wanted().items()
            if name.endswith("_by") and wanted is not None and wanted in shown.get(name, ())
        }
        return not self.missing

    async def _wait(self, predicate: Callable[[], Awaitable[bool]], timeout: float, verb: str) -> float:
        began = monotonic()
        while not await predicate():
            if monotonic() - began > timeout:
                raise ApiError(
                    f"{self.key} did not {verb} in {timeout:g} s: {', '.join(sorted(self.missing))}"
                )
            await asyncio.sleep(_LOOK_EVERY)
        return round(monotonic() - began, 1)


async def check_scenarios(
    keys: Sequence[ScenarioKey], progress: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """Live through scenarios side by side in one Home Assistant; return the seconds each took."""
    numbers = range(_FIRST_SERIAL_NUMBER, _FIRST_SERIAL_NUMBER + len(keys))
    kinds = [simulated_bms(serial_number=number, speed=_SPEED, pace=_PACE) for number in numbers]
    async with world(kinds, progress=progress, slots=len(keys)) as here:
        sight = Sight(here)
        witnesses = [Witness(here, sight, *each) for each in zip(keys, kinds, numbers, strict=True)]
        progress("setting up a BMS for each scenario")
        for witness in witnesses:
            await witness.set_up()

        async def live(witness: Witness) -> dict[str, float]:
            SCENARIOS[witness.key].begin(witness.bms.firmware)
            appeared = await witness.appears()
            progress(f"{witness.key}: appeared after {appeared} s")
            vanished = await witness.vanishes()
            progress(f"{witness.key}: disappeared after {vanished} s")
            return {"appeared": appeared, "disappeared": vanished}

        results = await asyncio.gather(*(live(witness) for witness in witnesses))
    return {key.value: result for key, result in zip(keys, results, strict=True)}
