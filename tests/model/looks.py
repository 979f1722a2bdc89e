"""Looks at a LiFePO4 pack of 16 cells and 100 Ah, whose owner sees one thing change at a time.

C/100 is 1 A, C/20 is 5 A and C/5 is 20 A; every cell has 1 mΩ, the pack 16 mΩ.
"""

from collections.abc import Iterable

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import (
    Cell,
    EnergyRecord,
    PackRecord,
    Snapshot,
    Status,
    TemperatureRecord,
    VoltageRecord,
)
from custom_components.smartbms.model.diagnosis import Circumstances, Evidence, Finding, findings, observe
from custom_components.smartbms.model.finding import FindingKey
from custom_components.smartbms.model.profiles import PROFILES, ProfileKey
from custom_components.smartbms.model.twin import expected

REV13 = PROFILES[ProfileKey.GEN3_REV13]
NOW = 1_800_000_000.0
SETTINGS = {
    SettingKey.V_MIN: 2.9,
    SettingKey.V_MAX: 3.7,
    SettingKey.V_LOW: 3.0,
    SettingKey.V_NOMINAL: 3.3,
    SettingKey.T_MIN_CHARGE: 273.0,
    SettingKey.T_MIN_DISCHARGE: 259.0,
    SettingKey.T_MAX: 341.0,
    SettingKey.CAPACITY: 5280.0,
    SettingKey.CHARGE_RESTART: 95.0,
    SettingKey.DISCHARGE_RESTART: 5.0,
    SettingKey.CRITICAL_MODE: 0.0,
    SettingKey.CHEMISTRY: 1.0,
}
BOTH_ALLOWED, CHARGE_BLOCKED, BOTH_BLOCKED, BROKEN, NOT_CALIBRATED = 0x03, 0x02, 0x00, 0x04, 0x83


def seen(
    charge: float | None = 0.0,
    load: float | None = 0.0,
    *,
    voltage: float | None = None,
    lowest: float = 3.295,
    lowest_cell: int = 2,
    highest: float = 3.305,
    highest_cell: int = 5,
    balance: float = 3.4,
    state_of_charge: int = 60,
    status: int = BOTH_ALLOWED,
    status2: int | None = None,
    temperatures: tuple[int, int] = (297, 300),
    cells: tuple[float, ...] = (3.3,) * 16,
    settings: dict[SettingKey, float] | None = None,
) -> Snapshot:
    """Return what a client knows of the pack; without a `load` sensor, `charge` is that of the battery."""
    current = None if charge is None else charge - (load or 0.0)
    if voltage is None:
        voltage = len(cells) * 3.3 + len(cells) * 0.001 * (current or 0.0)
    return Snapshot(
        status=Status(status, status2),
        pack=PackRecord(voltage, charge, current, load),
        voltages=VoltageRecord(lowest, lowest_cell, highest, highest_cell, balance),
        temperatures=TemperatureRecord(temperatures[0], 1, temperatures[1], 4),
        cells=tuple(Cell(each, 298) for each in cells),
        energy=EnergyRecord(0, 3000, 0, state_of_charge),
        settings=SETTINGS | (settings or {}),
    )


def watched(
    snapshots: Iterable[Snapshot], evidence: Evidence | None = None, *, step: float = 5.0
) -> Evidence:
    """Return the evidence after looks that are some seconds apart."""
    evidence = evidence or Evidence()
    for snapshot in snapshots:
        now = NOW if evidence.seen is None else evidence.seen + step
        evidence = observe(evidence, REV13, snapshot, expected(REV13, snapshot), now)
    return evidence


def found(
    evidence: Evidence, snapshot: Snapshot, circumstances: Circumstances | None = None
) -> dict[FindingKey, Finding]:
    """Return what is found, by key."""
    now = NOW if evidence.seen is None else evidence.seen
    return {
        finding.key: finding
        for finding in findings(evidence, REV13, snapshot, now, circumstances or Circumstances())
    }
