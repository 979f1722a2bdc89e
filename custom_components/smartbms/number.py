"""The settings that are numbers; their limits follow the other thresholds."""

from typing import Final

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfTemperature,
    UnitOfTime,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .bms.settings import SETTINGS, Certainty, Setting, Unit
from .bms.writes import bounds
from .coordinator import SmartBmsConfigEntry
from .setting_entity import SettingEntity, add_settings
from .setting_values import to_device, to_person

PARALLEL_UPDATES = 0

_KINDS: Final[dict[Unit, tuple[NumberDeviceClass | None, str]]] = {
    Unit.VOLT: (NumberDeviceClass.VOLTAGE, UnitOfElectricPotential.VOLT),
    Unit.AMPERE: (NumberDeviceClass.CURRENT, UnitOfElectricCurrent.AMPERE),
    Unit.WATT: (NumberDeviceClass.POWER, UnitOfPower.WATT),
    Unit.WATT_HOUR: (NumberDeviceClass.ENERGY_STORAGE, UnitOfEnergy.WATT_HOUR),
    Unit.PERCENT: (None, PERCENTAGE),
    Unit.SECOND: (NumberDeviceClass.DURATION, UnitOfTime.SECONDS),
    Unit.RAW_TEMPERATURE: (NumberDeviceClass.TEMPERATURE, UnitOfTemperature.CELSIUS),
}
# A raw count is 0.857 °C on one scale and 1 °C on the other; shown and taken to one decimal.
_TEMPERATURE_STEP: Final = 0.1


def _describe(setting: Setting) -> NumberEntityDescription:
    device_class, unit = _KINDS[setting.unit]
    is_temperature = setting.unit is Unit.RAW_TEMPERATURE
    return NumberEntityDescription(
        key=setting.key.value,
        translation_key=setting.key.value,
        device_class=device_class,
        entity_category=EntityCategory.CONFIG,
        # What nobody knows how to write is shown to whoever wants to see it.
        entity_registry_enabled_default=setting.certainty is not Certainty.UNKNOWN,
        mode=NumberMode.BOX,
        native_step=_TEMPERATURE_STEP if is_temperature else setting.step,
        native_unit_of_measurement=unit,
    )


NUMBERS: Final = tuple(_describe(setting) for setting in SETTINGS.values() if setting.unit in _KINDS)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: SmartBmsConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the settings that the BMS has."""
    add_settings(entry.runtime_data, async_add_entities, NUMBERS, NumberSettingEntity)


class NumberSettingEntity(SettingEntity, NumberEntity):
    """A number; a temperature in degrees on the scale that the owner chose."""

    _basis: object = None
    _limits: tuple[float, float] = 0.0, 0.0

    def _read(self) -> tuple[float | None, float, float]:
        """Return the value with its limits, which move with the other thresholds."""
        value, scale = self._value, self.coordinator.data.temperature_scale
        return (None if value is None else to_person(self._setting.key, value, scale), *self._between())

    def _between(self) -> tuple[float, float]:
        """Return the lowest and the highest value that may be set."""
        data, key = self.coordinator.data, self._setting.key
        # With every publication this is asked anew, and the settings of a BMS hardly ever change.
        basis = data.settings, data.balance_voltage, data.temperature_scale
        if basis != self._basis:
            low, high = bounds(key, *basis[:2], self.coordinator.session.fold.generation)
            self._basis = basis
            self._limits = to_person(key, low, basis[2]), to_person(key, high, basis[2])
        return self._limits

    @property
    def native_value(self) -> float | None:
        """What the BMS holds."""
        return self._read()[0]

    @property
    def native_min_value(self) -> float:
        """The lowest value that the other thresholds leave."""
        return self._read()[1]

    @property
    def native_max_value(self) -> float:
        """The highest value that the other thresholds leave."""
        return self._read()[2]

    async def async_set_native_value(self, value: float) -> None:
        """Write the nearest value that the BMS can hold."""
        await self._write(to_device(self._setting.key, value, self.coordinator.data.temperature_scale))
