"""The one way from Home Assistant to the settings of a BMS.

Locked unless the owner has unlocked it; checked against what the BMS holds at that moment; nothing that
switches a relay off at once unless that is asked for; then written as one transaction, told in the
logbook, and shown as it was read back.
"""

from collections.abc import Mapping, Sequence

from homeassistant.core import Context, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from .bms.errors import SettingRefusedError, SmartBmsError
from .bms.settings import SettingKey
from .bms.writes import Change, check, order
from .const import DOMAIN
from .coordinator import SmartBmsCoordinator
from .link.transaction import Outcome, WriteStatus
from .model.foresight import foreseen
from .words import words
from .written import is_change, tell_written, texts

type Settings = Mapping[SettingKey, float]


async def async_write(
    coordinator: SmartBmsCoordinator,
    changes: Sequence[Change],
    *,
    context: Context | None,
    force: bool = False,
) -> Outcome:
    """Change settings, all or nothing, and return how that was verified.

    `force` lets a change switch a relay off at once. Raises a `ServiceValidationError` for what must not
    be written, and a `HomeAssistantError` for what could not be: it says what the BMS holds.
    """
    require_unlocked(coordinator)
    try:
        outcome = await _write(coordinator, changes, force=force)
    except _OutdatedError:
        # By now what the BMS holds is known; the order may be made anew.
        try:
            outcome = await _write(coordinator, changes, force=force)
        except _OutdatedError as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="changed_meanwhile",
                translation_placeholders={"name": coordinator.name},
            ) from err
    _tell(coordinator, outcome, context)
    if outcome.status in (WriteStatus.RESTORED, WriteStatus.UNCLEAR):
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=f"write_{outcome.status}",
            translation_placeholders={"name": coordinator.name, **_ending(coordinator, outcome)},
        ) from outcome.error
    return outcome


@callback
def require_unlocked(coordinator: SmartBmsCoordinator) -> None:
    """Raise a `ServiceValidationError` that says where to unlock, while settings are locked."""
    if not coordinator.options.settings_unlocked:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="settings_locked",
            translation_placeholders={"name": coordinator.name},
        )


class _OutdatedError(Exception):
    """The order was made for other settings than those of the BMS."""


async def _write(coordinator: SmartBmsCoordinator, changes: Sequence[Change], *, force: bool) -> Outcome:
    """Write what may be written, in the order that suits what is known of the BMS."""
    ordered = in_order(coordinator, changes, coordinator.data.settings)

    def hold_against(settings: Settings) -> None:
        """Look at what was read just now: somebody may have changed it in the app."""
        if in_order(coordinator, changes, settings) != ordered:
            raise _OutdatedError
        switched_off = foreseen(coordinator.insight, settings, ordered)
        if switched_off and not force:
            is_brief = all(each.in_between for each in switched_off)
            said = words(coordinator.hass)
            relays = ", ".join(said.switched_off(each, coordinator.data) for each in switched_off)
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="would_switch_off_briefly" if is_brief else "would_switch_off",
                translation_placeholders={"name": coordinator.name, "relays": relays},
            )

    try:
        return await coordinator.session.write(ordered, check=hold_against)
    except SmartBmsError as err:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key=err.key) from err
    finally:
        coordinator.async_publish_settings()


@callback
def in_order(coordinator: SmartBmsCoordinator, changes: Sequence[Change], settings: Settings) -> list[Change]:
    """Return changes in an order in which every state in between may be.

    Raises a `ServiceValidationError` that names what keeps them from being written.
    """
    try:
        check(
            changes,
            settings,
            coordinator.data.balance_voltage,
            coordinator.session.fold.generation,
            unconfirmed=coordinator.options.unconfirmed,
            scale=coordinator.options.temperature_scale,
        )
    except SettingRefusedError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key=err.key,
            translation_placeholders=words(coordinator.hass).named(err.placeholders),
        ) from err
    return order(changes, settings)


def _ending(coordinator: SmartBmsCoordinator, outcome: Outcome) -> dict[str, str]:
    """Return what was wanted, what is held, and what went wrong, as it stands in a sentence."""
    hass, scale = coordinator.hass, coordinator.options.temperature_scale
    told = [texts(hass, held, scale) for held in outcome.changes if is_change(held)]
    return {
        "wanted": ", ".join(f"{each['setting']} {each['new']}" for each in told),
        "held": ", ".join(f"{each['setting']} {each['held']}" for each in told),
        "reason": words(hass).reason(_what_went_wrong(outcome)),
    }


def _what_went_wrong(outcome: Outcome) -> str:
    """Return the key of the message that says it."""
    if outcome.unnamed_differ:
        return "unnamed_changed"
    return "stored_otherwise" if outcome.error is None else outcome.error.key


@callback
def _tell(coordinator: SmartBmsCoordinator, outcome: Outcome, context: Context | None) -> None:
    """Put a write into the logbook, and under Repairs what is not known any more."""
    scale = coordinator.options.temperature_scale
    for held in filter(is_change, outcome.changes):
        if outcome.status is WriteStatus.UNCLEAR:
            coordinator.issues.unclear(held.key, texts(coordinator.hass, held, scale))
        else:
            coordinator.issues.verified(held.key)
        tell_written(
            coordinator.hass,
            coordinator.config_entry,
            held,
            scale,
            status=outcome.status.value,
            context=context,
        )
