"""Home Assistant's Energy dashboard for one BMS: set up as its owner would, and checked by Home Assistant."""

from collections.abc import Mapping
from typing import Final, NamedTuple, cast

from homeassistant.components.recorder.models import StatisticMeanType
from homeassistant.util.json import JsonObjectType, JsonValueType

from .api import Api, ApiError

_STATISTICS_TIMEOUT: Final = 15.0
_NOT_DEFINED: Final = "statistics_not_defined"


class _Kind(NamedTuple):
    """How the recorder keeps statistics of something."""

    unit: str
    unit_class: str | None
    mean_type: StatisticMeanType

    @property
    def has_sum(self) -> bool:
        """Whether it is added up."""
        return self.mean_type is StatisticMeanType.NONE


_ENERGY: Final = _Kind("kWh", "energy", StatisticMeanType.NONE)
_POWER: Final = _Kind("W", "power", StatisticMeanType.ARITHMETIC)
_CHARGE: Final = _Kind("%", None, StatisticMeanType.ARITHMETIC)

# What the dashboard reads, by the keys of the entities.
STATISTICS: Final[Mapping[str, _Kind]] = {
    "collected_total": _ENERGY,
    "charge_power": _POWER,
    "discharged_total": _ENERGY,
    "charged_total": _ENERGY,
    "battery_power": _POWER,
    "state_of_charge": _CHARGE,
    "consumed_total": _ENERGY,
    "load_power": _POWER,
}


class EnergyDashboard:
    """The dashboard of a camper: what is collected, the battery, and what is consumed."""

    def __init__(self, api: Api, entity_ids: Mapping[str, str]) -> None:
        """Show the entities of one BMS; `entity_ids` are by key."""
        self._api = api
        self._ids = {key: entity_ids[key] for key in STATISTICS}

    async def save(self, capacity: float) -> None:
        """Save the preferences; the capacity is in kWh, which an older Home Assistant does not ask for."""
        try:
            await self._save({"capacity": capacity})
        except ApiError:
            await self._save({})

    async def _save(self, more: JsonObjectType) -> None:
        ids = self._ids
        solar: JsonObjectType = {
            "type": "solar",
            "stat_energy_from": ids["collected_total"],
            "stat_rate": ids["charge_power"],
            "config_entry_solar_forecast": None,
        }
        battery: JsonObjectType = {
            "type": "battery",
            "stat_energy_from": ids["discharged_total"],
            "stat_energy_to": ids["charged_total"],
            "stat_rate": ids["battery_power"],
            "stat_soc": ids["state_of_charge"],
            **more,
        }
        load: JsonObjectType = {"stat_consumption": ids["consumed_total"], "stat_rate": ids["load_power"]}
        await self._api.command(
            "energy/save_prefs", energy_sources=[solar, battery], device_consumption=[load]
        )

    async def begin_statistics(self) -> None:
        """Have the recorder know the statistics, which it compiles every five minutes; no value is given."""
        for key, kind in STATISTICS.items():
            metadata: JsonObjectType = {
                "statistic_id": self._ids[key],
                "source": "recorder",
                "name": None,
                "unit_of_measurement": kind.unit,
                "unit_class": kind.unit_class,
                "mean_type": kind.mean_type.value,
                "has_sum": kind.has_sum,
            }
            await self._api.command("recorder/import_statistics", metadata=metadata, stats=[])

        async def known() -> bool:
            return not any(_NOT_DEFINED in complaint for complaint in await self._issues())

        await self._api.wait_for(known, _STATISTICS_TIMEOUT, "the recorder to know every statistic")

    async def complaints(self) -> list[str]:
        """Return what Home Assistant finds wrong with the dashboard, or with a statistic that it reads."""
        statistics = cast(JsonObjectType, await self._api.command("recorder/validate_statistics"))
        found = [f"{key}: {statistics[key]}" for key in self._ids.values() if key in statistics]
        return await self._issues() + found

    async def _issues(self) -> list[str]:
        answer = cast(dict[str, list[list[JsonValueType]]], await self._api.command("energy/validate"))
        return [f"{part}: {issue}" for part, rows in answer.items() for row in rows for issue in row]
