"""What the tests of settings share: an owner who changes them."""

from typing import Any

from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.const import DOMAIN, EVENT_SETTING_WRITTEN
from custom_components.smartbms.simulator.peripheral import BmsPeripheral
from custom_components.smartbms.simulator.write_fault import Fault, WriteFault
from homeassistant.core import Context, Event, HomeAssistant, State, callback

from .radio import entity_id

UNLOCKED = {"settings_unlocked": True}
_SERVICES = {"number": "set_value", "select": "select_option"}
_FIELDS = {"number": "value", "select": "option"}


async def choose(hass: HomeAssistant, key: str, value: object, *, context: Context | None = None) -> None:
    """Change a setting by its entity, and wait until that is done."""
    entity = entity_id(hass, key)
    assert entity is not None
    domain = entity.split(".")[0]
    service = _SERVICES.get(domain, "turn_on" if value else "turn_off")
    data = {_FIELDS[domain]: value} if domain in _FIELDS else {}
    await hass.services.async_call(
        domain, service, {"entity_id": entity, **data}, blocking=True, context=context
    )


async def ask(hass: HomeAssistant, action: str, entry_id: str, **data: object) -> dict[str, Any]:
    """Call an action and return its answer."""
    answer = await hass.services.async_call(
        DOMAIN, action, {"config_entry_id": entry_id, **data}, blocking=True, return_response=True
    )
    assert isinstance(answer, dict)
    return answer


def state_of(hass: HomeAssistant, key: str) -> State:
    """Return the state of an entity that is there."""
    entity = entity_id(hass, key)
    state = None if entity is None else hass.states.get(entity)
    assert state is not None
    return state


def held(bms: BmsPeripheral, *keys: SettingKey) -> list[int]:
    """Return the counts that the device holds."""
    return [bms.firmware.counts[key] for key in keys]


def break_writes(bms: BmsPeripheral, fault: Fault, *, at: int = 0, times: float = 1) -> None:
    """Let something go wrong with a byte that is written from now on, the first being number 0."""
    bms.firmware.write_fault = WriteFault(fault=fault, at=at, times=times, hang_up=bms.drop)


def told(hass: HomeAssistant) -> list[Event]:
    """Collect what the logbook gets to hear of writes."""
    events: list[Event] = []

    @callback
    def hear(event: Event) -> None:
        events.append(event)

    hass.bus.async_listen(EVENT_SETTING_WRITTEN, hear)
    return events
