"""What a download for a bug report holds: neither the PIN nor the full address."""

from dataclasses import asdict
from typing import Any

from homeassistant.const import CONF_ADDRESS, CONF_PIN
from homeassistant.core import HomeAssistant

from .bank import BankConfigEntry, bank_diagnostics, is_bank
from .bms import stored
from .coordinator import SmartBmsConfigEntry
from .model import samples

# The first three octets tell the maker of the radio module.
_SHORT_ADDRESS = len("AA:BB:CC")


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: SmartBmsConfigEntry | BankConfigEntry
) -> dict[str, Any]:
    """Return entry, link and snapshot without anything secret; of a bank its members and what they make."""
    if is_bank(entry):
        return bank_diagnostics(entry)
    data = {key: value for key, value in entry.data.items() if key != CONF_PIN}
    data[CONF_ADDRESS] = f"{entry.data[CONF_ADDRESS][:_SHORT_ADDRESS]}…"
    diagnostics: dict[str, Any] = {
        "entry": {
            "version": entry.version,
            "data": data,
            "options": dict(entry.options),
            "has_pin": bool(entry.data.get(CONF_PIN)),
        }
    }
    if (coordinator := getattr(entry, "runtime_data", None)) is None:
        return diagnostics
    session, snapshot = coordinator.session, coordinator.data
    diagnostics["link"] = {
        "state": session.state.value,
        "error": session.error.key if session.error else None,
        "connections": session.connections,
        "accepted_lines": session.fold.accepted,
        "rejected_lines": {reason.value: count for reason, count in session.rejected.items()},
        "signal_strength": coordinator.link.signal_strength,
    }
    diagnostics["snapshot"] = {
        "generation": session.fold.generation.value,
        "at": coordinator.insight.at,
        **stored.as_json(snapshot),
    }
    diagnostics["algorithm"] = {
        "profile": coordinator.insight.profile.key.value,
        "expected": None if (decision := coordinator.insight.decision) is None else asdict(decision),
        "findings": [asdict(finding) for finding in coordinator.findings],
    }
    diagnostics["ledger"] = coordinator.remembered.ledger.as_json()
    diagnostics["evidence"] = coordinator.insight.evidence.as_json()
    diagnostics["history"] = samples.as_json(coordinator.insight.samples)
    return diagnostics
