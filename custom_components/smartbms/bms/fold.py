"""Records -> snapshot: the latest of each kind, bits debounced, the cell count agreed upon.

The live stream carries no checksum, so a status bit counts when two of the last three records say
so, and the number of cells changes only when three records in a row agree.
"""

from collections import Counter
from collections.abc import Mapping
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
        self.generation = generation
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
        self._pack: PackRecord | None = None
        self._voltages: VoltageRecord | None = None
        self._temperatures: TemperatureRecord | None = None
        self._energy: EnergyRecord | None = None
        self._totals: TotalsRecord | None = None
        self._health: HealthRecord | None = None
        self._battery_energy: BatteryEnergyRecord | None = None

    def line(self, line: str) -> bool:
        """Take one line of the stream; return whether it was a record, else count why not."""
        record = decode(line, self.generation)
        rejection = record if isinstance(record, Rejection) else self._record(record)
        if rejection is None:
            self.accepted += 1
            return True
        self.rejected[rejection] += 1
        return False

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
        return None if self._temperatures is None else self._temperatures.newest_log_entry

    @property
    def full_cycle(self) -> bool:
        """Whether every cell has been heard since `begin_cycle`."""
        return bool(self._cells) and len(self._heard) == len(self._cells)

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
            pack=self._pack,
            voltages=None if is_broken else self._voltages,
            temperatures=None if is_broken else self._temperatures,
            cells=tuple(self._cells),
            energy=self._energy,
            totals=self._totals,
            health=self._health,
            battery_energy=self._battery_energy,
            settings=self._settings,
            settings_verified=self._settings_verified,
        )

    def _record(self, record: Record) -> Rejection | None:
        match record:
            case CellRecord():
                self._cell(record)
            case PackRecord():
                self._pack = record
            case VoltageRecord() if self._within_pack(record):
                self._voltages = record
            case TemperatureRecord() if self._within_pack(record):
                self._temperatures = record
            case EnergyRecord():
                self._energy = record
            case TotalsRecord():
                self._totals = record
            case HealthRecord():
                self._health = record
            case BatteryEnergyRecord():
                self._battery_energy = record
            case _:
                return Rejection.IMPLAUSIBLE
        self.news.add(type(record))
        return None

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
        """Believe another number of cells: what was known of cells by number means nothing now."""
        self._cells = [Cell()] * count
        self._heard.clear()
        self._voltages = None
        self._temperatures = None
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

    def _within_pack(self, record: VoltageRecord | TemperatureRecord) -> bool:
        return not self._cells or max(record.lowest_cell or 0, record.highest_cell or 0) <= len(self._cells)
