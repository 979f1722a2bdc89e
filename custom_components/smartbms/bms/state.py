"""What is known of one BMS, as values that never change.

The records are the eight kinds of line of the live stream (protocol.md 4), decoded to SI units;
`Snapshot` holds the latest of each and everything that follows from them. `None` always means
"not known", never zero. Records are named tuples, being made several times a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import NamedTuple

from .device import TemperatureScale
from .settings import SettingKey


class PackRecord(NamedTuple):
    """`U`: pack voltage in V and the three currents in A; positive battery current charges."""

    voltage: float | None
    charge_current: float | None
    battery_current: float | None
    load_current: float | None


class VoltageRecord(NamedTuple):
    """`V`: lowest and highest cell voltage in V with their cells, and the balance voltage in V."""

    lowest: float | None
    lowest_cell: int | None
    highest: float | None
    highest_cell: int | None
    balance: float | None


class TemperatureRecord(NamedTuple):
    """`T`: lowest and highest raw temperature with their cells; newest log entry where reported."""

    lowest_raw: int | None
    lowest_cell: int | None
    highest_raw: int | None
    highest_cell: int | None
    newest_log_entry: int | None = None


class CellRecord(NamedTuple):
    """`C`: one of `cell_count` cells (1-based), and the status bytes of the whole BMS."""

    number: int
    cell_count: int
    voltage: float | None
    temperature_raw: int | None
    status: int
    status2: int | None = None


class EnergyRecord(NamedTuple):
    """`E`: today's energies and the stored energy in Wh, state of charge in %."""

    collected_today: int | None
    stored: int | None
    consumed_today: int | None
    state_of_charge: int | None


class TotalsRecord(NamedTuple):
    """`M`: total energies in kWh and the BMS's clock."""

    collected: int | None
    consumed: int | None
    hour: int | None
    minute: int | None


class HealthRecord(NamedTuple):
    """`H` (generation 3): health and efficiency in %, capacities in Wh, full cycles."""

    state_of_health: int | None
    measured_capacity: int | None
    measured_charge_capacity: int | None
    charge_efficiency: int | None
    charge_cycles: float | None
    discharge_cycles: float | None


class BatteryEnergyRecord(NamedTuple):
    """`B` (generation 3): energy through the battery, totals in kWh, today in Wh."""

    charged: int | None
    discharged: int | None
    charged_today: int | None
    discharged_today: int | None


type Record = (
    PackRecord
    | VoltageRecord
    | TemperatureRecord
    | CellRecord
    | EnergyRecord
    | TotalsRecord
    | HealthRecord
    | BatteryEnergyRecord
)


class StatusBit(IntEnum):
    """Bits of status byte 1, as masks (protocol.md 7)."""

    CHARGE_ALLOWED = 0x01
    DISCHARGE_ALLOWED = 0x02
    COMMUNICATION_ERROR = 0x04
    VOLTAGE_LOW = 0x08
    VOLTAGE_HIGH = 0x10
    TEMPERATURE_LOW = 0x20
    TEMPERATURE_HIGH = 0x40
    NOT_CALIBRATED = 0x80


class Status2Bit(IntEnum):
    """Bits of status byte 2, which newer generation 3 firmware sends, as masks (protocol.md 7)."""

    EARLY_WARNING = 0x02
    BELOW_CHARGE_TEMPERATURE = 0x04
    BELOW_DISCHARGE_TEMPERATURE = 0x08
    CHARGE_RELAY_CLOSED = 0x10
    LOAD_RELAY_CLOSED = 0x20


@dataclass(frozen=True, slots=True)
class Status:
    """The two status bytes as they are believed after two-of-three agreement."""

    first: int | None = None
    second: int | None = None

    def has(self, bit: StatusBit | Status2Bit) -> bool | None:
        """Whether a bit is set; `None` while its byte is not known."""
        byte = self.first if isinstance(bit, StatusBit) else self.second
        return None if byte is None else bool(byte & bit)


class Cell(NamedTuple):
    """One cell: voltage in V and raw temperature."""

    voltage: float | None = None
    temperature_raw: int | None = None


class LogEvent(IntEnum):
    """Types of entry in the device's own log (protocol.md 5.6)."""

    EMPTY = 0
    VOLTAGE_LOW = 1
    VOLTAGE_HIGH = 2
    TEMPERATURE_LOW_CHARGE = 3
    TEMPERATURE_HIGH = 4
    COMMUNICATION = 5
    TEMPERATURE_LOW_DISCHARGE = 6


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the device's log; time in seconds of the BMS's own counter."""

    timestamp: int
    event: LogEvent
    value: int
    cell: int


class Connection(StrEnum):
    """States of the session with one BMS."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    PAUSED = "paused"
    PIN_REJECTED = "pin_rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything known of one BMS at one moment."""

    firmware: str | None = None
    status: Status = Status()
    pack: PackRecord | None = None
    voltages: VoltageRecord | None = None
    temperatures: TemperatureRecord | None = None
    cells: tuple[Cell, ...] = ()
    energy: EnergyRecord | None = None
    totals: TotalsRecord | None = None
    health: HealthRecord | None = None
    battery_energy: BatteryEnergyRecord | None = None
    settings: Mapping[SettingKey, float] = field(default_factory=lambda: MappingProxyType({}))
    settings_verified: bool = True
    version_balance_voltage: float | None = None
    temperature_scale: TemperatureScale = TemperatureScale.APP

    def celsius(self, raw: int | None) -> float | None:
        """Return a raw temperature in degrees Celsius, on the scale that the owner chose."""
        return None if raw is None else self.temperature_scale.celsius(raw)

    @property
    def cell_voltages(self) -> list[float]:
        """Voltages of the cells heard so far, in V."""
        return [cell.voltage for cell in self.cells if cell.voltage is not None]

    @property
    def average_cell_voltage(self) -> float | None:
        """Mean of all cell voltages in V, once every cell has been heard."""
        voltages = self.cell_voltages
        if not self.cells or len(voltages) < len(self.cells):
            return None
        return sum(voltages) / len(voltages)

    @property
    def cell_voltage_spread(self) -> float | None:
        """Highest less lowest cell voltage in V, from the extremes the BMS itself reports."""
        if self.voltages is None or self.voltages.highest is None or self.voltages.lowest is None:
            return None
        return self.voltages.highest - self.voltages.lowest

    @property
    def balance_voltage(self) -> float | None:
        """Voltage in V above which a cell is balanced: from the stream, else from `V@`."""
        if self.voltages is not None and self.voltages.balance is not None:
            return self.voltages.balance
        return self.version_balance_voltage

    def balancing(self, index: int) -> bool | None:
        """Whether the cell at a 0-based index is above the balance voltage."""
        voltage, balance = self.cells[index].voltage, self.balance_voltage
        return None if voltage is None or balance is None else voltage > balance

    @property
    def balancing_count(self) -> int | None:
        """How many cells are above the balance voltage, once every cell has been heard."""
        states = [self.balancing(index) for index in range(len(self.cells))]
        if not states or None in states:
            return None
        return states.count(True)

    def power(self, current: float | None) -> float | None:
        """Pack voltage times a current, in W; the app shows the same product (protocol.md 11.4)."""
        if self.pack is None or self.pack.voltage is None or current is None:
            return None
        return self.pack.voltage * current
