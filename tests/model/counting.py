"""A BMS that counts energy as the manuals say, and tells of it once a second."""

from dataclasses import dataclass, field
from typing import Final

from custom_components.smartbms.bms.state import BatteryEnergyRecord, EnergyRecord, PackRecord, TotalsRecord
from custom_components.smartbms.model.ledger import Flow, Ledger

HOUR: Final = 3600.0
DAY: Final = 86400.0
VOLTS: Final = 50.0

type Round = tuple[PackRecord | None, EnergyRecord | None, TotalsRecord | None, BatteryEnergyRecord | None]


@dataclass(slots=True)
class Bms:
    """Counters in Wh of what flows, and its clock in s of the day; it begins at ten in the morning.

    `has_load_sensor` is false where one sensor shows the net current; `counts_battery` is false for
    generation 2, which has no B records. `sun` and `house` are in W.
    """

    has_load_sensor: bool = True
    counts_battery: bool = True
    clock: float = 10 * HOUR
    now: float = 1_800_000_000.0
    sun: float = 0.0
    house: float = 0.0
    stored: float = 5000.0
    state_of_charge: int = 50
    today: dict[Flow, float] = field(default_factory=lambda: dict.fromkeys(Flow, 0.0))
    total: dict[Flow, float] = field(default_factory=lambda: dict.fromkeys(Flow, 321_500.0))
    true: dict[Flow, float] = field(default_factory=lambda: dict.fromkeys(Flow, 0.0))

    def live(self, seconds: float) -> None:
        """Live for a while without being heard; the counters of the day restart at midnight."""
        if self.clock + seconds >= DAY:
            before = DAY - self.clock
            self._count(before)
            self.today = dict.fromkeys(Flow, 0.0)
            self.clock, seconds = 0.0, seconds - before
            self.now += before
            self.live(seconds)
            return
        self._count(seconds)
        self.clock += seconds
        self.now += seconds

    def _count(self, seconds: float) -> None:
        net = self.sun - self.house
        powers = (self.sun, self.house, max(net, 0.0), max(-net, 0.0))
        for flow, power in zip(Flow, powers, strict=True):
            for counters in (self.today, self.total, self.true):
                counters[flow] += power * seconds / HOUR
        self.stored += net * seconds / HOUR

    def clear(self) -> None:
        """Count anew, as the app has asked for."""
        self.today, self.total = dict.fromkeys(Flow, 0.0), dict.fromkeys(Flow, 0.0)

    def says(self) -> Round:
        """Return one round of records."""
        sun, house = self.sun / VOLTS, self.house / VOLTS
        load = house if self.has_load_sensor else None
        charge = sun if self.has_load_sensor else sun - house
        today, total = self.today, self.total
        return (
            PackRecord(VOLTS, charge, sun - house, load),
            EnergyRecord(
                round(today[Flow.COLLECTED]),
                round(self.stored),
                round(today[Flow.CONSUMED]),
                self.state_of_charge,
            ),
            TotalsRecord(
                int(total[Flow.COLLECTED] / 1000),
                int(total[Flow.CONSUMED] / 1000),
                *divmod(int(self.clock) // 60, 60),
            ),
            BatteryEnergyRecord(
                int(total[Flow.CHARGED] / 1000),
                int(total[Flow.DISCHARGED] / 1000),
                round(today[Flow.CHARGED]),
                round(today[Flow.DISCHARGED]),
            )
            if self.counts_battery
            else None,
        )

    def heard(self, ledger: Ledger, seconds: float, *, step: float = 1.0) -> Ledger:
        """Return a ledger after the BMS has been heard for a while."""
        for _ in range(round(seconds / step)):
            self.live(step)
            ledger = ledger.seeing(*self.says(), self.now)
        return ledger
