"""A charger that goes too far, and a combined one that a full pack switches off."""

from dataclasses import replace

import pytest

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Snapshot
from custom_components.smartbms.model.diagnosis import Evidence, FindingKey, Severity

from .looks import BOTH_BLOCKED, CHARGE_BLOCKED, found, seen, watched

TOO_HIGH = FindingKey.CHARGER_VOLTAGE_TOO_HIGH
CRITICAL = FindingKey.CRITICAL_MODE_ADVISABLE

# The pack is in the middle of its charge; at its end with the right voltage; with 57 V.
CHARGING = seen(30)
FULL = seen(2, voltage=54.9, lowest=3.42, highest=3.44, state_of_charge=100)
OVERSHOT = seen(10, voltage=57.0, lowest=3.54, highest=3.58, state_of_charge=99)
# Cell 5 has reached V max, cell 2 is below the balance voltage, and the pack is above its range.
TRIPPED = seen(20, voltage=55.1, lowest=3.38, highest=3.71, state_of_charge=97)
RESTING = seen(0, 3, status=CHARGE_BLOCKED)


def test_a_charger_at_the_right_voltage() -> None:
    """A charge that ends at 54.9 V for 16 cells at 3.4 V is what the manual asks for."""
    assert TOO_HIGH not in found(watched([CHARGING, FULL, RESTING]), RESTING)


def test_a_charger_that_overshoots() -> None:
    """57 V is seen, 54.8 to 55.04 V is right, and no cell reached V max."""
    evidence = watched([CHARGING, OVERSHOT])
    finding = found(evidence, OVERSHOT)[TOO_HIGH]
    assert finding.severity is Severity.WARNING
    assert finding.evidence == {"voltage": 57.0, "lowest": 54.8, "highest": 55.04, "cell": "–"}
    assert TOO_HIGH in found(watched([RESTING] * 20, evidence), RESTING)


def test_a_cell_that_reaches_v_max_before_the_pack_is_full() -> None:
    """Then it is an error, and the cell is named; the charge relay has just opened or not."""
    for status, current in ((0x03, 20.0), (0x02, 0.0)):
        tripped = replace(
            seen(current, voltage=55.1, lowest=3.38, highest=3.71, status=status), cells=TRIPPED.cells
        )
        finding = found(watched([CHARGING, tripped]), tripped)[TOO_HIGH]
        assert finding.severity is Severity.ERROR
        assert finding.evidence == {"voltage": 55.1, "lowest": 54.8, "highest": 55.04, "cell": 5}


def test_cells_out_of_balance_are_not_the_chargers_fault() -> None:
    """A cell at V max while the pack is below the right voltage would come with any charger."""
    tripped = seen(20, voltage=54.5, lowest=3.36, highest=3.71)
    assert TOO_HIGH not in found(watched([CHARGING, tripped]), tripped)


def test_within_the_accuracy_of_the_voltages() -> None:
    """A cell voltage is within 20 mV: up to 55.36 V nothing is said of 16 cells."""
    for voltage, is_found in ((55.3, False), (55.4, True)):
        high = seen(2, voltage=voltage, lowest=3.44, highest=3.47, state_of_charge=100)
        assert (TOO_HIGH in found(watched([CHARGING, high]), high)) is is_found


def test_gone_after_a_good_charge() -> None:
    """The charger was set to 54.9 V, and the pack became full without going beyond."""
    evidence = watched([CHARGING, TRIPPED, RESTING, CHARGING, FULL])
    assert TOO_HIGH in found(evidence, FULL)
    assert TOO_HIGH not in found(watched([RESTING], evidence), RESTING)


def test_not_gone_before_a_full_charge() -> None:
    """A charge that the evening ended early proves nothing, nor does one that went too far again."""
    evidence = watched([CHARGING, OVERSHOT, RESTING, CHARGING, RESTING])
    assert TOO_HIGH in found(evidence, RESTING)
    assert TOO_HIGH in found(watched([CHARGING, FULL, OVERSHOT, RESTING], evidence), RESTING)


def test_gone_with_another_balance_voltage() -> None:
    """Cells that are balanced at 3.6 V are charged to 58 V."""
    evidence = watched([CHARGING, OVERSHOT])
    assert TOO_HIGH not in found(evidence, seen(balance=3.6))


def test_a_voltage_that_its_cells_cannot_have() -> None:
    """A digit that was lost on the way is no overshoot."""
    wrong = seen(30, voltage=99.0)
    assert TOO_HIGH not in found(watched([CHARGING, wrong, CHARGING]), CHARGING)


def test_a_discharging_pack_is_not_charged() -> None:
    """High voltages without a charging current are not the charger's."""
    high = seen(0, 5, voltage=57.0, lowest=3.54, highest=3.58)
    assert TOO_HIGH not in found(watched([high, high]), high)


# A combined charger/inverter has one sensor, and one enable signal for both relays.
COMBINED = seen(30, None)
SWITCHED_OFF = seen(0, None, lowest=3.41, highest=3.44, voltage=54.8, status=CHARGE_BLOCKED)
WAITING = seen(0, None, state_of_charge=99, status=CHARGE_BLOCKED)


@pytest.mark.parametrize("blocked", [SWITCHED_OFF, WAITING])
def test_a_combined_inverter_in_normal_mode(blocked: Snapshot) -> None:
    """Full, charging blocked, discharging allowed, and nothing flows any more for a minute."""
    evidence = watched([COMBINED, *[blocked] * 11])
    assert CRITICAL not in found(evidence, blocked)
    evidence = watched([blocked], evidence)
    assert found(evidence, blocked)[CRITICAL].severity is Severity.WARNING


def test_looks_that_are_far_apart() -> None:
    """Three looks over a minute are enough, and no look counts for more than 20 s."""
    assert CRITICAL not in found(watched([COMBINED, *[WAITING] * 2], step=300), WAITING)
    assert CRITICAL in found(watched([COMBINED, *[WAITING] * 3], step=300), WAITING)
    assert CRITICAL not in found(watched([COMBINED, *[WAITING] * 5], step=10), WAITING)
    assert CRITICAL in found(watched([COMBINED, *[WAITING] * 6], step=10), WAITING)
    # A moment in which nobody looked was no minute.
    evidence = watched([WAITING], watched([COMBINED, WAITING, WAITING]), step=300)
    assert CRITICAL not in found(evidence, WAITING)
    # Hours apart, each look begins anew.
    assert CRITICAL not in found(watched([COMBINED, *[WAITING] * 20], step=7200), WAITING)


def test_gone_in_critical_mode() -> None:
    """The owner has done as advised."""
    evidence = watched([COMBINED, *[WAITING] * 12])
    critical = seen(0, None, settings={SettingKey.CRITICAL_MODE: 1.0})
    assert CRITICAL not in found(watched([critical], evidence), critical)


def test_gone_when_current_flows_again() -> None:
    """A load that runs although charging is blocked shows that all is well."""
    evidence = watched([COMBINED, *[WAITING] * 12])
    running = seen(-8, None, state_of_charge=97, status=CHARGE_BLOCKED)
    evidence = watched([running], evidence)
    assert CRITICAL not in found(evidence, running)
    assert CRITICAL not in found(watched([WAITING] * 20, evidence), WAITING)


@pytest.mark.parametrize(
    "looks",
    [
        # Two sensors: charger and inverter are apart.
        [seen(30, 5), *[seen(0, 0, state_of_charge=99, status=CHARGE_BLOCKED)] * 20],
        # Nothing flowed before either: the pack is not in use.
        [seen(0, None), *[WAITING] * 20],
        # Neither is allowed.
        [COMBINED, *[seen(0, None, state_of_charge=99, status=BOTH_BLOCKED)] * 20],
        # It is cold, which critical mode would not change.
        [COMBINED, *[seen(0, None, temperatures=(270, 275), status=CHARGE_BLOCKED)] * 20],
        # Charging is allowed.
        [COMBINED, *[seen(0, None)] * 20],
    ],
)
def test_no_advice(looks: list[Snapshot]) -> None:
    """Where the mode is not the reason, nothing is advised."""
    assert CRITICAL not in found(watched(looks), looks[-1])


def test_no_advice_while_the_relays_are_not_known() -> None:
    """Before the status was heard nothing is counted."""
    unknown = replace(WAITING, status=Snapshot().status)
    assert CRITICAL not in found(watched([COMBINED, *[unknown] * 20]), unknown)


def test_no_advice_without_thresholds() -> None:
    """Without the rules nobody can tell why charging is blocked."""
    unknown = replace(WAITING, settings={})
    assert CRITICAL not in found(watched([COMBINED, *[unknown] * 20], Evidence()), unknown)
