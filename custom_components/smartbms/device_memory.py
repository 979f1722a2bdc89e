"""The device's own memory in Home Assistant: its log as events, its history as statistics.

The BMS remembers ten alarms with the time on a counter of its own, and one state of charge for each
of the last 168 hours (protocol.md 5.6 and 5.7).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from homeassistant.components.recorder import DOMAIN as RECORDER_DOMAIN, get_instance
from homeassistant.components.recorder.models import StatisticData, StatisticMeanType, StatisticMetaData
from homeassistant.components.recorder.statistics import async_import_statistics, statistics_during_period
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import PERCENTAGE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .bms.alarms import Alarm, new_alarms
from .bms.device import TemperatureScale
from .bms.memory import Memory
from .bms.state import LogEntry
from .const import DOMAIN, EVENT_DEVICE_LOG
from .telling import tell

_HOUR: Final = timedelta(hours=1)


def tell_logbook(
    hass: HomeAssistant, entry: ConfigEntry, memory: Memory, told: Sequence[LogEntry], scale: TemperatureScale
) -> list[Alarm]:
    """Put what has not been told into the logbook, at the time when it happened; return it."""
    alarms = new_alarms(memory, told, scale, dt_util.utcnow())
    for alarm in alarms:
        occurred = None if alarm.occurred is None else alarm.occurred.timestamp()
        tell(hass, entry, EVENT_DEVICE_LOG, {"type": alarm.kind, **alarm.details()}, occurred=occurred)
    return alarms


def can_import(hass: HomeAssistant) -> bool:
    """Whether there is anything to import a history into."""
    return RECORDER_DOMAIN in hass.config.components


async def import_history(hass: HomeAssistant, entry: ConfigEntry, history: Sequence[int | None]) -> bool:
    """Let the state of charge of the last week begin before Home Assistant knew the BMS.

    Return whether that is done; it is not while its entity is disabled. When within its hour a value
    was written is not known; the newest is taken for the last full hour. Hours that have statistics
    already keep them.
    """
    entity_id = er.async_get(hass).async_get_entity_id(
        SENSOR_DOMAIN, DOMAIN, f"{entry.unique_id}_state_of_charge"
    )
    rows = list(_hours(history, dt_util.utcnow()))
    if entity_id is None or not can_import(hass):
        return False
    if not rows:
        return True
    known = await get_instance(hass).async_add_executor_job(
        statistics_during_period,
        hass,
        rows[0]["start"],
        rows[-1]["start"] + _HOUR,
        {entity_id},
        "hour",
        None,
        {"mean"},
    )
    taken = {row["start"] for row in known.get(entity_id, ())}
    metadata = StatisticMetaData(
        mean_type=StatisticMeanType.ARITHMETIC,
        has_sum=False,
        name=None,
        source=RECORDER_DOMAIN,
        statistic_id=entity_id,
        unit_class=None,
        unit_of_measurement=PERCENTAGE,
    )
    async_import_statistics(hass, metadata, [row for row in rows if row["start"].timestamp() not in taken])
    return True


def _hours(history: Sequence[int | None], read_at: datetime) -> Iterator[StatisticData]:
    newest = read_at.replace(minute=0, second=0, microsecond=0) - _HOUR
    for index, value in enumerate(history):
        if value is not None:
            start = newest - (len(history) - 1 - index) * _HOUR
            yield StatisticData(start=start, mean=value, min=value, max=value)
