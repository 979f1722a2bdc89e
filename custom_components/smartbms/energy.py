"""Sensors of energy that only rises, as Home Assistant's Energy dashboard wants it."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import UnitOfEnergy
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bms.state import Connection
from .coordinator import SmartBmsCoordinator
from .deadband import Deadband
from .entity import add_when_known
from .measured import MeasuredDescription, MeasuredEntity, MeasuredSensorEntity
from .model.ledger import Flow
from .publisher import Publisher

_WATT_HOURS: Final = 1000.0
# 10 Wh are as little on a bar of an hour as five minutes of what draws less; the BMS counts in Wh.
_DEADBAND: Final = Deadband(step=0.001, width=0.01)


@dataclass(frozen=True, kw_only=True)
class EnergySensor(MeasuredDescription):
    """The total of one flow of energy; it exists once there is something to count."""

    flow: Flow


ENERGY_SENSORS: Final = tuple(
    EnergySensor(
        key=f"{flow}_total",
        translation_key=f"{flow}_total",
        flow=flow,
        deadband=_DEADBAND,
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        state_class=SensorStateClass.TOTAL_INCREASING,
    )
    for flow in Flow
)


def add_energy_sensors(
    coordinator: SmartBmsCoordinator, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the totals of a BMS as soon as its ledger has them."""
    add_when_known(
        coordinator,
        async_add_entities,
        lambda _: (
            (each, None) for each in ENERGY_SENSORS if coordinator.ledger.total(each.flow) is not None
        ),
        lambda description, _: EnergySensorEntity(coordinator, description),
    )


class TotalEntity[C: Publisher[Any]](MeasuredEntity[C]):
    """The total of one flow in kWh, of a BMS or of a bank; it stays out of reach, and after a restart."""

    entity_description: EnergySensor

    @property
    def available(self) -> bool:
        """Whether there is something to show, wherever the battery is."""
        return self._read() is not None

    @abstractmethod
    def _total(self, flow: Flow) -> float | None:
        """Return what has been counted of a flow, in Wh."""

    def _read(self) -> float | None:
        total = self._total(self.entity_description.flow)
        return None if total is None else round(total / _WATT_HOURS, 3)


class EnergySensorEntity(TotalEntity[SmartBmsCoordinator], MeasuredSensorEntity):
    """The total of one flow of a BMS."""

    entity_description: EnergySensor

    def _is_news(self, value: float | None, age: float) -> bool:
        """Whether a total is worth a row; a bar of the dashboard ends where the link does, with all there is."""
        if self.coordinator.session.state is not Connection.CONNECTED:
            return value != self._shown
        return super()._is_news(value, age)

    def _total(self, flow: Flow) -> float | None:
        return self.coordinator.ledger.total(flow)
