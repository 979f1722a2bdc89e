"""What can be chosen of a simulated BMS; the choice is kept in the data of its entry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from .simulator.firmware import Firmware
from .simulator.scenario import SCENARIOS, ScenarioKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One choice, and what it does to the device."""

    key: str
    options: tuple[str, ...]
    default: str
    apply: Callable[[Firmware, str], None]

    def of(self, data: Mapping[str, object]) -> str:
        """Return what was chosen; what cannot be is as it was at first."""
        chosen = data.get(self.key)
        return chosen if isinstance(chosen, str) and chosen in self.options else self.default


def _live(firmware: Firmware, scenario: str) -> None:
    SCENARIOS[ScenarioKey(scenario)].begin(firmware)


def _hurry(firmware: Firmware, speed: str) -> None:
    firmware.speed = float(speed)


CHOICES: Final = (
    Choice(
        key="scenario",
        options=tuple(key.value for key in ScenarioKey),
        default=ScenarioKey.SOLAR_DAY.value,
        apply=_live,
    ),
    # How many times faster than life; beyond 300 what happens is over before it is seen.
    Choice(key="speed", options=("1", "10", "60", "300"), default="1", apply=_hurry),
)
