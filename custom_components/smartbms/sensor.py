"""Sensors: everything the BMS measures and counts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    EntityCategory,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfTemperature,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bms.state import Connection, Snapshot
from .coordinator import LinkStatus, SmartBmsConfigEntry, SmartBmsCoordinator
from .entity import SmartBmsEntity, add_when_known, cells
from .insights import insight_sensors

PARALLEL_UPDATES = 0

_DECIMALS: Final = 4


@dataclass(frozen=True, kw_only=True)
class PackSensor(SensorEntityDescription):
    """A value of the pack; it exists once it is known."""

    value_fn: Callable[[Snapshot], float | None]


@dataclass(frozen=True, kw_only=True)
class CellSensor(SensorEntityDescription):
    """A value of one cell, given by its 0-based index."""

    value_fn: Callable[[Snapshot, int], float | None]


@dataclass(frozen=True, kw_only=True)
class LinkSensor(SensorEntityDescription):
    """A value of the link; it is there without the BMS."""

    value_fn: Callable[[LinkStatus], str | int | datetime | None]


def _measured(
    key: str,
    value_fn: Callable[[Snapshot], float | None],
    device_class: SensorDeviceClass | None,
    unit: str | None,
    precision: int,
    *,
    category: EntityCategory | None = None,
    state_class: SensorStateClass = SensorStateClass.MEASUREMENT,
    suggested_unit: str | None = None,
) -> PackSensor:
    return PackSensor(
        key=key,
        translation_key=key,
        value_fn=value_fn,
        device_class=device_class,
        native_unit_of_measurement=unit,
        suggested_unit_of_measurement=suggested_unit,
        suggested_display_precision=precision,
        state_class=state_class,
        entity_category=category,
    )


def _voltage(key: str, value_fn: Callable[[Snapshot], float | None], precision: int = 3) -> PackSensor:
    return _measured(key, value_fn, SensorDeviceClass.VOLTAGE, UnitOfElectricPotential.VOLT, precision)


def _current(key: str, value_fn: Callable[[Snapshot], float | None]) -> PackSensor:
    return _measured(key, value_fn, SensorDeviceClass.CURRENT, UnitOfElectricCurrent.AMPERE, 1)


def _power(key: str, value_fn: Callable[[Snapshot], float | None]) -> PackSensor:
    return _measured(key, value_fn, SensorDeviceClass.POWER, UnitOfPower.WATT, 0)


def _temperature(key: str, value_fn: Callable[[Snapshot], float | None]) -> PackSensor:
    return _measured(key, value_fn, SensorDeviceClass.TEMPERATURE, UnitOfTemperature.CELSIUS, 1)


def _cell_number(key: str, value_fn: Callable[[Snapshot], float | None]) -> PackSensor:
    """Which cell it is changes all the time in a balanced pack, so nobody gets it unasked."""
    return PackSensor(key=key, translation_key=key, value_fn=value_fn, entity_registry_enabled_default=False)


def _energy_today(key: str, value_fn: Callable[[Snapshot], float | None]) -> PackSensor:
    return _measured(
        key,
        value_fn,
        SensorDeviceClass.ENERGY,
        UnitOfEnergy.WATT_HOUR,
        2,
        state_class=SensorStateClass.TOTAL_INCREASING,
        suggested_unit=UnitOfEnergy.KILO_WATT_HOUR,
    )


def _energy_total(key: str, value_fn: Callable[[Snapshot], float | None]) -> PackSensor:
    return _measured(
        key,
        value_fn,
        SensorDeviceClass.ENERGY,
        UnitOfEnergy.KILO_WATT_HOUR,
        0,
        state_class=SensorStateClass.TOTAL_INCREASING,
    )


def _capacity(
    key: str, value_fn: Callable[[Snapshot], float | None], category: EntityCategory | None
) -> PackSensor:
    return _measured(
        key,
        value_fn,
        SensorDeviceClass.ENERGY_STORAGE,
        UnitOfEnergy.WATT_HOUR,
        2,
        category=category,
        suggested_unit=UnitOfEnergy.KILO_WATT_HOUR,
    )


def _health(
    key: str, value_fn: Callable[[Snapshot], float | None], unit: str | None, precision: int
) -> PackSensor:
    return _measured(key, value_fn, None, unit, precision, category=EntityCategory.DIAGNOSTIC)


PACK_SENSORS: Final = (
    _voltage("voltage", lambda s: s.pack and s.pack.voltage, 2),
    _current("current", lambda s: s.pack and s.pack.battery_current),
    _power("power", lambda s: s.power(s.pack and s.pack.battery_current)),
    _current("charge_current", lambda s: s.pack and s.pack.charge_current),
    _power("charge_power", lambda s: s.power(s.pack and s.pack.charge_current)),
    _current("load_current", lambda s: s.pack and s.pack.load_current),
    _power("load_power", lambda s: s.power(s.pack and s.pack.load_current)),
    _measured(
        "state_of_charge",
        lambda s: s.energy and s.energy.state_of_charge,
        SensorDeviceClass.BATTERY,
        PERCENTAGE,
        0,
    ),
    _capacity("stored_energy", lambda s: s.energy and s.energy.stored, None),
    _voltage("lowest_cell_voltage", lambda s: s.voltages and s.voltages.lowest),
    _voltage("highest_cell_voltage", lambda s: s.voltages and s.voltages.highest),
    _voltage("average_cell_voltage", lambda s: s.average_cell_voltage),
    _measured(
        "cell_voltage_spread",
        lambda s: s.cell_voltage_spread,
        SensorDeviceClass.VOLTAGE,
        UnitOfElectricPotential.VOLT,
        0,
        suggested_unit=UnitOfElectricPotential.MILLIVOLT,
    ),
    _cell_number("lowest_cell", lambda s: s.voltages and s.voltages.lowest_cell),
    _cell_number("highest_cell", lambda s: s.voltages and s.voltages.highest_cell),
    _temperature("lowest_temperature", lambda s: s.celsius(s.temperatures and s.temperatures.lowest_raw)),
    _temperature("highest_temperature", lambda s: s.celsius(s.temperatures and s.temperatures.highest_raw)),
    _cell_number("coldest_cell", lambda s: s.temperatures and s.temperatures.lowest_cell),
    _cell_number("warmest_cell", lambda s: s.temperatures and s.temperatures.highest_cell),
    _measured("balancing_cells", lambda s: s.balancing_count, None, None, 0),
    _energy_today("collected_today", lambda s: s.energy and s.energy.collected_today),
    _energy_today("consumed_today", lambda s: s.energy and s.energy.consumed_today),
    _energy_total("collected_total", lambda s: s.totals and s.totals.collected),
    _energy_total("consumed_total", lambda s: s.totals and s.totals.consumed),
    _energy_today("charged_today", lambda s: s.battery_energy and s.battery_energy.charged_today),
    _energy_today("discharged_today", lambda s: s.battery_energy and s.battery_energy.discharged_today),
    _energy_total("charged_total", lambda s: s.battery_energy and s.battery_energy.charged),
    _energy_total("discharged_total", lambda s: s.battery_energy and s.battery_energy.discharged),
    _health("state_of_health", lambda s: s.health and s.health.state_of_health, PERCENTAGE, 0),
    _health("charge_cycles", lambda s: s.health and s.health.charge_cycles, None, 1),
    _health("discharge_cycles", lambda s: s.health and s.health.discharge_cycles, None, 1),
    _health("charge_efficiency", lambda s: s.health and s.health.charge_efficiency, PERCENTAGE, 0),
    _capacity(
        "measured_capacity", lambda s: s.health and s.health.measured_capacity, EntityCategory.DIAGNOSTIC
    ),
    _capacity(
        "measured_charge_capacity",
        lambda s: s.health and s.health.measured_charge_capacity,
        EntityCategory.DIAGNOSTIC,
    ),
    _measured(
        "balance_voltage",
        lambda s: s.balance_voltage,
        SensorDeviceClass.VOLTAGE,
        UnitOfElectricPotential.VOLT,
        2,
        category=EntityCategory.DIAGNOSTIC,
    ),
)

CELL_SENSORS: Final = (
    CellSensor(
        key="voltage",
        translation_key="cell_voltage",
        value_fn=lambda s, index: s.cells[index].voltage,
        device_class=SensorDeviceClass.VOLTAGE,
        native_unit_of_measurement=UnitOfElectricPotential.VOLT,
        suggested_display_precision=3,
        state_class=SensorStateClass.MEASUREMENT,
    ),
    CellSensor(
        key="temperature",
        translation_key="cell_temperature",
        value_fn=lambda s, index: s.celsius(s.cells[index].temperature_raw),
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        suggested_display_precision=1,
        state_class=SensorStateClass.MEASUREMENT,
    ),
)

LINK_SENSORS: Final = (
    LinkSensor(
        key="connection",
        translation_key="connection",
        value_fn=lambda link: link.state.value,
        device_class=SensorDeviceClass.ENUM,
        options=[state.value for state in Connection],
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
    LinkSensor(
        key="signal_strength",
        translation_key="signal_strength",
        value_fn=lambda link: link.signal_strength,
        device_class=SensorDeviceClass.SIGNAL_STRENGTH,
        native_unit_of_measurement=SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    LinkSensor(
        key="rejected_lines",
        translation_key="rejected_lines",
        value_fn=lambda link: link.rejected,
        state_class=SensorStateClass.TOTAL_INCREASING,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
    LinkSensor(
        key="last_contact",
        translation_key="last_contact",
        value_fn=lambda link: link.last_contact,
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
)


def _known(snapshot: Snapshot) -> Iterator[tuple[PackSensor | CellSensor, int | None]]:
    for description in PACK_SENSORS:
        if description.value_fn(snapshot) is not None:
            yield description, None
    for cell in cells(snapshot):
        for cell_description in CELL_SENSORS:
            yield cell_description, cell


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SmartBmsConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of the link, and those of the BMS as they become known."""
    coordinator = entry.runtime_data
    async_add_entities(LinkSensorEntity(coordinator, description) for description in LINK_SENSORS)
    async_add_entities(insight_sensors(coordinator))
    add_when_known(
        coordinator,
        async_add_entities,
        _known,
        lambda description, cell: ValueSensorEntity(coordinator, description, cell),
    )


class ValueSensorEntity(SmartBmsEntity, SensorEntity):
    """A value of the pack or of a cell."""

    entity_description: PackSensor | CellSensor

    def __init__(
        self, coordinator: SmartBmsCoordinator, description: PackSensor | CellSensor, cell: int | None
    ) -> None:
        """Show a value of the snapshot."""
        super().__init__(coordinator, description, cell)

    def _read(self) -> float | None:
        value = self._value()
        # Sums and products bring digits that nobody measured.
        return None if value is None else round(value, _DECIMALS)

    def _value(self) -> float | None:
        snapshot, description = self.coordinator.data, self.entity_description
        if isinstance(description, PackSensor):
            return description.value_fn(snapshot)
        return None if self._index is None else description.value_fn(snapshot, self._index)

    @property
    def native_value(self) -> float | None:
        """The value as it is now."""
        return self._read()


class LinkSensorEntity(SmartBmsEntity, SensorEntity):
    """A value of the link, which is known without the BMS."""

    _is_urgent = True
    entity_description: LinkSensor

    def __init__(self, coordinator: SmartBmsCoordinator, description: LinkSensor) -> None:
        """Show a value of the link."""
        super().__init__(coordinator, description)

    @property
    def available(self) -> bool:
        """Always: it tells why the others are not."""
        return True

    def _read(self) -> str | int | datetime | None:
        return self.entity_description.value_fn(self.coordinator.link)

    @property
    def native_value(self) -> str | int | datetime | None:
        """The value as it is now."""
        return self._read()
