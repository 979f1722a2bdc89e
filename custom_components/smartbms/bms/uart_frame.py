"""The 58-byte frame of EXT OUT <-> the records of the live stream (protocol.md 8)."""

from dataclasses import dataclass
from typing import Final

from .device import HIGHEST_CELL_VOLTAGE, RAW_TEMPERATURES
from .lines import Rejection
from .state import CellRecord, EnergyRecord, PackRecord, TemperatureRecord, TotalsRecord, VoltageRecord

LENGTH: Final = 58
KEY_OFFSET: Final = 25
# The frame counts currents in 125 mA on every generation.
_COUNTS_PER_AMPERE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame: six records, four settings and one key with its value.

    `key` is the byte as sent less 25; before firmware 3.3.6 the two bytes are an old clock, so one
    frame alone does not tell. `cell` is `None` for the slots beyond the pack that some send.
    """

    pack: PackRecord
    voltages: VoltageRecord
    temperatures: TemperatureRecord
    cell: CellRecord | None
    status: int
    energy: EnergyRecord
    totals: TotalsRecord
    key: int
    value: int
    capacity: int
    v_min: float
    v_max: float


def _current(data: bytes) -> float | None:
    magnitude = int.from_bytes(data[1:3]) / _COUNTS_PER_AMPERE
    return {"+": magnitude, "-": -magnitude}.get(chr(data[0]))


def _encode_current(current: float | None) -> bytes:
    if current is None:
        return b"X\0\0"
    count = round(abs(current) * _COUNTS_PER_AMPERE)
    return (b"-" if current < 0 else b"+") + count.to_bytes(2)


def _number(data: bytes, start: int, length: int) -> int:
    return int.from_bytes(data[start : start + length])


def decode(data: bytes) -> Frame | Rejection:
    """Return what a frame says, or why it is none."""
    if len(data) != LENGTH:
        return Rejection.FIELD_COUNT
    if sum(data[:-1]) & 0xFF != data[-1]:
        return Rejection.CHECKSUM
    if any(data[position] not in b"+-X" for position in (3, 6, 9)):
        return Rejection.UNPARSABLE
    number, count = data[24], data[25]
    # Some send slots beyond the pack, and what stands there means nothing.
    in_pack = 1 <= number <= count
    volts = [_number(data, position, 2) for position in ((12, 15, 26) if in_pack else (12, 15))]
    raws = [_number(data, position, 2) for position in ((18, 21, 28) if in_pack else (18, 21))]
    if (
        max(volts) > HIGHEST_CELL_VOLTAGE
        or any(raw not in RAW_TEMPERATURES for raw in raws)
        or data[40] > 100
        or count < 2
    ):
        return Rejection.IMPLAUSIBLE
    cell = CellRecord(number, count, volts[2] / 200, raws[2], data[30]) if in_pack else None
    return Frame(
        pack=PackRecord(
            _number(data, 0, 3) / 200, _current(data[3:6]), _current(data[9:12]), _current(data[6:9])
        ),
        voltages=VoltageRecord(
            volts[0] / 200, data[14], volts[1] / 200, data[17], _number(data, 55, 2) / 200
        ),
        temperatures=TemperatureRecord(raws[0], data[20], raws[1], data[23]),
        cell=cell,
        status=data[30],
        energy=EnergyRecord(_number(data, 31, 3), _number(data, 34, 3), _number(data, 37, 3), data[40]),
        totals=TotalsRecord(_number(data, 41, 3), _number(data, 44, 3), None, None),
        key=data[47] - KEY_OFFSET,
        value=data[48],
        capacity=_number(data, 49, 2) * 100,
        v_min=_number(data, 51, 2) / 200,
        v_max=_number(data, 53, 2) / 200,
    )


def _volts(value: float | None) -> bytes:
    return round((value or 0) * 200).to_bytes(2)


def _whole(value: int | None, length: int) -> bytes:
    return (value or 0).to_bytes(length)


def encode(frame: Frame) -> bytes:
    """Return the 58 bytes of a frame; a cell slot beyond the pack is sent as cell 0."""
    cell = frame.cell or CellRecord(0, 2, 0, 300, frame.status)
    body = b"".join(
        (
            round((frame.pack.voltage or 0) * 200).to_bytes(3),
            _encode_current(frame.pack.charge_current),
            _encode_current(frame.pack.load_current),
            _encode_current(frame.pack.battery_current),
            _volts(frame.voltages.lowest),
            _whole(frame.voltages.lowest_cell, 1),
            _volts(frame.voltages.highest),
            _whole(frame.voltages.highest_cell, 1),
            _whole(frame.temperatures.lowest_raw, 2),
            _whole(frame.temperatures.lowest_cell, 1),
            _whole(frame.temperatures.highest_raw, 2),
            _whole(frame.temperatures.highest_cell, 1),
            bytes((cell.number, cell.cell_count)),
            _volts(cell.voltage),
            _whole(cell.temperature_raw, 2),
            bytes((frame.status,)),
            _whole(frame.energy.collected_today, 3),
            _whole(frame.energy.stored, 3),
            _whole(frame.energy.consumed_today, 3),
            _whole(frame.energy.state_of_charge, 1),
            _whole(frame.totals.collected, 3),
            _whole(frame.totals.consumed, 3),
            bytes((frame.key + KEY_OFFSET, frame.value)),
            (frame.capacity // 100).to_bytes(2),
            _volts(frame.v_min),
            _volts(frame.v_max),
            _volts(frame.voltages.balance),
        )
    )
    return body + bytes((sum(body) & 0xFF,))
