"""Records -> snapshot: the latest of each kind, bits debounced, the cell count agreed upon.

The live stream carries no checksum, so a status bit counts when two of the last three records say
so, and the number of cells changes only when three records in a row agree.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from .blocks import Version
from .device import Generation
from .lines import Rejection
from .records import decode
from .settings import SettingKey
from .state import (
    BatteryEnergyRecord,
    Cell,
    CellRecord,
    EnergyRecord,
    HealthRecord,
    PackRecord,
    Record,
    Snapshot,
    Status,
    StatusBit,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)

_AGREEING: Final = 3
# A battery being a slow thing, most lines say again what has just been said. Few are enough: the records of a
# second, and the cells of an ordinary pack.
_MOST_KNOWN: Final = 64
# These name cells by their number.
_EXTREMES: Final = (VoltageRecord, TemperatureRecord)
_OF_CELLS: Final = frozenset[type[Record]]({CellRecord, *_EXTREMES})


class _Debounced:
    """A byte whose bits follow the majority of its last three readings."""

    __slots__ = ("_before", "_last", "value")

    def __init__(self) -> None:
        self._last: int | None = None
        self._before: int | None = None
        self.value: int | None = None

    def add(self, byte: int) -> None:
        last, before = self._last, self._before
        if byte == last:
            self.value = byte
        elif last is not None and before is not None:
            self.value = (byte & last) | (last & before) | (byte & before)
        self._last, self._before = byte, last


class Fold:
    """Gathers what the stream and the answers say into a snapshot.

    Folding is the hot path, so it keeps the latest records and builds the immutable `Snapshot`
    only when it is asked for. `rejected` counts the lines that were no record, by reason; `news` are the
    kinds of record that have come since whoever reads them cleared it.
    """

    def __init__(self, generation: Generation) -> None:
        """Start knowing nothing."""
        self._generation = generation
        self._known: dict[str, Record | Rejection] = {}
        self.rejected: Counter[Rejection] = Counter()
        self.news: set[type[Record]] = set()
        self.accepted = 0
        self._version: Version | None = None
        self._settings: Mapping[SettingKey, float] = MappingProxyType({})
        self._settings_verified = True
        self._cells: list[Cell] = []
        self.forget()

    def forget(self) -> None:
        """Forget what the stream said, but not how many cells there are."""
        self._first = _Debounced()
        self._second = _Debounced()
        self._cells = [Cell()] * len(self._cells)
        self._pending: list[CellRecord] = []
        self._heard: set[int] = set()
        self._latest: dict[type[object], Record] = {}

    @property
    def generation(self) -> Generation:
        """The generation whose lines these are."""
        return self._generation

    @generation.setter
    def generation(self, generation: Generation) -> None:
        self._generation = generation
        self._known.clear()

    def line(self, line: str) -> bool:
        """Take one line of the stream; return whether it was a record, else count why not."""
        return self.lines((line,))

    def lines(self, lines: Iterable[str]) -> bool:
        """Take some lines; return whether any was a record, and count why others were not."""
        before, known, latest, news = self.accepted, self._known, self._latest, self.news
        if len(known) > _MOST_KNOWN:
            known.clear()
        for line in lines:
            record = known.get(line)
            if record is None:
                record = known[line] = decode(line, self._generation)
            if isinstance(record, Rejection):
                self.rejected[record] += 1
                continue
            kind = type(record)
            if kind in _OF_CELLS and not self._is_of_pack(record):
                self.rejected[Rejection.IMPLAUSIBLE] += 1
                continue
            latest[kind] = record
            news.add(kind)
            self.accepted += 1
        return self.accepted > before

    def version(self, version: Version) -> None:
        """Take the answer to `V@`."""
        self._version = version

    def settings(self, values: Mapping[SettingKey, float], *, verified: bool) -> None:
        """Take all settings that the blocks hold, and whether every checksum agreed."""
        self._settings = MappingProxyType(dict(values))
        self._settings_verified = verified

    @property
    def status(self) -> Status:
        """The status bytes as they are believed now."""
        return Status(self._first.value, self._second.value)

    @property
    def newest_log_entry(self) -> int | None:
        """The slot of the newest entry in the device's log, also while the chain is broken."""
        temperatures = self._last(TemperatureRecord)
        return None if temperatures is None else temperatures.newest_log_entry

    @property
    def full_cycle(self) -> bool:
        """Whether every cell has been heard since `begin_cycle`."""
        return bool(self._cells) and len(self._heard) == len(self._cells)

    @property
    def heard(self) -> tuple[int, int, bool]:
        """How much has been heard: kinds of record, the cells there are, and whether each since `begin_cycle`."""
        return len(self._latest), len(self._cells), self.full_cycle

    def begin_cycle(self) -> None:
        """Start to wait for every cell anew."""
        self._heard.clear()

    def snapshot(self) -> Snapshot:
        """Return everything known now.

        While the chain of cell boards is broken nothing is known of the cells: the manufacturer's own
        driver hides them too (protocol.md 7).
        """
        version = self._version
        is_broken = self.status.has(StatusBit.COMMUNICATION_ERROR)
        return Snapshot(
            firmware=version.firmware if version else None,
            version_balance_voltage=version.balance_voltage if version else None,
            status=self.status,
            pack=self._last(PackRecord),
            voltages=None if is_broken else self._last(VoltageRecord),
            temperatures=None if is_broken else self._last(TemperatureRecord),
            cells=tuple(self._cells),
            energy=self._last(EnergyRecord),
            totals=self._last(TotalsRecord),
            health=self._last(HealthRecord),
            battery_energy=self._last(BatteryEnergyRecord),
            settings=self._settings,
            settings_verified=self._settings_verified,
        )

    def _last[R: Record](self, kind: type[R]) -> R | None:
        """Return the latest record of a kind."""
        record = self._latest.get(kind)
        return record if isinstance(record, kind) else None

    def _cell(self, record: CellRecord) -> None:
        self._first.add(record.status)
        if record.status2 is not None:
            self._second.add(record.status2)
        if record.cell_count == len(self._cells):
            self._pending.clear()
            self._keep(record)
            return
        if self._pending and self._pending[-1].cell_count != record.cell_count:
            self._pending.clear()
        self._pending.append(record)
        if len(self._pending) == _AGREEING:
            self._resize(record.cell_count)

    def _resize(self, count: int) -> None:
        """Believe another number of cells: what was known of cells by number means nothing now.

        When the first number becomes known, extremes that fit it stay: they were shown already.
        """
        is_first = not self._cells
        self._cells = [Cell()] * count
        self._heard.clear()
        for kind in _EXTREMES:
            if (record := self._latest.get(kind)) is not None and not (is_first and self._is_of_pack(record)):
                del self._latest[kind]
        for record in self._pending:
            self._keep(record)
        self._pending.clear()

    def _keep(self, record: CellRecord) -> None:
        """Keep a cell's values; a broken cell chain makes those of all cells meaningless."""
        index = record.number - 1
        self._heard.add(index)
        if not record.status & StatusBit.COMMUNICATION_ERROR:
            self._cells[index] = Cell(record.voltage, record.temperature_raw)
        elif self.status.has(StatusBit.COMMUNICATION_ERROR):
            self._cells = [Cell()] * len(self._cells)

    def _is_of_pack(self, record: Record) -> bool:
        """Take a record that names cells by their number, unless there are none like these."""
        if isinstance(record, CellRecord):
            self._cell(record)
        elif isinstance(record, _EXTREMES) and self._cells:
            return (record.lowest_cell or 0) <= len(self._cells) >= (record.highest_cell or 0)
        return True
