"""What the contacts of the two relays do: by their function, their inversion, and what is forced.

Only newer firmware has these settings (protocol.md 5.4 and 5.5). That a forced position comes after the
inversion, and when a main relay and a pre-alarm are closed, is our choice (protocol.md 11.7 point 11).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ..bms.settings import SettingKey
from .relays import Relay, Relays

_K = SettingKey
_KEEP_OFF: Final = 1
_KEEP_ON: Final = 2
_FLAG: Final[Mapping[Relay, SettingKey]] = MappingProxyType(
    {Relay.CHARGE: _K.CHARGE_RELAY_OFF, Relay.LOAD: _K.LOAD_RELAY_OFF}
)
# Force position, function and inversion of each relay.
_KEYS: Final[Mapping[Relay, tuple[SettingKey, SettingKey, SettingKey]]] = MappingProxyType(
    {
        Relay.CHARGE: (_K.CHARGE_RELAY_FORCE, _K.CHARGE_RELAY_FUNCTION, _K.CHARGE_RELAY_INVERT),
        Relay.LOAD: (_K.LOAD_RELAY_FORCE, _K.LOAD_RELAY_FUNCTION, _K.LOAD_RELAY_INVERT),
    }
)
_FUNCTIONS: Final[Mapping[int, Callable[[Relays, bool], bool]]] = MappingProxyType(
    {
        1: lambda allowed, _: allowed.charge,
        2: lambda allowed, _: allowed.load,
        3: lambda allowed, _: allowed.charge and allowed.load,
        4: lambda _, is_early: is_early,
    }
)

type Settings = Mapping[SettingKey, float]


def is_kept_off(settings: Settings, relay: Relay) -> bool:
    """Whether a relay is kept off by name, whatever the rules allow."""
    return bool(settings.get(_FLAG[relay])) or settings.get(_KEYS[relay][0]) == _KEEP_OFF


def is_closed(settings: Settings, relay: Relay, allowed: Relays, *, is_early: bool = False) -> bool:
    """Whether the contact of a relay is closed, given what is allowed; `is_early` is the early warning.

    A BMS that has no such settings closes each relay while it is allowed.
    """
    force, function, invert = (settings.get(key) for key in _KEYS[relay])
    if is_kept_off(settings, relay):
        return False
    if force == _KEEP_ON:
        return True
    own = 1 if relay is Relay.CHARGE else 2
    decide = _FUNCTIONS.get(round(own if function is None else function), _FUNCTIONS[own])
    return decide(allowed, is_early) is not bool(invert)
