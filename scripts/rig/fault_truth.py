"""What a simulated BMS has had in its life, and whether something shown is one of it."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf, isclose
import re
from typing import Final

from custom_components.smartbms.binary_sensor import STATUS_SENSORS
from custom_components.smartbms.bms.settings import SETTINGS, SettingKey, Unit
from custom_components.smartbms.bms.state import Status
from custom_components.smartbms.model.ledger import Flow
from custom_components.smartbms.setting_values import CODES, to_person
from custom_components.smartbms.simulator.factory import SCALE
from custom_components.smartbms.simulator.firmware import Firmware

from .truth import TOLERANCE, Within, truth

# Longer ago nothing that is shown now can have been heard, in s.
KEPT: Final = 600.0
TOTALS: Final = frozenset(f"{flow}_total" for flow in Flow)
# Cells are told one by one: what follows from all of them may be of several moments.
_AVERAGE: Final = "average_cell_voltage"
_BALANCING: Final = "balancing_cells"
_CELL_VOLTAGE: Final = re.compile(r"cell_\d+_voltage")
_CELL_BALANCING: Final = re.compile(r"cell_\d+_balancing")

type Had = float | bool | str


def had_now(firmware: Firmware) -> dict[str, Had]:
    """Return the value of every entity by its key, the totals of energy apart."""
    values: dict[str, Had] = {
        key: value for key, value in truth(firmware).items() if not isinstance(value, Within)
    }
    status = Status(firmware.status(), firmware.status2())
    for row in STATUS_SENSORS:
        if (is_on := row.read(status)) is not None:
            values[row.key] = is_on
    return values | dict(_settings(firmware))


def _settings(firmware: Firmware) -> Iterator[tuple[str, Had]]:
    for key in SettingKey:
        if key in firmware.counts:
            value = firmware.setting(key)
            codes = CODES.get(key)
            if codes is not None:
                yield key, codes.get(round(value), "unknown")
            elif SETTINGS[key].unit is Unit.FLAG:
                yield key, bool(value)
            else:
                yield key, to_person(key, value, SCALE)


@dataclass(slots=True)
class Run:
    """A value and the times between which it did not change, in s."""

    value: Had
    first: float
    last: float

    def within(self, since: float, until: float) -> bool:
        """Whether the BMS had it at a time of these."""
        return self.last >= since and self.first <= until


class History:
    """Every value that a BMS has had for some time, by key."""

    def __init__(self) -> None:
        """Know of nothing."""
        self._runs: dict[str, deque[Run]] = {}

    def note(self, now: float, values: Mapping[str, Had]) -> None:
        """Add what there is now."""
        for key, value in values.items():
            runs = self._runs.setdefault(key, deque())
            if runs and runs[-1].value == value:
                runs[-1].last = now
            else:
                runs.append(Run(value, now, now))
                while runs[0].last < now - KEPT:
                    runs.popleft()

    def knows(self, key: str) -> bool:
        """Whether there ever was something of this name."""
        return key in self._runs

    def had(self, key: str, text: str, since: float, until: float) -> bool:
        """Whether a state was true at a time between these.

        Settings are read with each connection; of these every value counts that there was.
        """
        if key == _AVERAGE:
            return self._is_between(text, *self._bounds(since, until))
        if key == _BALANCING:
            return self._is_between(text, *self._balancing(since, until))
        if key in SettingKey:
            since = -inf
        return any(run.within(since, until) and _says(text, run.value) for run in self._runs[key])

    def values(self, key: str) -> list[Had]:
        """Return all values that were noted, oldest first."""
        return [run.value for run in self._runs[key]]

    def _matching(
        self, name: re.Pattern[str], since: float, until: float, chosen: Callable[[list[Had]], Had]
    ) -> list[float]:
        """Return one of the values that each cell had."""
        found = []
        for key, runs in self._runs.items():
            if name.fullmatch(key) and (values := [run.value for run in runs if run.within(since, until)]):
                found.append(float(chosen(values)))
        return found

    def _bounds(self, since: float, until: float) -> tuple[float, float]:
        lowest = self._matching(_CELL_VOLTAGE, since, until, min)
        highest = self._matching(_CELL_VOLTAGE, since, until, max)
        return min(lowest, default=inf), max(highest, default=-inf)

    def _balancing(self, since: float, until: float) -> tuple[float, float]:
        always = self._matching(_CELL_BALANCING, since, until, all)
        ever = self._matching(_CELL_BALANCING, since, until, any)
        return sum(always), sum(ever)

    @staticmethod
    def _is_between(text: str, low: float, high: float) -> bool:
        with suppress(ValueError):
            return low - TOLERANCE <= float(text) <= high + TOLERANCE
        return False


def _says(text: str, value: Had) -> bool:
    """Whether a state says exactly what a value is."""
    if isinstance(value, bool):
        return text == ("on" if value else "off")
    if isinstance(value, str):
        return text == value
    with suppress(ValueError):
        return isclose(float(text), value, abs_tol=TOLERANCE)
    return False
