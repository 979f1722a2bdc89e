"""Sensors of what is understood of the BMS: why it blocks, where its charge goes, what is wrong with it.

They answer out of reach as well, from what was heard last, and say then when that was.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription
from homeassistant.const import PERCENTAGE, EntityCategory, UnitOfTime

from .bms.state import Snapshot
from .coordinator import SmartBmsCoordinator
from .deadband import Deadband
from .entity import InsightEntity
from .model.evidence import days_since_full
from .model.insight import Insight
from .model.relays import Cause, Decision, Rule
from .model.soc import Prediction
from .model.twin import Explanation, explain_charge, explain_discharge

_ALLOWED: Final = "allowed"
_UNEXPLAINED: Final = "unexplained"
_MINUTE: Final = 60
# Steps in minutes; a duration is told in the coarsest of which it has twelve. Nobody knows it better.
_STEPS: Final = (60, 15, 5, 1)
_COUNT: Final = 12
# It follows every cloud; a fifth of the time is as fine as one can plan by it.
_DURATION: Final = Deadband(step=1.0, share=0.2, patience=900)

type Explain = Callable[[Decision | None, Snapshot], Explanation | None]


@dataclass(frozen=True, kw_only=True)
class ReasonSensor(SensorEntityDescription):
    """Why the BMS does not allow something, as its manual explains it."""

    explain_fn: Explain


@dataclass(frozen=True, kw_only=True)
class DurationSensor(SensorEntityDescription):
    """When the pack will be full or empty: the model's seconds, shown in minutes."""

    value_fn: Callable[[Insight], float | None]


def _reason(key: str, explain_fn: Explain, not_for: set[Rule]) -> ReasonSensor:
    return ReasonSensor(
        key=key,
        translation_key=key,
        explain_fn=explain_fn,
        device_class=SensorDeviceClass.ENUM,
        options=[_ALLOWED, *(rule.value for rule in Rule if rule not in not_for), _UNEXPLAINED],
    )


def _duration(key: str, value_fn: Callable[[Insight], float | None]) -> DurationSensor:
    return DurationSensor(
        key=key,
        translation_key=key,
        value_fn=value_fn,
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.MINUTES,
        suggested_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=1,
    )


REASON_SENSORS: Final = (
    _reason("charging_blocked_by", explain_charge, {Rule.CELL_VOLTAGE_LOW}),
    _reason(
        "discharging_blocked_by",
        explain_discharge,
        {Rule.CELL_VOLTAGE_HIGH, Rule.FULL, Rule.ABOVE_BALANCE_VOLTAGE},
    ),
)
DURATION_SENSORS: Final = (
    _duration("time_to_full", Insight.time_to_full),
    _duration("time_to_empty", Insight.time_to_empty),
)
PREDICTION: Final = SensorEntityDescription(
    key="predicted_state_of_charge",
    translation_key="predicted_state_of_charge",
    native_unit_of_measurement=PERCENTAGE,
    suggested_display_precision=0,
)
FINDINGS: Final = SensorEntityDescription(
    key="findings", translation_key="findings", entity_category=EntityCategory.DIAGNOSTIC
)
# For reminders of a full charge; a day is as fine as anybody wants it.
WITHOUT_FULL_CHARGE: Final = SensorEntityDescription(
    key="days_without_full_charge",
    translation_key="days_without_full_charge",
    device_class=SensorDeviceClass.DURATION,
    native_unit_of_measurement=UnitOfTime.DAYS,
    entity_category=EntityCategory.DIAGNOSTIC,
)


def insight_sensors(coordinator: SmartBmsCoordinator) -> list[SensorEntity]:
    """Return the sensors of what is understood of a BMS."""
    return [
        *(ReasonSensorEntity(coordinator, description) for description in REASON_SENSORS),
        *(DurationSensorEntity(coordinator, description) for description in DURATION_SENSORS),
        PredictionSensorEntity(coordinator, PREDICTION),
        FindingsSensorEntity(coordinator, FINDINGS),
        WithoutFullChargeSensorEntity(coordinator, WITHOUT_FULL_CHARGE),
    ]


class ReasonSensorEntity(InsightEntity[Explanation | None], SensorEntity):
    """Why the BMS does not allow something: the first of the causes, with all of them as attributes."""

    _is_urgent = True
    _unrecorded_attributes = frozenset({"causes", "as_of"})
    entity_description: ReasonSensor

    def _read(self) -> Explanation | None:
        insight = self.coordinator.insight
        if insight.snapshot is None:
            return None
        return self.entity_description.explain_fn(insight.decision, insight.snapshot)

    def _gist(self, value: Explanation | None) -> object:
        """Which rules there are; their values and cells move with every record."""
        return value and (value.allowed, [cause.rule for cause in value.causes])

    @property
    def native_value(self) -> str | None:
        """The reason as it is now."""
        explanation = self._read()
        if explanation is None:
            return None
        if explanation.allowed:
            return _ALLOWED
        return explanation.causes[0].rule.value if explanation.causes else _UNEXPLAINED

    def _attributes(self) -> dict[str, object]:
        """Return every cause with its limit, the value that meets it, and the cell."""
        explanation = self._read()
        causes = () if explanation is None else explanation.causes
        return {"causes": [self._shown_cause(cause) for cause in causes]}

    def _shown_cause(self, cause: Cause) -> dict[str, str | float | None]:
        limit, value = cause.limit, cause.value
        if cause.rule in (Rule.TOO_COLD, Rule.TOO_HOT):
            scale = self.coordinator.data.temperature_scale
            limit, value = (None if raw is None else scale.celsius(round(raw)) for raw in (limit, value))
        return {"rule": cause.rule.value, "limit": limit, "value": value, "cell": cause.cell}


class DurationSensorEntity(InsightEntity[int | None], SensorEntity):
    """When the pack will be full or empty if it goes on like this; out of reach nobody knows."""

    entity_description: DurationSensor

    def _read(self) -> int | None:
        seconds = self.entity_description.value_fn(self.coordinator.insight)
        if seconds is None or not self.coordinator.is_available:
            return None
        minutes = seconds / _MINUTE
        step = next((step for step in _STEPS if minutes >= _COUNT * step), _STEPS[-1])
        return step * round(minutes / step)

    def _is_news(self, value: int | None, age: float) -> bool:
        return _DURATION.is_news(self._shown, value, age)

    @property
    def native_value(self) -> int | None:
        """The minutes that are left, as they were written last."""
        return self._shown


class PredictionSensorEntity(InsightEntity[Prediction | None], SensorEntity):
    """Where the state of charge must be, in reach or not, and by how much that may be wrong."""

    _unrecorded_attributes = frozenset({"uncertainty", "as_of"})

    def _read(self) -> Prediction | None:
        prediction = self.coordinator.insight.prediction(self.coordinator.now)
        if prediction is None:
            return None
        # As fine as the BMS itself tells it; out of reach it would be written every minute otherwise.
        return Prediction(round(prediction.state_of_charge), round(prediction.uncertainty * 2) / 2)

    def _gist(self, value: Prediction | None) -> object:
        return value and value.state_of_charge

    @property
    def native_value(self) -> float | None:
        """The predicted state of charge."""
        prediction = self._read()
        return None if prediction is None else prediction.state_of_charge

    def _attributes(self) -> dict[str, object]:
        prediction = self._read()
        return {"uncertainty": None if prediction is None else prediction.uncertainty}


class FindingsSensorEntity(InsightEntity, SensorEntity):
    """How many things are wrong; which, and how that was seen, as an attribute."""

    _unrecorded_attributes = frozenset({"findings", "as_of"})

    def _read(self) -> tuple[object, ...]:
        # The numbers of the evidence change all the time.
        return tuple(finding.gist for finding in self.coordinator.findings)

    @property
    def native_value(self) -> int:
        """The number of findings."""
        return len(self._read())

    def _attributes(self) -> dict[str, object]:
        return {
            "findings": [
                {"finding": finding.key.value, "severity": finding.severity.value, **finding.evidence}
                for finding in self.coordinator.findings
            ]
        }


class WithoutFullChargeSensorEntity(InsightEntity[int | None], SensorEntity):
    """For how many whole days the BMS has been watched without its state of charge being set at 100 %."""

    def _read(self) -> int | None:
        evidence, now = self.coordinator.insight.evidence, self.coordinator.now
        if evidence.days_since_full is None:
            return None
        return int(days_since_full(evidence.days_since_full, now - (evidence.seen or now)))

    @property
    def native_value(self) -> int | None:
        """The days."""
        return self._read()
