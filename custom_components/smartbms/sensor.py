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
from homeassistant.const import SIGNAL_STRENGTH_DECIBELS_MILLIWATT, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bank import Bank, BankConfigEntry
from .bank_entities import add_bank_sensors
from .bms.state import Connection, Snapshot
from .coordinator import LinkStatus, SmartBmsConfigEntry, SmartBmsCoordinator
from .energy import add_energy_sensors
from .entity import SmartBmsEntity, add_when_known, cells
from .insights import insight_sensors
from .measured import (
    AVERAGE_VOLTAGE,
    BALANCE_VOLTAGE,
    CELL_COUNT,
    CELL_NUMBER,
    CELL_VOLTAGE,
    CURRENT,
    CYCLES,
    ENERGY_TODAY,
    PACK_VOLTAGE,
    PERCENT,
    POWER,
    STATE_OF_CHARGE,
    STORED_ENERGY,
    TEMPERATURE,
    VOLTAGE_SPREAD,
    Kind,
    MeasuredDescription,
    MeasuredSensorEntity,
    reversed_power,
)

PARALLEL_UPDATES = 0

_DECIMALS: Final = 4
_STATISTICS: Final = SensorStateClass.MEASUREMENT


@dataclass(frozen=True, kw_only=True)
class PackSensor(MeasuredDescription):
    """A value of the pack; it exists once it is known."""

    value_fn: Callable[[Snapshot], float | None]


@dataclass(frozen=True, kw_only=True)
class CellSensor(MeasuredDescription):
    """A value of one cell, given by its 0-based index."""

    value_fn: Callable[[Snapshot, int], float | None]


@dataclass(frozen=True, kw_only=True)
class LinkSensor(SensorEntityDescription):
    """A value of the link, which is there without the BMS; written at most every `patience` seconds."""

    patience: float = 0.0
    value_fn: Callable[[LinkStatus], str | int | datetime | None]


def _pack(
    key: str,
    value_fn: Callable[[Snapshot], float | None],
    kind: Kind,
    *,
    category: EntityCategory | None = None,
    state_class: SensorStateClass | None = None,
    is_shown_unasked: bool = True,
) -> PackSensor:
    return PackSensor(
        key=key,
        translation_key=key,
        value_fn=value_fn,
        deadband=kind.deadband,
        device_class=kind.device_class,
        native_unit_of_measurement=kind.unit,
        suggested_unit_of_measurement=kind.suggested_unit,
        suggested_display_precision=kind.precision,
        state_class=state_class,
        entity_category=category,
        entity_registry_enabled_default=is_shown_unasked,
    )


def _cell(
    key: str,
    value_fn: Callable[[Snapshot, int], float | None],
    kind: Kind,
    state_class: SensorStateClass | None = None,
) -> CellSensor:
    return CellSensor(
        key=key,
        translation_key=f"cell_{key}",
        value_fn=value_fn,
        deadband=kind.deadband,
        device_class=kind.device_class,
        native_unit_of_measurement=kind.unit,
        suggested_display_precision=kind.precision,
        state_class=state_class,
    )


def _cell_number(key: str, value_fn: Callable[[Snapshot], float | None]) -> PackSensor:
    """Which cell it is changes all the time in a balanced pack, so nobody gets it unasked."""
    return _pack(key, value_fn, CELL_NUMBER, is_shown_unasked=False)


def _health(
    key: str,
    value_fn: Callable[[Snapshot], float | None],
    kind: Kind,
    state_class: SensorStateClass | None = None,
) -> PackSensor:
    return _pack(key, value_fn, kind, category=EntityCategory.DIAGNOSTIC, state_class=state_class)


# Statistics are kept for ever, so only what tells something after years has them: not what follows from
# others (currents from powers, the average from the pack's voltage, stored energy from the state of
# charge), not what begins anew each day, and of temperatures the extremes.
PACK_SENSORS: Final = (
    _pack("voltage", lambda s: s.pack and s.pack.voltage, PACK_VOLTAGE, state_class=_STATISTICS),
    _pack("current", lambda s: s.pack and s.pack.battery_current, CURRENT),
    _pack("power", lambda s: s.power(s.pack and s.pack.battery_current), POWER, state_class=_STATISTICS),
    _pack(
        "battery_power",
        lambda s: reversed_power(s.power(s.pack and s.pack.battery_current)),
        POWER,
        state_class=_STATISTICS,
    ),
    _pack("charge_current", lambda s: s.pack and s.pack.charge_current, CURRENT),
    _pack(
        "charge_power", lambda s: s.power(s.pack and s.pack.charge_current), POWER, state_class=_STATISTICS
    ),
    _pack("load_current", lambda s: s.pack and s.pack.load_current, CURRENT),
    _pack("load_power", lambda s: s.power(s.pack and s.pack.load_current), POWER, state_class=_STATISTICS),
    _pack(
        "state_of_charge",
        lambda s: s.energy and s.energy.state_of_charge,
        STATE_OF_CHARGE,
        state_class=_STATISTICS,
    ),
    _pack("stored_energy", lambda s: s.energy and s.energy.stored, STORED_ENERGY),
    _pack(
        "lowest_cell_voltage",
        lambda s: s.voltages and s.voltages.lowest,
        CELL_VOLTAGE,
        state_class=_STATISTICS,
    ),
    _pack(
        "highest_cell_voltage",
        lambda s: s.voltages and s.voltages.highest,
        CELL_VOLTAGE,
        state_class=_STATISTICS,
    ),
    _pack("average_cell_voltage", lambda s: s.average_cell_voltage, AVERAGE_VOLTAGE),
    _pack("cell_voltage_spread", lambda s: s.cell_voltage_spread, VOLTAGE_SPREAD, state_class=_STATISTICS),
    _cell_number("lowest_cell", lambda s: s.voltages and s.voltages.lowest_cell),
    _cell_number("highest_cell", lambda s: s.voltages and s.voltages.highest_cell),
    _pack(
        "lowest_temperature",
        lambda s: s.celsius(s.temperatures and s.temperatures.lowest_raw),
        TEMPERATURE,
        state_class=_STATISTICS,
    ),
    _pack(
        "highest_temperature",
        lambda s: s.celsius(s.temperatures and s.temperatures.highest_raw),
        TEMPERATURE,
        state_class=_STATISTICS,
    ),
    _cell_number("coldest_cell", lambda s: s.temperatures and s.temperatures.lowest_cell),
    _cell_number("warmest_cell", lambda s: s.temperatures and s.temperatures.highest_cell),
    _pack("balancing_cells", lambda s: s.balancing_count, CELL_COUNT),
    _pack("collected_today", lambda s: s.energy and s.energy.collected_today, ENERGY_TODAY),
    _pack("consumed_today", lambda s: s.energy and s.energy.consumed_today, ENERGY_TODAY),
    _pack("charged_today", lambda s: s.battery_energy and s.battery_energy.charged_today, ENERGY_TODAY),
    _pack("discharged_today", lambda s: s.battery_energy and s.battery_energy.discharged_today, ENERGY_TODAY),
    _health("state_of_health", lambda s: s.health and s.health.state_of_health, PERCENT, _STATISTICS),
    _health("charge_cycles", lambda s: s.health and s.health.charge_cycles, CYCLES),
    _health("discharge_cycles", lambda s: s.health and s.health.discharge_cycles, CYCLES),
    _health("charge_efficiency", lambda s: s.health and s.health.charge_efficiency, PERCENT),
    _health(
        "measured_capacity", lambda s: s.health and s.health.measured_capacity, STORED_ENERGY, _STATISTICS
    ),
    _health(
        "measured_charge_capacity", lambda s: s.health and s.health.measured_charge_capacity, STORED_ENERGY
    ),
    _health("balance_voltage", lambda s: s.balance_voltage, BALANCE_VOLTAGE),
)

CELL_SENSORS: Final = (
    _cell("voltage", lambda s, index: s.cells[index].voltage, CELL_VOLTAGE, _STATISTICS),
    _cell("temperature", lambda s, index: s.celsius(s.cells[index].temperature_raw), TEMPERATURE),
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
        # It is another one every second.
        patience=60,
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
    entry: SmartBmsConfigEntry | BankConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of the link, and those of the BMS as they become known."""
    coordinator = entry.runtime_data
    if isinstance(coordinator, Bank):
        add_bank_sensors(coordinator, async_add_entities, PACK_SENSORS)
        return
    async_add_entities(LinkSensorEntity(coordinator, description) for description in LINK_SENSORS)
    async_add_entities(insight_sensors(coordinator))
    add_energy_sensors(coordinator, async_add_entities)
    add_when_known(
        coordinator,
        async_add_entities,
        _known,
        lambda description, cell: ValueSensorEntity(coordinator, description, cell),
    )


class ValueSensorEntity(MeasuredSensorEntity):
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


class LinkSensorEntity(SmartBmsEntity[str | int | datetime | None], SensorEntity):
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

    def _is_news(self, value: str | int | datetime | None, age: float) -> bool:
        return super()._is_news(value, age) and (
            age >= self.entity_description.patience or None in (value, self._shown)
        )

    @property
    def native_value(self) -> str | int | datetime | None:
        """The value as it was written last."""
        return self._shown
