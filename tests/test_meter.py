"""Reading the counters of a BMS: whole rounds, each record once, nothing from before the link."""

from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.fold import Fold
from custom_components.smartbms.bms.records import encode
from custom_components.smartbms.bms.state import (
    BatteryEnergyRecord,
    EnergyRecord,
    PackRecord,
    Record,
    TotalsRecord,
)
from custom_components.smartbms.meter import Counters, Meter

from .simulated import Clock

PACK = PackRecord(53.0, 10.0, 8.0, 2.0)
ENERGY = EnergyRecord(100, 8000, 20, 60)
TOTALS = TotalsRecord(321, 298, 9, 30)
BATTERY = BatteryEnergyRecord(289, 274, 80, 0)


class Stream:
    """A BMS that says what a test lets it say, and the meter that listens."""

    def __init__(self) -> None:
        """Begin with a link."""
        self.clock = Clock()
        self.fold = Fold(Generation.GEN3)
        self.meter = Meter(self.fold, self.clock)
        self.meter.begin()

    def says(self, *records: Record, after: float) -> Counters | None:
        """Let some seconds pass, then say some records; return what the meter reads."""
        self.clock.now += after
        for record in records:
            assert self.fold.line(encode(record, Generation.GEN3))
        return self.meter.read()


def test_a_round_is_read_when_everything_has_come() -> None:
    """The records come in an order that nobody knows."""
    stream = Stream()
    assert stream.says(TOTALS, after=0.5) is None
    assert stream.says(PACK, after=0.5) is None
    assert stream.says(ENERGY, after=0.5) == (PACK, ENERGY, TOTALS, None)


def test_a_round_is_read_once_a_second_at_most() -> None:
    """A BMS that says everything ten times a second is not ten times as much work."""
    stream = Stream()
    read = [stream.says(PACK, ENERGY, TOTALS, after=0.1) is not None for _ in range(30)]
    assert sum(read) == 3


def test_a_record_is_read_once() -> None:
    """What was read is not read again, or one damaged record would confirm itself."""
    stream = Stream()
    assert stream.says(PACK, ENERGY, TOTALS, BATTERY, after=1) == (PACK, ENERGY, TOTALS, BATTERY)
    assert stream.says(PACK, after=1) is None
    assert stream.says(PACK, after=5) == (PACK, None, None, None)


def test_the_energy_of_the_battery_is_waited_for_once_it_has_come() -> None:
    """Not every BMS says it, so nobody waits for it before."""
    stream = Stream()
    assert stream.says(PACK, ENERGY, TOTALS, after=1) == (PACK, ENERGY, TOTALS, None)
    assert stream.says(PACK, ENERGY, TOTALS, BATTERY, after=1) == (PACK, ENERGY, TOTALS, BATTERY)
    assert stream.says(PACK, ENERGY, TOTALS, after=1) is None
    assert stream.says(BATTERY, after=1) == (PACK, ENERGY, TOTALS, BATTERY)


def test_what_was_said_before_the_link_was_lost_is_not_news() -> None:
    """The same words after a gap are news, the old ones are not."""
    stream = Stream()
    assert stream.says(PACK, ENERGY, TOTALS, after=0.1) is None
    stream.clock.now += 20
    stream.meter.begin()
    assert stream.says(PACK, after=1) is None
    assert stream.says(ENERGY, TOTALS, after=1) == (PACK, ENERGY, TOTALS, None)
