"""Findings of one moment, their order, and that each can be told in words."""

from dataclasses import replace
import json
from pathlib import Path
from string import Formatter

import pytest

from custom_components.smartbms.bms.state import Snapshot
from custom_components.smartbms.model.diagnosis import (
    Circumstances,
    Evidence,
    Finding,
    FindingKey,
    Severity,
    findings,
)
from custom_components.smartbms.model.profiles import PROFILES, ProfileKey
from custom_components.smartbms.model.report import placeholders

from .looks import (
    BOTH_BLOCKED,
    BROKEN,
    CHARGE_BLOCKED,
    NOT_CALIBRATED,
    NOW,
    REV13,
    SETTINGS,
    found,
    seen,
    watched,
)
from .test_cell_findings import CURRENTS, at_rest, hours, loaded
from .test_charger_findings import CHARGING, COMBINED, TRIPPED, WAITING
from .test_sensor_findings import house

HOME = Path(__file__).parent.parent.parent / "custom_components" / "smartbms"
TEXTS: dict[str, dict[str, str]] = json.loads(
    (HOME / "translations" / "en.json").read_text(encoding="utf-8")
)["issues"]


def test_not_calibrated() -> None:
    """The BMS says so itself, and stops saying so after a full charge."""
    snapshot = seen(status=NOT_CALIBRATED)
    finding = found(watched([snapshot]), snapshot)[FindingKey.NOT_CALIBRATED]
    assert (finding.severity, finding.evidence) == (Severity.WARNING, {})
    assert found(watched([seen()]), seen()) == {}


def test_long_not_calibrated() -> None:
    """31 days were watched without 100 %; at 100 % it is over, unless the BMS calls it uncalibrated."""
    hourly = [seen()] * 24
    evidence = watched(hourly * 30, step=3600)
    assert FindingKey.LONG_NOT_CALIBRATED not in found(evidence, seen())
    evidence = watched(hourly * 2, evidence, step=3600)
    finding = found(evidence, seen())[FindingKey.LONG_NOT_CALIBRATED]
    assert (finding.severity, finding.evidence) == (Severity.NOTICE, {"days": 31})
    uncalibrated = seen(state_of_charge=100, status=NOT_CALIBRATED)
    assert set(found(watched([uncalibrated], evidence), uncalibrated)) == {FindingKey.NOT_CALIBRATED}
    full = seen(state_of_charge=100)
    assert found(watched([full], evidence), full) == {}


def test_the_days_go_on_out_of_reach() -> None:
    """The BMS is not heard, but nobody knows of more than a day what happened in it."""
    evidence = watched([seen()] * 721, step=3600 * 1.001)
    assert evidence.seen is not None
    for hours_later, days in ((30, 31), (24 * 300, 31)):
        later = evidence.seen + hours_later * 3600
        (finding,) = findings(evidence, REV13, seen(), later)
        assert finding.evidence == {"days": days}


def test_the_factorys_pin() -> None:
    """Only Home Assistant knows the PIN."""
    (finding,) = findings(Evidence(), REV13, seen(), NOW, Circumstances(has_factory_pin=True))
    assert (finding.key, finding.severity, finding.evidence) == (FindingKey.FACTORY_PIN, Severity.NOTICE, {})


def test_too_cold_to_charge() -> None:
    """Raw 270 is -0.7 degrees, raw 273, the limit, is 1.9: charging is blocked by cell 1."""
    cold = seen(status=CHARGE_BLOCKED, temperatures=(270, 280))
    finding = found(Evidence(), cold)[FindingKey.TOO_COLD_TO_CHARGE]
    assert (finding.severity, finding.evidence) == (
        Severity.NOTICE,
        {"temperature": -0.7, "limit": 1.9, "cell": 1},
    )
    # At the limit charging stays off, and above it it comes back; nothing is said while it is on.
    assert found(Evidence(), seen(status=CHARGE_BLOCKED, temperatures=(273, 280)))
    assert not found(Evidence(), seen(status=CHARGE_BLOCKED, temperatures=(274, 280)))
    assert not found(Evidence(), seen(temperatures=(273, 280)))


def test_too_hot() -> None:
    """Raw 345 is 63.6 degrees, raw 341, the limit, is 60.1: cell 4 blocks both."""
    hot = seen(status=BOTH_BLOCKED, temperatures=(300, 345))
    finding = found(Evidence(), hot)[FindingKey.TOO_HOT]
    assert (finding.severity, finding.evidence) == (
        Severity.NOTICE,
        {"temperature": 63.6, "limit": 60.1, "cell": 4},
    )
    assert found(Evidence(), seen(status=BOTH_BLOCKED, temperatures=(300, 341)))
    assert not found(Evidence(), seen(status=BOTH_BLOCKED, temperatures=(300, 340)))
    assert not found(Evidence(), seen(temperatures=(300, 345)))


@pytest.mark.parametrize(
    "snapshot",
    [
        Snapshot(),
        Snapshot(settings=SETTINGS),
        replace(seen(status=BOTH_BLOCKED), temperatures=None),
        replace(seen(status=BOTH_BLOCKED, temperatures=(200, 400)), settings={}),
        replace(seen(), cells=()),
        replace(seen(), voltages=None, pack=None, energy=None),
    ],
)
def test_what_is_not_known_is_not_found(snapshot: Snapshot) -> None:
    """Nothing heard, no temperatures, no settings, no cells: nothing is said."""
    assert found(watched([snapshot] * 30), snapshot) == {}


def every_finding() -> dict[FindingKey, Finding]:
    """Return one finding of each kind, as it is found."""
    broken = replace(seen(status=BROKEN), voltages=None, temperatures=None)
    offset = seen(0, 1.2, status=BOTH_BLOCKED)
    reversed_sensor = list(house(40, load_sign=-1))
    weak = [loaded(current, 0.0015) for current in CURRENTS * 2]
    months = watched([seen()] * 900, step=3600)
    cases = [
        (watched([broken] * 3), broken),
        (watched([CHARGING, TRIPPED]), TRIPPED),
        (watched(reversed_sensor), reversed_sensor[-1]),
        (watched([offset] * 12), offset),
        (watched(weak), weak[-1]),
        (hours(24, -40, hours(240, 2)), at_rest(-40)),
        (watched([COMBINED, *[WAITING] * 12]), WAITING),
        (months, seen()),
        (Evidence(), seen(settings={key: 4.6 for key in SETTINGS if key.startswith("v_")})),
        (Evidence(), seen(balance=3.9)),
        (Evidence(), seen(balance=0.0)),
        (Evidence(), seen(status=NOT_CALIBRATED)),
        (Evidence(), seen(status=CHARGE_BLOCKED, temperatures=(270, 280))),
        (Evidence(), seen(status=CHARGE_BLOCKED, temperatures=(300, 345))),
    ]
    circumstances = Circumstances(has_factory_pin=True, rated_capacity=5280)
    rev6 = PROFILES[ProfileKey.GEN3_REV6]
    return {
        finding.key: finding
        for evidence, snapshot in cases
        for finding in findings(evidence, rev6, snapshot, evidence.seen or NOW, circumstances)
    }


def test_every_finding_has_its_text() -> None:
    """A title with the name of the BMS, a description, and no placeholder without its number."""
    every = every_finding()
    assert set(every) == set(FindingKey)
    assert {key for key in TEXTS if key.startswith("finding_")} == {f"finding_{key}" for key in FindingKey}
    for key, finding in every.items():
        text, known = TEXTS[f"finding_{key}"], placeholders(finding.evidence) | {"name": "Shed"}
        title = {field for _, field, _, _ in Formatter().parse(text["title"]) if field}
        description = {field for _, field, _, _ in Formatter().parse(text["description"]) if field}
        assert "name" in title, key
        assert title | description <= set(known), key
        assert set(finding.evidence) <= title | description, key
        assert "{" not in text["title"].format_map(known) + text["description"].format_map(known)


def test_numbers_as_a_person_reads_them() -> None:
    """No more decimals than there are, and no dust of binary fractions."""
    finding = Finding(
        FindingKey.WEAK_CELL,
        Severity.WARNING,
        {"cell": 5, "voltage": 55.040000000000006, "whole": 95.0, "small": -0.05, "sensor": "load"},
    )
    assert placeholders(finding.evidence) == {
        "cell": "5",
        "voltage": "55.04",
        "whole": "95",
        "small": "-0.05",
        "sensor": "load",
    }


def test_the_most_severe_first() -> None:
    """Errors, then warnings, then notices."""
    snapshot = seen(
        status=0x82, temperatures=(270, 280), settings={key: 4.6 for key in SETTINGS if key.startswith("v_")}
    )
    severities = [finding.severity for finding in findings(Evidence(), REV13, snapshot, NOW)]
    assert severities == [Severity.ERROR, Severity.WARNING, Severity.WARNING, Severity.NOTICE]


def test_what_is_news() -> None:
    """A cell that becomes known is, and a finding that worsens; a voltage that moves on is not."""

    def gist(severity: Severity, cell: int | str, voltage: float) -> object:
        return Finding(FindingKey.CHAIN_BROKEN, severity, {"cell": cell, "voltage": voltage}).gist

    first = gist(Severity.WARNING, "–", 3.3)
    assert gist(Severity.WARNING, "–", 3.4) == first
    assert gist(Severity.WARNING, 8, 3.3) != first
    assert gist(Severity.ERROR, "–", 3.3) != first
