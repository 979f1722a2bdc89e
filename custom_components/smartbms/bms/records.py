"""One line of the live stream <-> one record (protocol.md 4).

Each kind of record is one row of a table: its fields with scale, range and width. Decoding and
encoding read the same row, so the simulated BMS says exactly what the client understands.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from operator import getitem
from typing import Final

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
# What an ordinary field is made of.
_DIGITS: Final = "+-0123456789ABCDEF"
# As many texts of one kind of field as a large pack has at a time; what a stranger sends takes no more room.
_MOST_REMEMBERED: Final = 1024


class _RejectedError(Exception):
    """A field cannot be taken."""

    def __init__(self, reason: Rejection) -> None:
        """Say why."""
        self.reason = reason


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


def _is_garbled(text: str) -> bool:
    """Return whether a field is no number whatever it stands for; int() would take some of these."""
    is_long = len(text) > _MOST_DIGITS and len(text) - text.startswith(("+", "-", "X")) > _MOST_DIGITS
    return is_long or "0X" in text or text != text.upper()


class _Values(dict[str, float | None]):
    """What the texts of a field stand for: a new one is decoded, and remembered for the next time.

    Of two lines that differ most fields do not, and a dictionary is asked within the interpreter: decoding a
    line takes no step of ours for each of its fields.
    """

    __slots__ = ("_field",)

    def __init__(self, field: Field) -> None:
        """Know nothing yet."""
        super().__init__()
        self._field = field

    def __missing__(self, text: str) -> float | None:
        """Return the value of a new text; raises `_RejectedError`, and that is not remembered."""
        field = self._field
        value: float | None
        if len(text) > _MOST_DIGITS or text.strip(_DIGITS):
            if _is_garbled(text):
                raise _RejectedError(Rejection.UNPARSABLE)
            if text[:1] == "X" and not field.required:
                return None
        try:
            value = count = int(text, 16)
        except ValueError:
            raise _RejectedError(Rejection.UNPARSABLE) from None
        if field.low <= count <= field.high:
            if field.per_unit != 1:
                value = count / field.per_unit
        elif count == field.absent:
            value = None
        else:
            raise _RejectedError(Rejection.IMPLAUSIBLE)
        if len(self) == _MOST_REMEMBERED:
            self.clear()
        self[text] = value
        return value


# Equal fields share what is remembered.
_values: Final = cache(_Values)


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of record: the letter before its fields, the fields, and how many may be missing."""

    tag: str
    record: type[Record]
    fields: tuple[Field, ...]
    optional: int = 0
    check: Callable[[Record], bool] | None = None
    last_separator: str = "_"
    values: tuple[_Values, ...] = field(init=False)
    most: int = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what every line needs."""
        object.__setattr__(self, "values", tuple(map(_values, self.fields)))
        object.__setattr__(self, "most", len(self.fields))


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
            "U", PackRecord, (Field(200, 0, HIGHEST_CELL_VOLTAGE * MAX_CELLS, 4), amperes, amperes, amperes)
        ),
        Layout("V", VoltageRecord, (_CELL_VOLTS, _CELL, _CELL_VOLTS, _CELL, _CELL_VOLTS), check=_ordered),
        Layout(
            "T",
            TemperatureRecord,
            (_TEMPERATURE, _CELL, _TEMPERATURE, _CELL, _BYTE),
            optional=1,
            check=_ordered,
        ),
        Layout(
            "C",
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
        Layout("E", EnergyRecord, (_ENERGY, _ENERGY, _ENERGY, _PERCENT)),
        Layout(
            "M",
            TotalsRecord,
            (_ENERGY, _ENERGY, Field(1, 0, 23, 2), Field(1, 0, 59, 2)),
            last_separator=":",
        ),
        Layout(
            "H",
            HealthRecord,
            (Field(1, 0, 100, 2, absent=0xFF), _CAPACITY, _CAPACITY, _PERCENT, _CYCLES, _CYCLES),
        ),
        Layout("B", BatteryEnergyRecord, (_ENERGY, _ENERGY, _ENERGY, _ENERGY)),
    )
    return {layout.tag: layout for layout in layouts}


# The steps of the current: 125 mA on generation 2, 50 mA on generation 3 (protocol.md 4, U).
_LAYOUTS: Final = {Generation.GEN2: _layouts(8), Generation.GEN3: _layouts(20)}


def decode(line: str, generation: Generation) -> Record | Rejection:
    """Return the record of one line, or why it is none; a line is taken whole or not at all."""
    texts = line.split("_")
    layout = _LAYOUTS[generation].get(texts.pop(0))
    if layout is None:
        return Rejection.UNKNOWN
    if layout.last_separator != "_" and texts:
        before, _, last = texts[-1].partition(layout.last_separator)
        texts[-1:] = before, last
    if missing := layout.most - len(texts):
        if not 0 < missing <= layout.optional:
            return Rejection.FIELD_COUNT if texts else Rejection.UNKNOWN
        texts += ["X"] * missing
    try:
        # A record is a tuple; its own constructors would only count the fields once more.
        record = tuple.__new__(layout.record, map(getitem, layout.values, texts))
    except _RejectedError as err:
        return Rejection.UNPARSABLE if any(map(_is_garbled, texts)) else err.reason
    return record if layout.check is None or layout.check(record) else Rejection.IMPLAUSIBLE


def encode(record: Record, generation: Generation) -> str:
    """Return the line of a record, without its end; an optional field that is `None` is left out."""
    layout = _BY_RECORD[generation][type(record)]
    values: list[float | None] = list(record)
    if layout.optional and values[-1] is None:
        values.pop()
    *texts, last = [each.encode(value) for each, value in zip(layout.fields, values, strict=False)]
    return f"{layout.tag}_{'_'.join(texts)}{layout.last_separator}{last}"


_BY_RECORD: Final = {
    generation: {layout.record: layout for layout in layouts.values()}
    for generation, layouts in _LAYOUTS.items()
}


def layout_of(kind: type[Record]) -> Layout:
    """Return the fields of a kind of record; in their units the ranges are those of every generation."""
    return _BY_RECORD[Generation.GEN3][kind]


def forget() -> None:
    """Remember no text, so that the next one goes all the way through the code."""
    for layouts in _LAYOUTS.values():
        for layout in layouts.values():
            for values in layout.values:
                values.clear()
