"""The recent history of a BMS: a moment every five minutes, for two days."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ..bms.state import Snapshot, StatusBit
from .stored_numbers import number

INTERVAL: Final = 300.0
_MOST: Final = 48 * 12


class Sample(NamedTuple):
    """One moment: time in s since 1970, V, A, %, raw temperatures, and what the BMS allowed."""

    at: float
    voltage: float | None
    current: float | None
    state_of_charge: float | None
    lowest_voltage: float | None
    highest_voltage: float | None
    lowest_temperature: float | None
    highest_temperature: float | None
    charge_allowed: float | None
    discharge_allowed: float | None


type Samples = tuple[Sample, ...]


def sample(snapshot: Snapshot, at: float) -> Sample:
    """Return what is kept of a snapshot."""
    pack, energy = snapshot.pack, snapshot.energy
    voltages, temperatures = snapshot.voltages, snapshot.temperatures
    return Sample(
        at,
        pack and pack.voltage,
        pack and pack.battery_current,
        energy and energy.state_of_charge,
        voltages and voltages.lowest,
        voltages and voltages.highest,
        temperatures and temperatures.lowest_raw,
        temperatures and temperatures.highest_raw,
        snapshot.status.has(StatusBit.CHARGE_ALLOWED),
        snapshot.status.has(StatusBit.DISCHARGE_ALLOWED),
    )


def add(samples: Samples, snapshot: Snapshot, at: float) -> Samples:
    """Return the history with this moment, unless the last is too near; a clock set back begins anew."""
    if samples and at < samples[-1].at:
        samples = ()
    if samples and at - samples[-1].at < INTERVAL:
        return samples
    return (*samples[1 - _MOST :], sample(snapshot, at))


def as_json(samples: Samples) -> list[list[float | None]]:
    """Return the history as rows of numbers."""
    return [list(each) for each in samples]


def from_json(rows: object) -> Samples:
    """Return the history that rows hold, the end of one too long; what is no row of numbers is left out."""
    if not isinstance(rows, Sequence):
        return ()
    return tuple(Sample(*row) for row in rows[-_MOST:] if _is_row(row))


def _is_row(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == len(Sample._fields)
        and number(row[0]) is not None
        and all(value is None or isinstance(value, bool) or number(value) is not None for value in row)
    )
