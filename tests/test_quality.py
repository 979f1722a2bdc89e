"""The rules that the integration keeps: Home Assistant's, and those of its own house."""

import ast
import asyncio
from collections.abc import Iterator
from importlib import import_module
import json
import logging
from pathlib import Path
import re
import subprocess
import sys
from typing import Any

import pytest

from custom_components.smartbms import PLATFORMS
from custom_components.smartbms.bank_flow import BankSteps
from custom_components.smartbms.bms import errors
from custom_components.smartbms.config_flow import SmartBmsConfigFlow
from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.model.diagnosis import FindingKey
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import SelectSelector
from homeassistant.util.yaml import load_yaml_dict

from .radio import Radio, enable, set_up, shown, still_bms

ROOT = Path(__file__).parent.parent
HOME = ROOT / "custom_components" / "smartbms"
SOURCES = sorted(HOME.rglob("*.py"))
TRANSLATIONS: dict[str, Any] = json.loads((HOME / "translations" / "en.json").read_text(encoding="utf-8"))
ICONS: dict[str, Any] = json.loads((HOME / "icons.json").read_text(encoding="utf-8"))
MANIFEST: dict[str, Any] = json.loads((HOME / "manifest.json").read_text(encoding="utf-8"))

# https://developers.home-assistant.io/docs/core/integration-quality-scale/
BRONZE = """
action-setup appropriate-polling brands common-modules config-flow config-flow-test-coverage
dependency-transparency docs-actions docs-conditions docs-high-level-description
docs-installation-instructions docs-removal-instructions docs-triggers entity-event-setup
entity-unique-id has-entity-name runtime-data test-before-configure test-before-setup
unique-config-entry
"""
SILVER = """
action-exceptions config-entry-unloading docs-configuration-parameters docs-installation-parameters
entity-unavailable integration-owner log-when-unavailable parallel-updates reauthentication-flow
test-coverage
"""
GOLD = """
devices diagnostics discovery discovery-update-info docs-data-update docs-examples
docs-known-limitations docs-supported-devices docs-supported-functions docs-troubleshooting
docs-use-cases dynamic-devices entity-category entity-device-class entity-disabled-by-default
entity-translations exception-translations icon-translations reconfiguration-flow repair-issues
stale-devices
"""
PLATINUM = "async-dependency inject-websession strict-typing"

# Who may import whom; what is not named here may import everything.
ROOMS = {
    "bms": {"bms"},
    "model": {"model", "bms"},
    "simulator": {"simulator", "bms", "model"},
    "link": {"link", "bms", "bleak", "bleak_retry_connector"},
}


# The Integration Quality Scale.


def test_every_rule_of_the_quality_scale_is_kept() -> None:
    """Each rule is done, or exempt with a reason, in the order of its tier."""
    rules = load_yaml_dict(str(HOME / "quality_scale.yaml"))["rules"]
    assert isinstance(rules, dict)
    assert list(rules) == f"{BRONZE} {SILVER} {GOLD} {PLATINUM}".split()
    for rule, status in rules.items():
        if isinstance(status, str):
            assert status == "done", rule
        else:
            assert status["status"] == "exempt", rule
            assert status["comment"].endswith("."), rule


def test_the_manifest_is_in_order() -> None:
    """Domain, name, then by the alphabet; everything a custom integration needs is there."""
    assert list(MANIFEST) == ["domain", "name", *sorted(set(MANIFEST) - {"domain", "name"})]
    assert MANIFEST["domain"] == DOMAIN
    assert MANIFEST["quality_scale"] == "platinum"
    assert MANIFEST["integration_type"] == "device"
    assert MANIFEST["iot_class"] == "local_push"
    assert MANIFEST["config_flow"] is True
    assert MANIFEST["codeowners"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", MANIFEST["version"])


def test_what_hacs_reads() -> None:
    """The name, and the oldest Home Assistant, which is the one the tests run on."""
    hacs = json.loads((ROOT / "hacs.json").read_text(encoding="utf-8"))
    assert set(hacs) == {"name", "homeassistant"}
    assert hacs["name"] == MANIFEST["name"]
    oldest = (ROOT / "requirements" / "oldest.txt").read_text(encoding="utf-8")
    assert f"\nhomeassistant=={hacs['homeassistant']} " in oldest


def test_every_platform_says_how_many_updates_may_run_at_once() -> None:
    """The coordinator pushes, so there is no limit to set."""
    for platform in PLATFORMS:
        assert import_module(f"custom_components.smartbms.{platform}").PARALLEL_UPDATES == 0


# Translations and icons.


def texts(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text with where it stands."""
    for key, value in tree.items():
        here = f"{path}.{key}"
        if isinstance(value, dict):
            yield from texts(value, here)
        else:
            yield here, value


ACTION_ERRORS = {
    "unknown_bms",
    "is_a_bank",
    "nothing_known",
    "already_recording",
    "not_recorded",
    "settings_locked",
    "would_switch_off",
    "would_switch_off_briefly",
    "changed_meanwhile",
    "write_restored",
    "write_unclear",
    "stored_otherwise",
    "unnamed_changed",
    "nothing_to_write",
    "no_recommendation",
    "unknown_setting",
    "no_settings",
    "not_backed_up",
    "not_a_backup",
    "other_device_type",
    *(fault.value for fault in errors.HypothesisFault),
    *(fault.value for fault in errors.SettingFault),
}


def error_keys() -> set[str]:
    """Return the keys of all errors of the domain."""
    return {
        error.key
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.SmartBmsError)
    }


def test_every_error_can_be_told() -> None:
    """Each has a message of its own, in the flow as in the log."""
    assert len(error_keys()) == 13
    assert set(TRANSLATIONS["exceptions"]) == error_keys() | ACTION_ERRORS
    assert set(TRANSLATIONS["config"]["error"]) == error_keys() | {
        "pin_format",
        "too_few_members",
        "unknown",
    }
    for key in error_keys():
        assert TRANSLATIONS["exceptions"][key]["message"] == TRANSLATIONS["config"]["error"][key]
    messages = [TRANSLATIONS["exceptions"][key]["message"] for key in error_keys()]
    assert len(set(messages)) == len(messages)
    findings = {f"finding_{key}" for key in FindingKey}
    assert set(TRANSLATIONS["issues"]) == {
        "held_by_bms_ble",
        "member_gone",
        "setting_unclear",
        "setting_settled",
        *findings,
    }


def test_every_end_of_the_flow_can_be_told() -> None:
    """Why a flow ended, whoever ended it."""
    assert set(TRANSLATIONS["config"]["abort"]) == {
        "already_configured",
        "already_in_progress",
        "members_changed",
        "no_adapter",
        "no_devices_found",
        "not_supported",
        "reauth_successful",
        "reconfigure_successful",
    }


def fields(step: dict[str, Any]) -> set[str]:
    """Return the fields that a step describes, each with a name and an explanation."""
    assert set(step.get("data", {})) == set(step.get("data_description", {}))
    return set(step.get("data", {}))


def schema(name: str) -> dict[str, Any]:
    """Return a schema of the flow by its fields."""
    module = import_module("custom_components.smartbms.config_flow")
    return {str(key): value for key, value in getattr(module, name).schema.items()}


def test_every_step_of_the_flow_is_explained() -> None:
    """Each form has a title, and each of its fields a name and an explanation."""
    steps = TRANSLATIONS["config"]["step"]
    names = {*vars(BankSteps), *vars(SmartBmsConfigFlow)}
    methods = {name.removeprefix("async_step_") for name in names if "async_step_" in name}
    assert set(steps) == methods - {"bluetooth", "reauth"}
    assert {step: fields(text) for step, text in steps.items()} == {
        "user": set(),
        "device": {"address"},
        "simulated": set(schema("_SIMULATED_SCHEMA")),
        "bank": {"name", "members"},
        "members": {"members"},
        "pin": set(schema("_PIN_SCHEMA")),
        "reauth_confirm": set(schema("_PIN_SCHEMA")),
        "reconfigure": set(schema("_PIN_SCHEMA")),
    }
    assert set(steps["user"]["menu_options"]) == {"device", "simulated", "bank"}
    assert set(TRANSLATIONS["options"]["step"]) == {"init"}
    assert fields(TRANSLATIONS["options"]["step"]["init"]) == set(schema("_OPTIONS_SCHEMA"))
    assert all(step["title"] for step in (*steps.values(), *TRANSLATIONS["options"]["step"].values()))


def test_every_choice_has_a_name() -> None:
    """What a selector offers is translated, and nothing else is."""
    choices = {}
    for selector in (*schema("_SIMULATED_SCHEMA").values(), *schema("_OPTIONS_SCHEMA").values()):
        if isinstance(selector, SelectSelector):
            choices[selector.config["translation_key"]] = set(selector.config["options"])
    for service in load_yaml_dict(str(HOME / "services.yaml")).values():
        for field in service["fields"].values():
            if (offered := field["selector"].get("select")) is not None:
                choices.setdefault(offered["translation_key"], set()).update(offered["options"])
    assert {key: set(text["options"]) for key, text in TRANSLATIONS["selector"].items()} == choices


async def test_every_entity_has_a_name_and_an_icon(hass: HomeAssistant, radio: Radio) -> None:
    """All entities there can be are translated, and nothing else is; each has an icon."""
    await set_up(hass, radio, still_bms(hass))
    await enable(hass)
    # Only a simulated BMS has its day chosen, and only a bank has batteries.
    keys: dict[str, set[str]] = {
        "select": {"scenario", "speed"},
        "binary_sensor": {"battery_missing"},
        "sensor": {"batteries_in_reach"},
    }
    for entity in er.async_get(hass).entities.values():
        assert entity.translation_key is not None
        keys.setdefault(entity.domain, set()).add(entity.translation_key)
    assert {domain: set(names) for domain, names in TRANSLATIONS["entity"].items()} == keys
    assert {domain: set(icons) for domain, icons in ICONS["entity"].items()} == keys
    for domain, names in ICONS["entity"].items():
        for name, icon in names.items():
            assert icon["default"].startswith("mdi:"), (domain, name)
            assert set(icon.get("state", {})) <= {"on", "off", "allowed", "0"}
    for name in ("connection", "charging_blocked_by", "discharging_blocked_by"):
        states = hass.states.get(f"sensor.123_smartbms_03330_{name}")
        assert states is not None
        translated = TRANSLATIONS["entity"]["sensor"][name]["state"]
        assert sorted(translated) == sorted(states.attributes["options"])


def test_every_action_is_explained() -> None:
    """Each has an icon, a name and an explanation, and so has each of its fields."""
    actions = load_yaml_dict(str(HOME / "services.yaml"))
    assert set(actions) == set(TRANSLATIONS["services"]) == set(ICONS["services"])
    for name, action in actions.items():
        text = TRANSLATIONS["services"][name]
        assert set(text) == {"name", "description", "fields"}
        assert set(text["fields"]) == set(action["fields"])
        for field in text["fields"].values():
            assert set(field) == {"name", "description"}


def test_translations_are_texts_for_people() -> None:
    """No addresses of the web, no empty texts, no second file of strings."""
    for where, text in texts(TRANSLATIONS):
        assert text, where
        assert text == text.strip(), where
        assert not re.search(r"https?:|www\.|\.com\b", text), where
    assert not (HOME / "strings.json").exists()


def imported_exceptions(tree: ast.Module) -> set[str]:
    """Return the names that a module has from Home Assistant and that are errors."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("homeassistant")
        for alias in node.names
        if isinstance(found := getattr(import_module(node.module or ""), alias.name, None), type)
        and issubclass(found, Exception)
    }


def test_every_error_for_the_owner_is_translated() -> None:
    """Whatever is raised to Home Assistant names its translation."""
    raised = 0
    for source in SOURCES:
        tree = ast.parse(source.read_text(encoding="utf-8"))
        names = imported_exceptions(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Raise):
                continue
            call = node.exc
            name = call.func if isinstance(call, ast.Call) else call
            if isinstance(name, ast.Name) and name.id in names:
                assert isinstance(call, ast.Call), f"{source.name}:{node.lineno}"
                keywords = {keyword.arg for keyword in call.keywords}
                assert {"translation_domain", "translation_key"} <= keywords, f"{source.name}:{node.lineno}"
                raised += 1
    assert raised >= 2


# The house.


def imports(source: Path) -> Iterator[str]:
    """Yield what a module imports, by full name; what is of this integration without its package."""
    package = ["custom_components", "smartbms", *source.relative_to(HOME).parts[:-1]]
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module or "").split(".")]
            names = [".".join(filter(None, [*module, alias.name])) for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("custom_components.smartbms.") for name in names)


def test_the_rooms_import_only_what_they_may() -> None:
    """Below the coordinator nobody knows Home Assistant, and each room knows those below it."""
    checked = 0
    for source in SOURCES:
        room = source.relative_to(HOME).parts[0]
        if room not in ROOMS:
            continue
        for name in imports(source):
            top = name.split(".")[0]
            assert top in ROOMS[room] or top in sys.stdlib_module_names, f"{source}: {name}"
            checked += 1
    assert checked > 100


def test_nobody_imports_a_platform() -> None:
    """Platforms and flows are ends: Home Assistant calls them, and nobody else does."""
    ends = {str(platform) for platform in PLATFORMS} | {"config_flow", "diagnostics", "custom_components"}
    for source in SOURCES:
        for name in imports(source):
            assert name.split(".")[0] not in ends, f"{source}: {name}"


def test_platforms_know_only_the_coordinator_and_values() -> None:
    """A platform reads the coordinator and not the link; only what is simulated is reached for."""
    for platform in PLATFORMS:
        for name in imports(HOME / f"{platform}.py"):
            top = name.split(".")[0]
            if (HOME / top).is_dir() or (HOME / f"{top}.py").exists():
                assert top in {
                    "bank",
                    "bank_entities",
                    "coordinator",
                    "entity",
                    "const",
                    "bms",
                    "energy",
                    "insights",
                    "measured",
                    "setting_entity",
                    "setting_values",
                    "simulation",
                    "simulator",
                }, f"{platform}: {name}"


def test_the_address_of_the_repository_stands_in_one_place() -> None:
    """Whoever moves the repository changes the manifest, and nothing else."""
    address = MANIFEST["documentation"].removeprefix("https://")
    assert MANIFEST["issue_tracker"] == f"https://{address}/issues"
    owner, name = address.split("/")[1:3]
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    found = set()
    for path in filter(None, listing.stdout.decode().split("\0")):
        if (ROOT / path).is_file() and f"{owner}/{name}".encode() in (ROOT / path).read_bytes():
            found.add(path)
    assert found == {"custom_components/smartbms/manifest.json"}


# The PIN.


async def test_the_pin_is_never_logged(
    hass: HomeAssistant, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    """Set up, rejected, lost, asked for again: at the finest level the log does not know the PIN."""
    caplog.set_level(logging.DEBUG)
    bms = still_bms(hass, pin="8642")
    radio.bring(bms)
    await asyncio.sleep(0.5)
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    for pin in ("9753", "8642"):
        await hass.config_entries.flow.async_configure(flow["flow_id"], {"pin": pin})
    await hass.async_block_till_done()
    await asyncio.sleep(30)
    assert shown(hass, "connection") == "connected"
    bms.drop()
    await asyncio.sleep(30)
    bms.firmware.pin = "9753"
    bms.drop()
    await asyncio.sleep(30)
    assert shown(hass, "connection") == "pin_rejected"
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    await hass.config_entries.flow.async_configure(flow["flow_id"], {"pin": "9753"})
    await hass.async_block_till_done()
    await asyncio.sleep(10)
    assert shown(hass, "connection") == "connected"
    assert any(record.name.startswith("custom_components.smartbms.link") for record in caplog.records)
    # Digits within longer numbers are clocks and addresses of objects.
    assert not re.search(r"PW\d|(?<![\w.])(8642|9753|38363432|39373533)(?!\w)", caplog.text)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(HOME)))
def test_no_file_is_too_long_to_read(source: Path) -> None:
    """What does not fit into four hundred lines does more than one thing."""
    assert len(source.read_text(encoding="utf-8").splitlines()) <= 400
