"""Sensors that say why charging or discharging is blocked, in the words of the manual."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription

from .bms.state import Snapshot
from .coordinator import SmartBmsCoordinator
from .entity import SmartBmsEntity
from .model.relays import Cause, Decision, Rule
from .model.twin import Explanation, explain_charge, explain_discharge


@dataclass(frozen=True, kw_only=True)
class ReasonSensor(SensorEntityDescription):
    """Why the BMS does not allow something, as its manual explains it."""

    explain_fn: Callable[[Decision | None, Snapshot], Explanation | None]


_ALLOWED: Final = "allowed"
_UNEXPLAINED: Final = "unexplained"


def _reason(
    key: str, explain_fn: Callable[[Decision | None, Snapshot], Explanation | None], not_for: set[Rule]
) -> ReasonSensor:
    return ReasonSensor(
        key=key,
        translation_key=key,
        explain_fn=explain_fn,
        device_class=SensorDeviceClass.ENUM,
        options=[_ALLOWED, *(rule.value for rule in Rule if rule not in not_for), _UNEXPLAINED],
    )


REASON_SENSORS: Final = (
    _reason("charging_blocked_by", explain_charge, {Rule.CELL_VOLTAGE_LOW}),
    _reason(
        "discharging_blocked_by",
        explain_discharge,
        {Rule.CELL_VOLTAGE_HIGH, Rule.FULL, Rule.ABOVE_BALANCE_VOLTAGE},
    ),
)


class ReasonSensorEntity(SmartBmsEntity, SensorEntity):
    """Why the BMS does not allow something: the first of the causes, with all of them as attributes."""

    _is_urgent = True
    _unrecorded_attributes = frozenset({"causes"})
    entity_description: ReasonSensor

    def __init__(self, coordinator: SmartBmsCoordinator, description: ReasonSensor) -> None:
        """Show the reason."""
        super().__init__(coordinator, description)

    def _read(self) -> Explanation | None:
        coordinator = self.coordinator
        return self.entity_description.explain_fn(coordinator.decision, coordinator.data)

    @property
    def native_value(self) -> str | None:
        """The reason as it is now."""
        explanation = self._read()
        if explanation is None:
            return None
        if explanation.allowed:
            return _ALLOWED
        return explanation.causes[0].rule.value if explanation.causes else _UNEXPLAINED

    @property
    def extra_state_attributes(self) -> dict[str, list[dict[str, str | float | None]]]:
        """Every cause with its limit, the value that meets it, and the cell."""
        explanation = self._read()
        causes = () if explanation is None else explanation.causes
        return {"causes": [self._shown_cause(cause) for cause in causes]}

    def _shown_cause(self, cause: Cause) -> dict[str, str | float | None]:
        limit, value = cause.limit, cause.value
        if cause.rule in (Rule.TOO_COLD, Rule.TOO_HOT):
            scale = self.coordinator.data.temperature_scale
            limit, value = (None if raw is None else scale.celsius(round(raw)) for raw in (limit, value))
        return {"rule": cause.rule.value, "limit": limit, "value": value, "cell": cause.cell}
