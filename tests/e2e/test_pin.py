"""The PIN: when it changes, and that it stays between the owner and the BMS."""

import asyncio
from collections.abc import Iterator
import json
from pathlib import Path
import re

from scripts.rig.world import World

from .house import E2E, Bring, Log

pytestmark = E2E

UNUSUAL_PIN = "8642"
# As text, behind the login command, or as the hexadecimal characters of a block; not within a longer
# number, such as the microseconds of a time.
_PIN_IN_TEXT = re.compile(rb"(?<![0-9A-Za-z])(?:PW)?8642(?![0-9A-Za-z])|38363432")
# A retry would come after a second.
_LONG_ENOUGH_FOR_RETRIES = 2.5


async def test_a_pin_changed_in_the_app_is_asked_for_and_never_guessed(bring: Bring) -> None:
    """One attempt with the old PIN, then Home Assistant asks; with the new PIN the values return."""
    bms = bring()
    await bms.set_up()
    bms.firmware.pin = "2468"
    before = bms.firmware.pins_given
    bms.peripheral.drop()

    form = await bms.here.api.reauth_flow(bms.entry_id)
    assert (form["type"], form["step_id"]) == ("form", "reauth_confirm")
    await bms.becomes("connection", "pin_rejected")
    await asyncio.sleep(_LONG_ENOUGH_FOR_RETRIES)
    assert bms.firmware.pins_given == (*before, "1234")
    assert not bms.is_linked

    step = await bms.here.api.flow_step(form["flow_id"], {"pin": "2469"})
    assert step["errors"] == {"pin": "pin_rejected"}
    step = await bms.here.api.flow_step(form["flow_id"], {"pin": "2468"})
    assert (step["type"], step["reason"]) == ("abort", "reauth_successful")
    await bms.shows_news()
    assert not await bms.flows()


async def test_the_pin_is_found_nowhere_but_in_the_entry(here: World, bring: Bring, log: Log) -> None:
    """Neither log nor diagnostics nor states nor another stored file gives it away."""
    bms = bring(pin=UNUSUAL_PIN)
    await bms.set_up(UNUSUAL_PIN)
    # A rejected PIN and a lost link are logged too.
    bms.peripheral.drop()
    await bms.becomes("connection", "disconnected", "connecting")
    await bms.becomes("connection", "connected")
    bms.firmware.pin = "2468"
    bms.peripheral.drop()
    await here.api.reauth_flow(bms.entry_id)
    await bms.happens(lambda: _is_stored(here, UNUSUAL_PIN), "the entry to be stored")

    diagnostics = await here.api.request("GET", f"/api/diagnostics/config_entry/{bms.entry_id}")
    assert isinstance(diagnostics, dict)
    assert diagnostics["home_assistant"]
    states = await here.api.states()
    assert any(line.level == "DEBUG" for line in log.lines)
    for name, text in (
        ("diagnostics", json.dumps(diagnostics).encode()),
        ("states", json.dumps(states).encode()),
        *_stored(here.home_assistant.directory),
    ):
        assert not _PIN_IN_TEXT.search(text), name


def _is_stored(here: World, pin: str) -> bool:
    return f'"pin":"{pin}"' in (_entries(here.home_assistant.directory)).read_text().replace(" ", "")


def _entries(directory: Path) -> Path:
    return directory / ".storage" / "core.config_entries"


def _stored(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the log, the database and whatever else Home Assistant wrote, but not what holds the PIN."""
    integration = directory / "custom_components"
    for path in directory.rglob("*"):
        if path.is_file() and path != _entries(directory) and not path.is_relative_to(integration):
            yield str(path.relative_to(directory)), path.read_bytes()
