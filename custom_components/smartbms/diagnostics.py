"""What a download for a bug report holds: neither the PIN nor the full address."""

from dataclasses import asdict
from typing import Any

from homeassistant.const import CONF_ADDRESS, CONF_PIN
from homeassistant.core import HomeAssistant

from .coordinator import SmartBmsConfigEntry

# The first three octets tell the maker of the radio module.
_SHORT_ADDRESS = len("AA:BB:CC")


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: SmartBmsConfigEntry
) -> dict[str, Any]:
    """Return entry, link and snapshot without anything secret."""
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
        "firmware": snapshot.firmware,
        "generation": session.fold.generation.value,
        "status": asdict(snapshot.status),
        **{
            name: record._asdict() if (record := getattr(snapshot, name)) is not None else None
            for name in (
                "pack",
                "voltages",
                "temperatures",
                "energy",
                "totals",
                "health",
                "battery_energy",
            )
        },
        "cells": [cell._asdict() for cell in snapshot.cells],
        "settings": {key.value: value for key, value in snapshot.settings.items()},
        "settings_verified": snapshot.settings_verified,
        "balance_voltage": snapshot.balance_voltage,
    }
    diagnostics["algorithm"] = {
        "profile": coordinator.profile.key.value,
        "expected": None if coordinator.decision is None else asdict(coordinator.decision),
    }
    return diagnostics
