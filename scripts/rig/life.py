"""A simulated battery lives for days, months or a year at high speed, with a ledger of its energies.

The BMS is stepped directly, and its records go through the lines of the wire. Everything that owners see
happens, by chance but the same for the same seed: the link is lost for seconds to thirty hours, the app
clears the counters, clocks are set, lines are damaged, and our process is killed and goes on with what it
had saved. What is counted here is what was saved, as that is what is shown.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
import json
from math import exp, log, pi, sin
from random import Random
from typing import Final

from custom_components.smartbms.bms.device import DeviceType
from custom_components.smartbms.bms.fold import Fold
from custom_components.smartbms.bms.records import encode
from custom_components.smartbms.bms.state import BatteryEnergyRecord, EnergyRecord, PackRecord, TotalsRecord
from custom_components.smartbms.meter import Meter
from custom_components.smartbms.model.ledger import Flow, Ledger
from custom_components.smartbms.simulator.battery import Battery
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.sensors import Sensors
from custom_components.smartbms.simulator.surroundings import Surroundings

DAYS: Final = 365
_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR
# A year has so many losses, as long as this, evenly in the logarithm; both in s.
_LOSSES: Final = 1000
_SHORTEST_LOSS, _LONGEST_LOSS = 5.0, 30 * _HOUR
# How often in a year: what the app and people do, and what our process suffers.
_CLEARS: Final = 12
_CLOCKS: Final = 12
_KILLS: Final = 100
# The app takes the link for itself, and then clears: a loss is no longer than this, in s.
_VISIT_OF_APP: Final = 30 * _MINUTE
# Nothing happens in the first looks, in s: what was due while the BMS was away is not due at its return.
_SETTLED: Final = 600.0
# One look in so many brings a damaged line.
_DAMAGED: Final = 500
# Time between looks in s. What is integrated needs close ones, as close as the BMS's own, on some of the days.
_LOOK, _CLOSE_LOOK = 60.0, 10.0
_CLOSE_DAYS: Final = 4
# The peak of the sun in June, in W.
_SUN: Final = 9000.0
_SAVED_EVERY: Final = 50.0
# What says nothing of energy is left out.
_COUNTERS: Final = (PackRecord, EnergyRecord, TotalsRecord, BatteryEnergyRecord)
_NAMES: Final = {
    "_kill": "killed",
    "_clear": "cleared",
    "_set_clock": "clock of the BMS set",
    "_set_our_clock": "our clock set",
}
# 1 January 2026, UTC, in s since 1970.
NEW_YEAR: Final = 1_767_225_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One simulated BMS; `known` are the flows whose truth it can tell."""

    name: str
    device_type: DeviceType
    has_both: bool
    known: frozenset[Flow]

    def firmware(self) -> Firmware:
        """Return the BMS of a house off the grid, with few cells but large ones: 25.6 kWh."""
        around = Surroundings(solar_peak=_SUN, load_peak=7000, time_of_day=0)
        firmware = Firmware(Battery(4, capacity=2000, surroundings=around), self.device_type, lambda: 0.0)
        if not self.has_both:
            firmware.sensors = Sensors(load=None)
        return firmware


BATTERY: Final = frozenset({Flow.CHARGED, Flow.DISCHARGED})
PLANTS: Final = (
    Plant(
        name="gen 3, two sensors", device_type=DeviceType.GEN3_RAYTAC, has_both=True, known=frozenset(Flow)
    ),
    Plant(name="gen 3, one sensor", device_type=DeviceType.GEN3_RAYTAC, has_both=False, known=BATTERY),
    Plant(
        name="gen 2, two sensors",
        device_type=DeviceType.GEN2,
        has_both=True,
        known=frozenset(Flow) - BATTERY,
    ),
)


@dataclass(slots=True)
class Hour:
    """What was shown and what was true at the end of an hour, in Wh."""

    shown: Mapping[Flow, float]
    true: Mapping[Flow, float]


@dataclass(slots=True)
class Life:
    """What a plant has lived through: its hours, what it counted, and the worst that was shown."""

    hours: list[Hour] = field(default_factory=list)
    begun: dict[Flow, float] = field(default_factory=dict)
    shown: dict[Flow, float] = field(default_factory=dict)
    true: dict[Flow, float] = field(default_factory=dict)
    largest: dict[Flow, float] = field(default_factory=dict)
    fallen: float = 0.0
    happened: Counter[str] = field(default_factory=Counter)

    def counted(self, flow: Flow) -> float:
        """Return what was counted of a flow, in Wh."""
        return self.shown.get(flow, 0.0) - self.begun.get(flow, 0.0)


def losses(random: Random, days: float) -> Iterator[tuple[float, float]]:
    """Yield how long the BMS is heard and how long it then is not, in s; together they last these days.

    At the end it is heard, and is not lost any more.
    """
    number = round(_LOSSES * days / DAYS)
    span = log(_LONGEST_LOSS / _SHORTEST_LOSS)
    away = [*(_SHORTEST_LOSS * exp(random.random() * span) for _ in range(number)), 0.0]
    heard = [random.expovariate(1.0) for _ in away]
    share = max(days * _DAY - sum(away), 0.0) / sum(heard)
    yield from zip((each * share for each in heard), away, strict=True)


class Living:
    """One plant that is lived through, and the ledger of it."""

    def __init__(self, plant: Plant, seed: int, days: float, ledger: Ledger | None = None) -> None:
        """Begin at midnight with a ledger that knows nothing."""
        self.random = Random(seed)
        self.plant = plant
        self.days = days
        self.firmware = plant.firmware()
        self.fold = Fold(self.firmware.generation)
        self.ledger = ledger or Ledger()
        self.life = Life()
        self.elapsed = 0.0
        self.meter = Meter(self.fold, lambda: self.elapsed)
        self._our_clock = NEW_YEAR
        self._saved = self.ledger.as_json()
        self._saved_at = 0.0
        self._due = {
            self._kill: self._moments(_KILLS),
            self._clear: self._moments(_CLEARS / 2),
            self._set_clock: self._moments(_CLOCKS / 2),
            self._set_our_clock: self._moments(_CLOCKS / 2),
        }

    def _moments(self, each_year: float) -> list[float]:
        """Return when something happens that happens so often each year, the first last."""
        number = max(round(each_year * self.days / DAYS), 1)
        return sorted((self.random.uniform(_HOUR, self.days * _DAY) for _ in range(number)), reverse=True)

    def live(self) -> Life:
        """Live through it all."""
        plan = list(losses(self.random, self.days))
        short = [index for index, (_, away) in enumerate(plan) if _MINUTE < away < _VISIT_OF_APP]
        number = max(round(_CLEARS / 2 * self.days / DAYS), 1)
        of_app = set(self.random.sample(short, min(number, len(short))))
        for index, (heard, away) in enumerate(plan):
            self._hear(heard)
            if away:
                self._lose(away, [self._clear, self._set_clock] if index in of_app else [])
        # What was heard last counts with the two looks after it.
        for _ in range(2):
            self._pass(1.0)
            self._look()
        self._save()
        self.life.true = self._true()
        return self.life

    def _hear(self, seconds: float) -> None:
        """Hear the BMS for a while."""
        self._reach()
        settled, end = self.elapsed + _SETTLED, self.elapsed + seconds
        while self.elapsed < end:
            is_close = not self.plant.known >= BATTERY and int(self.elapsed / _DAY) % _CLOSE_DAYS == 0
            step = self.firmware.battery.longest_step = _CLOSE_LOOK if is_close else _LOOK
            self._pass(min(step, end - self.elapsed))
            self._look()
            for happen, moments in self._due.items():
                if moments and max(moments[-1], settled) <= self.elapsed:
                    moments.pop()
                    self._happen(happen)

    def _reach(self) -> None:
        """Reach the BMS, of which nothing is heard yet."""
        self.fold.forget()
        self.meter.begin()

    def _lose(self, seconds: float, happen: list[Callable[[], None]]) -> None:
        """Not hear the BMS for a while, in which something happens."""
        self.life.happened["lost"] += 1
        day = int(self.elapsed / _DAY)
        before = seconds * self.random.random()
        self._pass(before)
        for each in happen:
            self._happen(each)
        self._pass(seconds - before)
        self.life.happened["lost over midnight"] += int(self.elapsed / _DAY) > day

    def _happen(self, what: Callable[[], None]) -> None:
        what()
        self.life.happened[_NAMES[what.__name__]] += 1

    def _pass(self, seconds: float) -> None:
        """Let time pass, and note what is shown at the end of each hour."""
        end = self.elapsed + seconds
        while (hour_end := (len(self.life.hours) + 1) * _HOUR) <= end:
            self.firmware.pass_time(hour_end - self.elapsed)
            self.elapsed = hour_end
            self.life.hours.append(Hour(dict(self.life.shown), self._true()))
            if hour_end % _DAY == 0:
                season = 0.65 - 0.35 * sin((hour_end / _DAY / DAYS + 0.22) * 2 * pi)
                self.firmware.battery.surroundings.solar_peak = _SUN * season
        if end > self.elapsed:
            self.firmware.pass_time(end - self.elapsed)
        self.elapsed = end

    def _look(self) -> None:
        """Hear one cycle of records and count; save now and then, which is what is shown."""
        generation = self.firmware.generation
        lines = [
            encode(record, generation) for record in self.firmware.cycle() if isinstance(record, _COUNTERS)
        ]
        if self.random.randrange(_DAMAGED) == 0:
            self._damage(lines)
        for line in lines:
            self.fold.line(line)
        if (counters := self.meter.read()) is not None:
            self.ledger = self.ledger.seeing(*counters, now=self._our_clock + self.elapsed)
        if self.elapsed - self._saved_at >= _SAVED_EVERY:
            self._save()

    def _damage(self, lines: list[str]) -> None:
        """Put another digit in the place of one."""
        self.life.happened["damaged lines"] += 1
        at = self.random.randrange(len(lines))
        line = lines[at]
        place = self.random.randrange(2, len(line))
        lines[at] = f"{line[:place]}{self.random.choice('0123456789ABCDEFX')}{line[place + 1 :]}"

    def _save(self) -> None:
        self._saved, self._saved_at = self.ledger.as_json(), self.elapsed
        life = self.life
        for flow in Flow:
            if (total := self.ledger.total(flow)) is None:
                continue
            before = life.shown.get(flow)
            if before is None:
                life.begun[flow] = before = total
            life.largest[flow] = max(life.largest.get(flow, 0.0), total - before)
            life.fallen = max(life.fallen, before - total)
            life.shown[flow] = total

    def _true(self) -> dict[Flow, float]:
        total = self.firmware.total
        return {
            Flow.COLLECTED: total.collected,
            Flow.CONSUMED: total.consumed,
            Flow.CHARGED: total.charged,
            Flow.DISCHARGED: total.discharged,
        }

    def _kill(self) -> None:
        """Kill our process, and start it with what was saved."""
        self.ledger = type(self.ledger).from_json(json.loads(json.dumps(self._saved)))
        self._pass(self.random.uniform(10, 120))
        self._reach()

    def _clear(self) -> None:
        self.firmware.clear_energy()

    def _set_clock(self) -> None:
        """Set the clock of the BMS: to the other time of the year, or to anything."""
        self.firmware.clock_offset += self.random.choice((_HOUR, -_HOUR, self.random.uniform(0, _DAY)))

    def _set_our_clock(self) -> None:
        self._our_clock += self.random.uniform(-2 * _HOUR, 2 * _HOUR)
