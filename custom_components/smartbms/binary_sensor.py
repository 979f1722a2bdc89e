"""Binary sensors: alarms, what is allowed, relays, and which cells are balancing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bank import Bank, BankConfigEntry
from .bank_entities import MISSING, BankEntity, MissingSensorEntity
from .bms.state import Snapshot, Status, Status2Bit, StatusBit
from .coordinator import SmartBmsConfigEntry, SmartBmsCoordinator
from .entity import InsightEntity, SmartBmsEntity, add_when_known, cells

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class StatusSensor(BinarySensorEntityDescription):
    """A bit of the status bytes; on is `True` unless `inverted`."""

    bit: StatusBit | Status2Bit
    inverted: bool = False

    def read(self, status: Status) -> bool | None:
        """Return whether it is on; `None` while the status does not tell."""
        is_set = status.has(self.bit)
        return None if is_set is None else is_set is not self.inverted


def _alarm(key: str, bit: StatusBit | Status2Bit) -> StatusSensor:
    return StatusSensor(key=key, translation_key=key, bit=bit, device_class=BinarySensorDeviceClass.PROBLEM)


def _state(key: str, bit: StatusBit | Status2Bit) -> StatusSensor:
    return StatusSensor(key=key, translation_key=key, bit=bit)


STATUS_SENSORS: Final = (
    _alarm("communication_error", StatusBit.COMMUNICATION_ERROR),
    _alarm("voltage_high", StatusBit.VOLTAGE_HIGH),
    _alarm("voltage_low", StatusBit.VOLTAGE_LOW),
    _alarm("temperature_high", StatusBit.TEMPERATURE_HIGH),
    _alarm("temperature_low", StatusBit.TEMPERATURE_LOW),
    _alarm("early_warning", Status2Bit.EARLY_WARNING),
    _alarm("below_charge_temperature", Status2Bit.BELOW_CHARGE_TEMPERATURE),
    _alarm("below_discharge_temperature", Status2Bit.BELOW_DISCHARGE_TEMPERATURE),
    _state("charge_allowed", StatusBit.CHARGE_ALLOWED),
    _state("discharge_allowed", StatusBit.DISCHARGE_ALLOWED),
    _state("charge_relay", Status2Bit.CHARGE_RELAY_CLOSED),
    _state("load_relay", Status2Bit.LOAD_RELAY_CLOSED),
    StatusSensor(
        key="calibrated",
        translation_key="calibrated",
        bit=StatusBit.NOT_CALIBRATED,
        inverted=True,
        entity_category=EntityCategory.DIAGNOSTIC,
    ),
)

BALANCING: Final = BinarySensorEntityDescription(
    key="balancing",
    translation_key="cell_balancing",
    entity_category=EntityCategory.DIAGNOSTIC,
    # Every cell flickers around the balance voltage at the end of a charge.
    entity_registry_enabled_default=False,
)


DIFFERS: Final = BinarySensorEntityDescription(
    key="differs_from_manual",
    translation_key="differs_from_manual",
    device_class=BinarySensorDeviceClass.PROBLEM,
    entity_category=EntityCategory.DIAGNOSTIC,
)


def _told(status: Status) -> Iterator[tuple[StatusSensor, None]]:
    for description in STATUS_SENSORS:
        if description.read(status) is not None:
            yield description, None


def _known(snapshot: Snapshot) -> Iterator[tuple[BinarySensorEntityDescription, int | None]]:
    yield from _told(snapshot.status)
    if snapshot.balance_voltage is not None:
        for cell in cells(snapshot):
            yield BALANCING, cell


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SmartBmsConfigEntry | BankConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors as they become known."""
    coordinator = entry.runtime_data
    if isinstance(coordinator, Bank):
        bank = coordinator
        async_add_entities([MissingSensorEntity(bank, MISSING)])
        add_when_known(
            bank,
            async_add_entities,
            lambda state: _told(state.status),
            lambda description, _: BankStatusSensorEntity(bank, description),
        )
        return

    def make(description: BinarySensorEntityDescription, cell: int | None) -> SmartBmsEntity:
        if isinstance(description, StatusSensor):
            return StatusSensorEntity(coordinator, description)
        return BalancingSensorEntity(coordinator, description, cell)

    async_add_entities([DifferenceSensorEntity(coordinator, DIFFERS)])
    add_when_known(coordinator, async_add_entities, _known, make)


class StatusSensorEntity(SmartBmsEntity, BinarySensorEntity):
    """A bit of the status bytes."""

    _is_urgent = True
    entity_description: StatusSensor

    def __init__(self, coordinator: SmartBmsCoordinator, description: StatusSensor) -> None:
        """Show a bit."""
        super().__init__(coordinator, description)

    def _read(self) -> bool | None:
        return self.entity_description.read(self.coordinator.data.status)

    @property
    def is_on(self) -> bool | None:
        """The bit as it is believed now."""
        return self._read()


class BankStatusSensorEntity(BankEntity[bool | None], BinarySensorEntity):
    """The worst of a bit over all batteries that are heard: any alarm, and nothing allowed that one blocks."""

    entity_description: StatusSensor

    def _read(self) -> bool | None:
        return self.entity_description.read(self.coordinator.data.status)

    @property
    def is_on(self) -> bool | None:
        """The bit as it is believed now."""
        return self._read()


class BalancingSensorEntity(SmartBmsEntity, BinarySensorEntity):
    """Whether a cell is above the balance voltage."""

    def _read(self) -> bool | None:
        return None if self._index is None else self.coordinator.data.balancing(self._index)

    @property
    def is_on(self) -> bool | None:
        """Whether the cell is being balanced now."""
        return self._read()


class DifferenceSensorEntity(InsightEntity, BinarySensorEntity):
    """Whether the BMS does something else than its manual says, and what the manual says."""

    _unrecorded_attributes = frozenset({"manual_charging", "manual_discharging", "as_of"})

    def _read(self) -> bool | None:
        return self.coordinator.differs_from_manual

    @property
    def is_on(self) -> bool | None:
        """Whether it has differed for longer than the BMS may take."""
        return self._read()

    def _attributes(self) -> dict[str, object]:
        """Return what the rules of the manual allow now."""
        if (decision := self.coordinator.insight.decision) is None:
            return {}
        words = {True: "allowed", False: "blocked"}
        return {
            "manual_charging": words[decision.relays.charge],
            "manual_discharging": words[decision.relays.load],
        }
