"""Sensors of what moves all the time: they write no more than their deadband lets through."""

from dataclasses import dataclass
from math import inf
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass, SensorEntity, SensorEntityDescription
from homeassistant.const import (
    PERCENTAGE,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfTemperature,
)

from .coordinator import SmartBmsCoordinator
from .deadband import Deadband
from .entity import PublishedEntity, SmartBmsEntity
from .publisher import Publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What sensors of the same quantity have in common; `precision` are decimals in the suggested unit."""

    device_class: SensorDeviceClass | None = None
    unit: str | None = None
    suggested_unit: str | None = None
    precision: int = 0
    deadband: Deadband


# Cells and the pack are told in steps of 5 mV (protocol.md 4), and a cell under load flickers over three.
CELL_VOLTAGE: Final = Kind(
    device_class=SensorDeviceClass.VOLTAGE,
    unit=UnitOfElectricPotential.VOLT,
    precision=3,
    deadband=Deadband(step=0.005, width=0.015, patience=600),
)
AVERAGE_VOLTAGE: Final = Kind(
    device_class=SensorDeviceClass.VOLTAGE,
    unit=UnitOfElectricPotential.VOLT,
    precision=3,
    deadband=Deadband(step=0.001, width=0.01),
)
VOLTAGE_SPREAD: Final = Kind(
    device_class=SensorDeviceClass.VOLTAGE,
    unit=UnitOfElectricPotential.VOLT,
    suggested_unit=UnitOfElectricPotential.MILLIVOLT,
    deadband=Deadband(step=0.005, width=0.02, patience=600),
)
PACK_VOLTAGE: Final = Kind(
    device_class=SensorDeviceClass.VOLTAGE,
    unit=UnitOfElectricPotential.VOLT,
    precision=2,
    deadband=Deadband(step=0.005, width=0.02, share=0.003),
)
BALANCE_VOLTAGE: Final = Kind(
    device_class=SensorDeviceClass.VOLTAGE,
    unit=UnitOfElectricPotential.VOLT,
    precision=2,
    deadband=Deadband(step=0.005),
)
# Sun and household are never still: this much is waited for, and no longer than two minutes.
CURRENT: Final = Kind(
    device_class=SensorDeviceClass.CURRENT,
    unit=UnitOfElectricCurrent.AMPERE,
    precision=1,
    deadband=Deadband(step=0.05, width=0.75, share=0.15, patience=120),
)
POWER: Final = Kind(
    device_class=SensorDeviceClass.POWER,
    unit=UnitOfPower.WATT,
    deadband=Deadband(step=1.0, width=40.0, share=0.15, patience=120),
)
# A raw count is 0.86 or 1 °C, and between two of them a temperature flickers for ever.
TEMPERATURE: Final = Kind(
    device_class=SensorDeviceClass.TEMPERATURE,
    unit=UnitOfTemperature.CELSIUS,
    precision=1,
    deadband=Deadband(step=0.5, width=1.7, patience=600),
)
STATE_OF_CHARGE: Final = Kind(
    device_class=SensorDeviceClass.BATTERY, unit=PERCENTAGE, deadband=Deadband(step=1.0)
)
STORED_ENERGY: Final = Kind(
    device_class=SensorDeviceClass.ENERGY_STORAGE,
    unit=UnitOfEnergy.WATT_HOUR,
    suggested_unit=UnitOfEnergy.KILO_WATT_HOUR,
    precision=2,
    deadband=Deadband(step=1.0, width=50.0, share=0.01),
)
ENERGY_TODAY: Final = Kind(
    device_class=SensorDeviceClass.ENERGY,
    unit=UnitOfEnergy.WATT_HOUR,
    suggested_unit=UnitOfEnergy.KILO_WATT_HOUR,
    precision=2,
    deadband=Deadband(step=1.0, width=50.0, share=0.01),
)
PERCENT: Final = Kind(unit=PERCENTAGE, deadband=Deadband(step=1.0))
CYCLES: Final = Kind(precision=1, deadband=Deadband(step=0.01, width=0.1, patience=3600))
# At the end of a charge cells flicker around the balance voltage, and which is the highest jumps about.
CELL_COUNT: Final = Kind(deadband=Deadband(step=1.0, width=3.0, patience=60))
CELL_NUMBER: Final = Kind(deadband=Deadband(step=1.0, width=inf, patience=60))


@dataclass(frozen=True, kw_only=True)
class MeasuredDescription(SensorEntityDescription):
    """A sensor of a number, and which of its changes are worth a row, in its native unit."""

    deadband: Deadband


class MeasuredEntity[C: Publisher[Any]](PublishedEntity[C, float | None], SensorEntity):
    """A number that a subclass reads in `_read`, with every publication.

    It is written when its deadband lets it through, and shown until then as it was written; whether
    it is known and whether it is available are written at once. With `width=inf` in its deadband it is
    written at most once every `patience` seconds, which is for what never stands still.
    """

    entity_description: MeasuredDescription

    def _is_news(self, value: float | None, age: float) -> bool:
        return self.entity_description.deadband.is_news(self._shown, value, age)

    @property
    def native_value(self) -> float | None:
        """The value as it was written last."""
        return self._shown


class MeasuredSensorEntity(SmartBmsEntity[float | None], MeasuredEntity[SmartBmsCoordinator]):
    """A number of one BMS or of one of its cells."""


def reversed_power(power: float | None) -> float | None:
    """Return a power as the Energy dashboard wants it, positive while the battery discharges; 0 has no sign."""
    return None if power is None else 0.0 - power
