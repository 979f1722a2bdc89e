"""Whatever a BMS says, or does not say: every entity shows a value or none, and the report is JSON."""

import json

from hypothesis import given, strategies as st

from custom_components.smartbms.binary_sensor import STATUS_SENSORS
from custom_components.smartbms.bms.device import Generation
from custom_components.smartbms.bms.state import Snapshot
from custom_components.smartbms.insights import DURATION_SENSORS, REASON_SENSORS
from custom_components.smartbms.model.diagnosis import Circumstances
from custom_components.smartbms.model.insight import Insight
from custom_components.smartbms.model.report import as_text, placeholders, report
from custom_components.smartbms.model.twin import differs, patience
from custom_components.smartbms.sensor import CELL_SENSORS, PACK_SENSORS

from .model.test_evidence import MOMENTS, snapshots


@given(snapshots())
def test_every_value(snapshot: Snapshot) -> None:
    """A number, or nothing; never an exception."""
    for description in PACK_SENSORS:
        assert isinstance(description.value_fn(snapshot), int | float | None)
    for index in range(len(snapshot.cells)):
        assert isinstance(snapshot.balancing(index), bool | None)
        for cell_description in CELL_SENSORS:
            assert isinstance(cell_description.value_fn(snapshot, index), int | float | None)
    for status in STATUS_SENSORS:
        assert isinstance(snapshot.status.has(status.bit), bool | None)


@given(MOMENTS, st.sampled_from(list(Generation)))
def test_everything_that_is_understood(moments: list[tuple[Snapshot, float]], generation: Generation) -> None:
    """With a clock that jumps, and after a restart at any point."""
    insight, now = Insight(), 1.8e9
    for snapshot, passed in moments:
        now = max(now + passed, 0.0)
        insight = insight.seeing(snapshot, generation, now)
        insight = Insight.from_json(json.loads(json.dumps(insight.as_json())), None)
    if (seen := insight.snapshot) is not None:
        for reason in REASON_SENSORS:
            reason.explain_fn(insight.decision, seen)
        assert isinstance(differs(insight.decision, seen), bool | None)
        assert patience(seen.settings) >= 60
    for duration in DURATION_SENSORS:
        assert isinstance(duration.value_fn(insight), int | float | None)
    prediction = insight.prediction(now)
    assert prediction is None or 0 <= prediction.state_of_charge <= 100
    told = report(insight, now)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert as_text(told, {})
    for finding in insight.findings(now, Circumstances(break_cell=8)):
        assert all(placeholders(finding.evidence).values())
