"""A weak cell, a drifting cell, and a chain of cell boards that is broken."""

from dataclasses import replace
from random import Random

import pytest

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Cell, Snapshot, VoltageRecord
from custom_components.smartbms.model.diagnosis import Circumstances, Evidence, FindingKey, Severity

from .looks import BROKEN, found, seen, watched

WEAK = FindingKey.WEAK_CELL
DRIFTING = FindingKey.DRIFTING_CELL


def loaded(
    current: float, extra: float = 0.0, *, offset: float = 0.0, cell: int = 5, noise: float = 0.0
) -> Snapshot:
    """Return a pack at a current whose one cell has some extra resistance in ohm and is off by `offset` V."""
    voltages = [3.3 + 0.001 * current] * 16
    voltages[cell - 1] += extra * current + offset + noise
    low, high = min(voltages), max(voltages)
    return seen(
        current,
        None,
        voltage=sum(voltages),
        lowest=low,
        lowest_cell=voltages.index(low) + 1,
        highest=high,
        highest_cell=voltages.index(high) + 1,
        cells=tuple(voltages),
    )


CURRENTS = (20, 30, 12, -10, 25, -20, 15, 28, -8, 22)


@pytest.mark.parametrize("offset", [0.0, 0.006, -0.006])
def test_a_weak_cell(offset: float) -> None:
    """Cell 5 has 1.5 mΩ more than the others: 30 mV at 20 A, which is C/5."""
    looks = [loaded(current, 0.0015, offset=offset) for current in CURRENTS * 2]
    finding = found(watched(looks), looks[-1])[WEAK]
    assert finding.severity is Severity.WARNING
    assert finding.evidence == {"cell": 5, "resistance": 1.5, "drop": 30, "current": 20}


def test_it_shows_while_charging_alone() -> None:
    """Between 12 and 30 A the voltage of the cell says enough."""
    random = Random(1)
    looks = [
        loaded(current, 0.002, noise=random.uniform(-0.004, 0.004)) for current in (12, 20, 30, 25, 15) * 4
    ]
    assert found(watched(looks), looks[-1])[WEAK].evidence["cell"] == 5


def test_gone_with_another_cell() -> None:
    """Once cell 5 is replaced, others are highest and lowest in turn."""
    evidence = watched([loaded(current, 0.0015) for current in CURRENTS * 2])
    healthy = [loaded(current, 0.0002, cell=3 + number % 5) for number, current in enumerate(CURRENTS * 3)]
    assert WEAK in found(watched(healthy[:2], evidence), healthy[1])
    assert WEAK not in found(watched(healthy, evidence), healthy[-1])


def test_gone_with_a_good_connection() -> None:
    """A cable lug was tightened: cell 5 is still the worst, but not by much."""
    evidence = watched([loaded(current, 0.0015) for current in CURRENTS * 2])
    tightened = [loaded(current, 0.0002) for current in CURRENTS * 8]
    assert WEAK not in found(watched(tightened, evidence), tightened[-1])


def test_a_quiet_night_forgets_nothing() -> None:
    """Two hundred looks without any current say nothing of a resistance."""
    evidence = watched([loaded(current, 0.0015) for current in CURRENTS * 2])
    night = loaded(0, offset=0.004)
    resistance = found(watched([night] * 200, evidence), night)[WEAK].evidence["resistance"]
    assert resistance == pytest.approx(1.5, abs=0.05)


def test_an_aged_cell_at_the_end_of_its_charge() -> None:
    """Cell 5 holds less, so it is lowest in the evening even while charging; it is weak all the same."""
    evidence = watched([loaded(current, 0.0015) for current in CURRENTS * 2])
    evening = [loaded(current, 0.0015, offset=-0.06) for current in (10, 12, 10, 12) * 5]
    assert WEAK in found(watched(evening, evidence), evening[-1])


@pytest.mark.parametrize("seed", range(20))
def test_a_noisy_cell_is_not_weak(seed: int) -> None:
    """A cell board that measures anything between -30 and 30 mV beside the truth shows no resistance."""
    random = Random(seed)
    evidence = watched([])
    for current in (10, 14, 12, 13, 11, 15, 10, 14, 13, 12):
        look = loaded(current, offset=0.04, noise=random.uniform(-0.03, 0.03))
        evidence = watched([look], evidence)
        assert WEAK not in found(evidence, look)


@pytest.mark.parametrize(
    "looks",
    [
        # A cell that is always 20 mV higher is no weak one.
        [loaded(current, offset=0.02) for current in CURRENTS * 4],
        # An ordinary difference: 4 mV at 20 A.
        [loaded(current, 0.0002) for current in CURRENTS * 4],
        # Small currents.
        [loaded(current / 10, 0.0015) for current in CURRENTS * 4],
        # One current, at which nobody can tell resistance from charge.
        [loaded(20, 0.0015)] * 40,
        # Near the end of the charge, where small differences become large.
        [
            replace(loaded(current, 0.0015), energy=seen(state_of_charge=95).energy)
            for current in CURRENTS * 4
        ],
        # Not many looks.
        [loaded(current, 0.0015) for current in CURRENTS[:7]],
    ],
)
def test_a_cell_that_is_not_weak(looks: list[Snapshot]) -> None:
    """What may have other reasons is not called weak."""
    assert WEAK not in found(watched(looks), looks[-1])


def test_weak_compared_with_a_capacity() -> None:
    """Without the capacity C/5 is not known, and nothing is said."""
    looks = [replace(loaded(current, 0.0015), settings={}) for current in CURRENTS * 2]
    assert WEAK not in found(watched(looks), looks[-1])


def at_rest(millivolts: float, *, current: float = 0.5) -> Snapshot:
    """Return a resting pack whose cell 9 is some millivolts above the others."""
    voltages = [3.3] * 16
    voltages[8] += millivolts / 1000
    return seen(current, None, cells=tuple(voltages))


def hours(count: int, millivolts: float, evidence: Evidence | None = None) -> Evidence:
    """Return the evidence after some hours at rest, looked at every five minutes."""
    return watched([at_rest(millivolts)] * (count * 12), evidence, step=300)


def test_a_drifting_cell() -> None:
    """For ten days cell 9 was 2 mV above the others, then it falls 40 mV below its own mean."""
    evidence = hours(240, 2)
    assert DRIFTING not in found(evidence, at_rest(2))
    evidence = hours(24, -40, evidence)
    finding = found(evidence, at_rest(-40))[DRIFTING]
    assert finding.severity is Severity.WARNING
    assert (finding.evidence["cell"], finding.evidence["days"]) == (9, 10)
    assert -40 < float(finding.evidence["drift"]) < -25
    # Balanced again it is back where it was.
    assert DRIFTING not in found(hours(48, 2, evidence), at_rest(2))


def test_no_drift_within_the_first_week() -> None:
    """Six days are too few to know what is usual."""
    evidence = hours(24, -40, hours(100, 2))
    assert DRIFTING not in found(evidence, at_rest(-40))


def test_a_difference_that_was_always_there() -> None:
    """A cell board that measures 25 mV too much does not drift."""
    assert DRIFTING not in found(hours(300, 25), at_rest(25))


def test_no_rest_no_comparison() -> None:
    """Under load, nearly full, while balancing or before all cells are heard, nothing is compared."""
    evidence = hours(240, 2)
    for look in (
        at_rest(-60, current=10),
        replace(at_rest(-60), energy=seen(state_of_charge=99).energy),
        replace(at_rest(-60), voltages=VoltageRecord(3.3, 1, 3.45, 9, 3.4)),
        replace(at_rest(-60), cells=(Cell(None), *at_rest(-60).cells[1:])),
        replace(at_rest(-60), pack=None),
    ):
        watched_on = watched([look] * (12 * 24), evidence, step=300)
        assert DRIFTING not in found(watched_on, look)


def test_another_number_of_cells_begins_anew() -> None:
    """What was known of 16 cells says nothing of 15."""
    evidence = hours(24, -40, hours(240, 2))
    fifteen = replace(at_rest(-40), cells=at_rest(-40).cells[:15], pack=seen(0.5, None, voltage=49.5).pack)
    evidence = watched([fifteen] * 24, evidence, step=300)
    assert DRIFTING not in found(evidence, fifteen)
    assert len(evidence.rest.recent) == 15


def test_a_broken_chain() -> None:
    """With the cell that the log names, where it names one."""
    broken = replace(seen(status=BROKEN), voltages=None, temperatures=None)
    evidence = watched([seen(), broken])
    finding = found(evidence, broken)[FindingKey.CHAIN_BROKEN]
    assert (finding.severity, finding.evidence) == (Severity.ERROR, {"cell": "–"})
    named = found(evidence, broken, Circumstances(break_cell=8))[FindingKey.CHAIN_BROKEN]
    assert named.evidence == {"cell": 8}
    assert FindingKey.CHAIN_BROKEN not in found(watched([seen()], evidence), seen())


def test_the_settings_of_other_packs() -> None:
    """C/5 of 50 Ah is 10 A."""
    looks = [
        replace(loaded(current, 0.003), settings=seen(settings={SettingKey.CAPACITY: 2640.0}).settings)
        for current in CURRENTS * 2
    ]
    assert found(watched(looks), looks[-1])[WEAK].evidence["current"] == 10
