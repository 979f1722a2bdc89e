"""The actions that change settings: a set of thresholds, and all of them from a backup."""

from collections.abc import Mapping
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from .bank import bms_entry
from .bms.errors import HypothesisError, NotVerifiedError
from .bms.settings import SETTINGS, SettingKey, is_writable
from .bms.state import Snapshot
from .bms.writes import Change
from .const import DOMAIN
from .coordinator import SmartBmsCoordinator
from .files import async_keep, folder
from .link.transaction import Held
from .model.chemistry import Chemistry, Recommendation, advised, recommended
from .model.foresight import foreseen
from .model.hypothesis import number_of
from .model.profiles import ProfileKey
from .model.report import cause_as_json
from .setting_sets import Backup, balance_switches, thresholds
from .setting_values import to_device, to_person
from .settings_writer import async_write, in_order, require_unlocked
from .words import words
from .written import is_change

if TYPE_CHECKING:
    # Home Assistant 2026.9 and newer put this in the place of voluptuous.
    import probatio as vol
else:
    import voluptuous as vol

_APPLY: Final = "apply_thresholds"
_BACKUP: Final = "backup_settings"
_RESTORE: Final = "restore_settings"
_CHEMISTRY: Final = "chemistry"
_MANUAL: Final = "manual"
_VALUES: Final = "values"
_DRY_RUN: Final = "dry_run"
_FORCE: Final = "force"
_FILE: Final = "file"
_DATA: Final = "data"

_APPLY_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
        vol.Optional(_CHEMISTRY): vol.In({each.value.lower() for each in Chemistry}),
        vol.Optional(_MANUAL): vol.Coerce(ProfileKey),
        vol.Optional(_VALUES, default=dict): dict,
        vol.Optional(_DRY_RUN, default=False): cv.boolean,
        vol.Optional(_FORCE, default=False): cv.boolean,
    }
)
_BACKUP_SCHEMA: Final = vol.Schema({vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string})
# What a restore would change is shown first: nothing is written until that is switched off.
_RESTORE_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
        vol.Exclusive(_FILE, "source"): cv.string,
        vol.Exclusive(_DATA, "source"): dict,
        vol.Optional(_DRY_RUN, default=True): cv.boolean,
        vol.Optional(_FORCE, default=False): cv.boolean,
    }
)


@callback
def register_settings_actions(hass: HomeAssistant) -> None:
    """Register the actions that change settings."""
    for name, action, schema in (
        (_APPLY, _apply, _APPLY_SCHEMA),
        (_BACKUP, _backup, _BACKUP_SCHEMA),
        (_RESTORE, _restore, _RESTORE_SCHEMA),
    ):
        hass.services.async_register(
            DOMAIN, name, action, schema, supports_response=SupportsResponse.OPTIONAL
        )


async def _apply(call: ServiceCall) -> ServiceResponse:
    """Write a recommended set of thresholds, or given values, or both: what is given counts more."""
    coordinator = _coordinator(call)
    recommendation = _recommendation(coordinator, call.data)
    wanted = _given(coordinator, call.data[_VALUES])
    if recommendation is not None:
        wanted = thresholds(recommendation, _read_settings(coordinator).settings) | wanted
    if not wanted:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="nothing_to_write")
    answer = await _carry_out(call, coordinator, wanted)
    if recommendation is not None:
        answer |= _about_balancing(coordinator, recommendation.balance_voltage)
    return cast(ServiceResponse, answer)


async def _backup(call: ServiceCall) -> ServiceResponse:
    """Answer with all settings, and write them into a file."""
    hass, coordinator = call.hass, _coordinator(call)
    snapshot = _read_settings(coordinator)
    if not snapshot.settings_verified:
        raise HomeAssistantError(translation_domain=DOMAIN, translation_key=NotVerifiedError.key)
    backup = Backup(
        generation=coordinator.session.fold.generation,
        device_type=coordinator.device_type,
        firmware=snapshot.firmware,
        taken=dt_util.now().isoformat(timespec="seconds"),
        settings=snapshot.settings,
    ).as_json()
    name, text = f"{coordinator.name} settings", json.dumps(backup, indent=2)
    path = await async_keep(hass, name, "json", text, error_key="not_backed_up")
    return cast(ServiceResponse, {"file": str(path), "data": backup})


async def _restore(call: ServiceCall) -> ServiceResponse:
    """Show by what a backup differs, and write that when it is not only to be shown."""
    hass, coordinator = call.hass, _coordinator(call)
    held = _read_settings(coordinator).settings
    data = call.data.get(_DATA)
    if data is None:
        data = await hass.async_add_executor_job(_load, folder(hass), call.data.get(_FILE, ""))
    if (backup := Backup.from_json(data)) is None:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_a_backup")
    if not backup.fits(coordinator.session.fold.generation, coordinator.device_type):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="other_device_type",
            translation_placeholders={"name": coordinator.name},
        )
    unconfirmed = coordinator.options.unconfirmed
    wanted = {
        key: value
        for key, value in backup.settings.items()
        if key in held and is_writable(SETTINGS[key], unconfirmed=unconfirmed)
    }
    answer = await _carry_out(call, coordinator, wanted)
    skipped = [
        key.value for key, value in backup.settings.items() if key not in wanted and value != held.get(key)
    ]
    return cast(ServiceResponse, answer | {"skipped": skipped})


async def _carry_out(
    call: ServiceCall, coordinator: SmartBmsCoordinator, wanted: Mapping[SettingKey, float]
) -> dict[str, object]:
    """Write what differs, or only show it; return old, new and verified values, and what would go off."""
    held = coordinator.data.settings
    changes = [Change(key, value) for key, value in wanted.items()]
    if not call.data[_DRY_RUN]:
        require_unlocked(coordinator)
    ordered = in_order(coordinator, changes, held)
    switched_off = foreseen(coordinator.insight, held, ordered)
    if call.data[_DRY_RUN]:
        status = "dry_run"
        lines = [Held(change.key, held[change.key], change.value, None) for change in ordered]
    else:
        # All of them: whether one differs is for the BMS to say, and not for what was known of it.
        outcome = await async_write(coordinator, changes, context=call.context, force=call.data[_FORCE])
        status, lines = outcome.status.value, list(outcome.changes)
    scale = coordinator.options.temperature_scale

    def shown(key: SettingKey, value: float | None) -> float | None:
        return None if value is None else to_person(key, value, scale)

    return {
        "status": status,
        "changes": [
            {
                "setting": line.key.value,
                "old": shown(line.key, line.old),
                "new": shown(line.key, line.wanted),
                "verified": shown(line.key, line.held),
            }
            for line in lines
            if is_change(line)
        ],
        "would_switch_off": [
            {
                "relay": each.relay.value,
                "in_between": each.in_between,
                "causes": [cause_as_json(coordinator.data, cause) for cause in each.causes],
            }
            for each in switched_off
        ],
    }


def _coordinator(call: ServiceCall) -> SmartBmsCoordinator:
    return bms_entry(call.hass, call.data[ATTR_CONFIG_ENTRY_ID]).runtime_data


def _read_settings(coordinator: SmartBmsCoordinator) -> Snapshot:
    """Return a snapshot that has settings."""
    if not coordinator.data.settings:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_settings",
            translation_placeholders={"name": coordinator.name},
        )
    return coordinator.data


def _recommendation(coordinator: SmartBmsCoordinator, data: Mapping[str, object]) -> Recommendation | None:
    """Return what the manual that was named says, else the BMS's own, else the newest that knows the cells."""
    if (name := data.get(_CHEMISTRY)) is None:
        return None
    chemistry = next(each for each in Chemistry if each.value.lower() == name)
    manual = data.get(_MANUAL)
    found = (
        advised(coordinator.insight.profile.key, chemistry)
        if manual is None
        else recommended(ProfileKey(str(manual)), chemistry)
    )
    if found is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_recommendation",
            translation_placeholders={"chemistry": words(coordinator.hass).chemistry(chemistry)},
        )
    return found


def _given(coordinator: SmartBmsCoordinator, values: Mapping[object, object]) -> dict[SettingKey, float]:
    """Return values by setting, in the units of the table; temperatures are given in °C."""
    held = _read_settings(coordinator).settings
    given: dict[SettingKey, float] = {}
    for name, value in values.items():
        if name not in held:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="unknown_setting",
                translation_placeholders={"setting": str(name)},
            )
        key = SettingKey(str(name))
        try:
            number = number_of(key.value, value)
        except HypothesisError as err:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key=err.key, translation_placeholders=err.placeholders
            ) from err
        given[key] = to_device(key, number, coordinator.options.temperature_scale)
    return given


def _about_balancing(coordinator: SmartBmsCoordinator, wanted: float) -> dict[str, object]:
    """Return the balance voltage that goes with the thresholds; it is set by switches, not by a write."""
    return {
        "balance_voltage": {
            "now": coordinator.data.balance_voltage,
            "recommended": wanted,
            "option_switches": balance_switches(coordinator.session.fold.generation, wanted),
        }
    }


def _load(folder: Path, name: str) -> object:
    """Return what a file of the folder holds, or `None`; files elsewhere are nobody's business."""
    try:
        path = (folder / name).resolve()
        if path.parent != folder.resolve():
            return None
        data: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError, ValueError, RecursionError:
        return None
    return data
