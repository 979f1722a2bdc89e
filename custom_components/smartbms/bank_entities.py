"""The entities of a bank. One that means the same as that of a single BMS is described by the same row."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.sensor import SensorEntity, SensorEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import callback
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bank import Bank
from .const import DOMAIN
from .energy import ENERGY_SENSORS, EnergySensor, TotalEntity
from .entity import PublishedEntity, add_when_known
from .measured import MeasuredDescription, MeasuredEntity, reversed_power
from .model.bank import BankState, Extreme
from .model.ledger import Flow

_MODEL: Final = "Bank"
# Sums and means bring digits that nobody measured.
_DECIMALS: Final = 4

VALUES: Final[Mapping[str, Callable[[BankState], float | None]]] = MappingProxyType(
    {
        "voltage": lambda bank: bank.voltage,
        "current": lambda bank: bank.current,
        "power": lambda bank: bank.power,
        "charge_current": lambda bank: bank.charge_current,
        "charge_power": lambda bank: bank.charge_power,
        "load_current": lambda bank: bank.load_current,
        "load_power": lambda bank: bank.load_power,
        "state_of_charge": lambda bank: bank.state_of_charge,
        "stored_energy": lambda bank: bank.stored_energy,
        "battery_power": lambda bank: reversed_power(bank.power),
        "cell_voltage_spread": lambda bank: bank.cell_voltage_spread,
    }
)
EXTREMES: Final[Mapping[str, Callable[[BankState], Extreme | None]]] = MappingProxyType(
    {
        "lowest_cell_voltage": lambda bank: bank.lowest_cell_voltage,
        "highest_cell_voltage": lambda bank: bank.highest_cell_voltage,
        "lowest_temperature": lambda bank: bank.lowest_temperature,
        "highest_temperature": lambda bank: bank.highest_temperature,
    }
)

IN_REACH: Final = SensorEntityDescription(
    key="batteries_in_reach", translation_key="batteries_in_reach", entity_category=EntityCategory.DIAGNOSTIC
)
MISSING: Final = BinarySensorEntityDescription(
    key="battery_missing",
    translation_key="battery_missing",
    device_class=BinarySensorDeviceClass.PROBLEM,
)


class BankEntity[V = object](PublishedEntity[Bank, V]):
    """An entity of a bank; available while any of its members is heard."""

    def __init__(self, bank: Bank, description: EntityDescription) -> None:
        """Belong to a bank."""
        super().__init__(bank)
        self.entity_description = description
        entry = bank.config_entry
        self._attr_unique_id = f"{entry.unique_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, str(entry.unique_id))}, model=_MODEL, name=entry.title
        )


class BankSensorEntity(BankEntity[float | None], MeasuredEntity[Bank]):
    """A value of all members together, or a mean of those that are heard."""

    def _read(self) -> float | None:
        value = VALUES[self.entity_description.key](self.coordinator.data)
        return None if value is None else round(value, _DECIMALS)


class ExtremeSensorEntity(BankEntity[float | None], MeasuredEntity[Bank]):
    """The lowest or highest of all cells that are heard, with the battery and the cell that had it."""

    _extreme: Extreme | None = None

    def _read(self) -> float | None:
        extreme = EXTREMES[self.entity_description.key](self.coordinator.data)
        return None if extreme is None else round(extreme.value, _DECIMALS)

    def _show(self, value: float | None) -> None:
        super()._show(value)
        # In a balanced bank the cell changes all the time; it is told as it was for the value shown.
        self._extreme = EXTREMES[self.entity_description.key](self.coordinator.data)

    @property
    def extra_state_attributes(self) -> dict[str, object] | None:
        """The battery by its name, and the number of the cell."""
        return (
            None if self._extreme is None else {"battery": self._extreme.battery, "cell": self._extreme.cell}
        )


class BankEnergyEntity(TotalEntity[Bank], BankEntity[float | None]):
    """What all members have counted of one flow; it goes on while they are away."""

    entity_description: EnergySensor

    def _total(self, flow: Flow) -> float | None:
        return self.coordinator.total(flow)


class InReachSensorEntity(BankEntity[int], SensorEntity):
    """How many batteries are in reach now; what is added up is known while all of them are."""

    @property
    def available(self) -> bool:
        """Always: it tells why others are not."""
        return True

    def _read(self) -> int:
        return self.coordinator.data.heard

    @property
    def native_value(self) -> int:
        """The number of batteries."""
        return self._shown


class MissingSensorEntity(BankEntity[tuple[str, ...]], BinarySensorEntity):
    """Whether a battery has been away for longer than a restart takes, and which."""

    @property
    def available(self) -> bool:
        """Always: it tells why others are not."""
        return True

    def _read(self) -> tuple[str, ...]:
        return self.coordinator.data.missing

    @property
    def is_on(self) -> bool:
        """Whether any is missing."""
        return bool(self._shown)

    @property
    def extra_state_attributes(self) -> dict[str, object]:
        """The names of those that are missing."""
        return {"batteries": list(self._shown)}


@callback
def add_bank_sensors(
    bank: Bank,
    async_add_entities: AddConfigEntryEntitiesCallback,
    descriptions: Iterable[MeasuredDescription],
) -> None:
    """Add the sensors of a bank as they become known; `descriptions` are those of a single BMS."""
    rows = tuple(description for description in descriptions if description.key in VALUES.keys() | EXTREMES)

    def known(state: BankState) -> Iterator[tuple[MeasuredDescription, None]]:
        for row in rows:
            if (VALUES.get(row.key) or EXTREMES[row.key])(state) is not None:
                yield row, None
        for energy in ENERGY_SENSORS:
            if bank.total(energy.flow) is not None:
                yield energy, None

    def make(description: MeasuredDescription, _: int | None) -> BankEntity[float | None]:
        if isinstance(description, EnergySensor):
            return BankEnergyEntity(bank, description)
        entity = BankSensorEntity if description.key in VALUES else ExtremeSensorEntity
        return entity(bank, description)

    async_add_entities([InReachSensorEntity(bank, IN_REACH)])
    add_when_known(bank, async_add_entities, known, make)
