"""One line of the live stream <-> one record (protocol.md 4).

Each kind of record is one row of a table: its fields with scale, range and width. Decoding and
encoding read the same row, so the simulated BMS says exactly what the client understands.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final, cast

from .device import HIGHEST_CELL_VOLTAGE, RAW_TEMPERATURES, Generation
from .lines import Rejection
from .state import (
    BatteryEnergyRecord,
    CellRecord,
    EnergyRecord,
    HealthRecord,
    PackRecord,
    Record,
    TemperatureRecord,
    TotalsRecord,
    VoltageRecord,
)

MAX_CELLS: Final = 255
# The largest current sensor the manuals list is the 2000 A of generation 2.
_AMPERES: Final = 2500
_MOST_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class Field:
    """One hexadecimal field: counts per unit, range in counts, digits when sent.

    A `required` field may not be `X`; a count equal to `absent` means "not known" as well.
    """

    per_unit: int
    low: int
    high: int
    digits: int
    required: bool = False
    absent: int | None = None

    def encode(self, value: float | None) -> str:
        """Return the text of a value: fields that may be negative carry their sign always."""
        if value is None:
            return "X".ljust(self.digits, "0") if self.absent is None else f"{self.absent:0{self.digits}X}"
        count = round(value * self.per_unit)
        sign = ("-" if count < 0 else "+") if self.low < 0 else ""
        return f"{sign}{abs(count):0{self.digits}X}"


@dataclass(frozen=True)
class Layout:
    """One kind of record: the text before its fields, the fields, and how many may be missing."""

    tag: str
    record: type[Record]
    fields: tuple[Field, ...]
    optional: int = 0
    check: Callable[[Record], bool] | None = None
    last_separator: str = "_"

    @cached_property
    def limits(self) -> tuple[tuple[int, int, int, int | None, bool], ...]:
        """Scale, range, absent count and need of each field, as the decoder unpacks them."""
        return tuple((f.per_unit, f.low, f.high, f.absent, f.required) for f in self.fields)

    @cached_property
    def most(self) -> int:
        """How many fields there may be."""
        return len(self.fields)

    @cached_property
    def least(self) -> int:
        """How many fields there must be."""
        return len(self.fields) - self.optional


_CELL_VOLTS: Final = Field(200, 0, HIGHEST_CELL_VOLTAGE, 3)
_TEMPERATURE: Final = Field(1, RAW_TEMPERATURES[0], RAW_TEMPERATURES[-1], 3)
_CELL: Final = Field(1, 1, MAX_CELLS, 2)
_BYTE: Final = Field(1, 0, 0xFF, 2)
_PERCENT: Final = Field(1, 0, 100, 2)
_ENERGY: Final = Field(1, 0, 0xFFFFFF, 6)
_CYCLES: Final = Field(100, 0, 0xFFFFFF, 6)
_CAPACITY: Final = Field(1, 0, 0xFFFFFF, 4)


def _ordered(record: Record) -> bool:
    """Return whether lowest, the first field, is not above highest, the third."""
    low, high = record[0], record[2]
    return low is None or high is None or low <= high


def _within_count(record: Record) -> bool:
    """Return whether the cell belongs to the pack it says it belongs to."""
    return not isinstance(record, CellRecord) or record.number <= record.cell_count


def _layouts(counts_per_ampere: int) -> Mapping[str, Layout]:
    amperes = Field(counts_per_ampere, -_AMPERES * counts_per_ampere, _AMPERES * counts_per_ampere, 4)
    layouts = (
        Layout(
            "U_", PackRecord, (Field(200, 0, HIGHEST_CELL_VOLTAGE * MAX_CELLS, 4), amperes, amperes, amperes)
        ),
        Layout("V_", VoltageRecord, (_CELL_VOLTS, _CELL, _CELL_VOLTS, _CELL, _CELL_VOLTS), check=_ordered),
        Layout(
            "T_",
            TemperatureRecord,
            (_TEMPERATURE, _CELL, _TEMPERATURE, _CELL, _BYTE),
            optional=1,
            check=_ordered,
        ),
        Layout(
            "C_",
            CellRecord,
            (
                Field(1, 1, MAX_CELLS, 2, required=True),
                Field(1, 2, MAX_CELLS, 2, required=True),
                _CELL_VOLTS,
                # A cell that is not heard may well be sent as zeros, and its record brings the alarm.
                replace(_TEMPERATURE, absent=0),
                Field(1, 0, 0xFF, 2, required=True),
                _BYTE,
            ),
            optional=1,
            check=_within_count,
        ),
        Layout("E_", EnergyRecord, (_ENERGY, _ENERGY, _ENERGY, _PERCENT)),
        Layout(
            "M_",
            TotalsRecord,
            (_ENERGY, _ENERGY, Field(1, 0, 23, 2), Field(1, 0, 59, 2)),
            last_separator=":",
        ),
        Layout(
            "H_",
            HealthRecord,
            (Field(1, 0, 100, 2, absent=0xFF), _CAPACITY, _CAPACITY, _PERCENT, _CYCLES, _CYCLES),
        ),
        Layout("B_", BatteryEnergyRecord, (_ENERGY, _ENERGY, _ENERGY, _ENERGY)),
    )
    return {layout.tag: layout for layout in layouts}


# The steps of the current: 125 mA on generation 2, 50 mA on generation 3 (protocol.md 4, U).
_LAYOUTS: Final = {Generation.GEN2: _layouts(8), Generation.GEN3: _layouts(20)}


def _too_long(text: str) -> bool:
    """Return whether a field has more than eight digits; a sign or an `X` is none."""
    return len(text) - text.startswith(("+", "-", "X")) > _MOST_DIGITS


@lru_cache(maxsize=1024)
def decode(line: str, generation: Generation) -> Record | Rejection:
    """Return the record of one line, or why it is none; a line is taken whole or not at all.

    Most lines say again what an earlier one said, a battery being a slow thing; hence the cache.
    """
    layout = _LAYOUTS[generation].get(line[:2])
    if layout is None:
        return Rejection.UNKNOWN
    texts = line[2:].split("_")
    if layout.last_separator != "_":
        before, _, last = texts[-1].partition(layout.last_separator)
        texts[-1:] = before, last
    if not layout.least <= len(texts) <= layout.most:
        return Rejection.FIELD_COUNT
    # int() would take a prefix and small letters.
    if "0X" in line or not line.isupper():
        return Rejection.UNPARSABLE
    if max(map(len, texts)) > _MOST_DIGITS and any(map(_too_long, texts)):
        return Rejection.UNPARSABLE
    values: list[float | None] = []
    for (per_unit, low, high, absent, required), text in zip(layout.limits, texts, strict=False):
        if text[:1] == "X" and not required:
            values.append(None)
            continue
        try:
            count = int(text, 16)
        except ValueError:
            return Rejection.UNPARSABLE
        if low <= count <= high:
            values.append(count if per_unit == 1 else count / per_unit)
        elif count == absent:
            values.append(None)
        else:
            return Rejection.IMPLAUSIBLE
    # The table pairs each record with fields of its own types; the type system cannot follow.
    record = cast(Callable[..., Record], layout.record)(*values)
    return record if layout.check is None or layout.check(record) else Rejection.IMPLAUSIBLE


def encode(record: Record, generation: Generation) -> str:
    """Return the line of a record, without its end; an optional field that is `None` is left out."""
    layout = _BY_RECORD[generation][type(record)]
    values: list[float | None] = list(record)
    if layout.optional and values[-1] is None:
        values.pop()
    *texts, last = [field.encode(value) for field, value in zip(layout.fields, values, strict=False)]
    return f"{layout.tag}{'_'.join(texts)}{layout.last_separator}{last}"


_BY_RECORD: Final = {
    generation: {layout.record: layout for layout in layouts.values()}
    for generation, layouts in _LAYOUTS.items()
}


def layout_of(kind: type[Record]) -> Layout:
    """Return the fields of a kind of record; in their units the ranges are those of every generation."""
    return _BY_RECORD[Generation.GEN3][kind]
