"""The bars of the energy dashboard: a recorder's own long-term statistics of totals that were shown.

A real recorder with a database of its own compiles them. It has one state shortly before the end of each
hour, and of each hour compiles the last five minutes: the sum of an hour is the last one in it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Final

from pytest_homeassistant_custom_component.common import async_test_home_assistant  # type: ignore[import-untyped]

from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import UnitOfEnergy
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component

_HOUR: Final = timedelta(hours=1)
_LAST_PERIOD: Final = timedelta(minutes=5)
_BEFORE_END: Final = timedelta(minutes=1)
_ATTRIBUTES: Final = {
    "state_class": SensorStateClass.TOTAL_INCREASING,
    "device_class": SensorDeviceClass.ENERGY,
    "unit_of_measurement": UnitOfEnergy.KILO_WATT_HOUR,
}
# So many hours are on their way to the recorder at once.
_AT_ONCE: Final = 100


async def bars(totals: Mapping[str, Sequence[float | None]], start: float) -> dict[str, list[float]]:
    """Return the bar of each hour in kWh, by name, for totals in kWh at the end of each hour.

    `start` is the beginning of the first hour in s since 1970. A total that is not known yet is `None` and
    has no bar; the first one that is known is where its bars begin, with 0.
    """
    with TemporaryDirectory() as directory:
        async with async_test_home_assistant(config_dir=directory) as hass:
            async_initialize_recorder(hass)
            config = {"db_url": f"sqlite:///{directory}/recorder.db", "commit_interval": 60}
            assert await async_setup_component(hass, "recorder", {"recorder": config})
            assert await async_setup_component(hass, "sensor", {})
            await hass.async_block_till_done()
            try:
                return await _compiled(hass, totals, datetime.fromtimestamp(start, UTC))
            finally:
                await hass.async_stop(force=True)


async def _compiled(
    hass: HomeAssistant, totals: Mapping[str, Sequence[float | None]], start: datetime
) -> dict[str, list[float]]:
    instance = get_instance(hass)
    ids = {f"sensor.total_{number}": name for number, name in enumerate(totals)}
    for hour, values in enumerate(zip(*totals.values(), strict=True)):
        end = start + (hour + 1) * _HOUR
        for entity_id, value in zip(ids, values, strict=True):
            if value is not None:
                at = (end - _BEFORE_END).timestamp()
                hass.states.async_set(entity_id, f"{value:.3f}", _ATTRIBUTES, force_update=True, timestamp=at)
        instance.queue_task(StatisticsTask(end - _LAST_PERIOD, fire_events=False))
        if hour % _AT_ONCE == 0:
            await _done(hass, instance)
    await _done(hass, instance)
    found = await instance.async_add_executor_job(
        statistics_during_period, hass, start, None, set(ids), "hour", None, {"change"}
    )
    return {
        name: [row["change"] or 0.0 for row in found.get(entity_id, [])] for entity_id, name in ids.items()
    }


async def _done(hass: HomeAssistant, instance: Recorder) -> None:
    """Wait until the recorder has done all that was asked of it."""
    await hass.async_block_till_done()
    await hass.async_add_executor_job(instance.block_till_done)
