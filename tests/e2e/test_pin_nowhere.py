"""The PIN stays between the owner and the BMS, whatever the two of them do."""

import asyncio
from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any, Final, cast

from homeassistant.util.json import JsonValueType
from scripts.rig.api import ApiError
from scripts.rig.world import World
from tests.pins import spellings

from .house import DOMAIN, E2E, Bms, Bring, Log

pytestmark = E2E

# The one that is right, the one it becomes, and one that is never right.
FIRST, SECOND, WRONG = "8642", "9753", "6864"
AUTOMATION: Final = "/api/config/automation/config/watch_v_max"


async def _ask(here: World, service: str, **data: JsonValueType) -> JsonValueType:
    """Call one of our actions; return what it answers."""
    answer = await here.api.command(
        "call_service", domain=DOMAIN, service=service, service_data=data, return_response=True
    )
    return cast(dict[str, JsonValueType], answer)["response"]


async def _live(here: World, bms: Bms) -> list[JsonValueType]:
    """Do everything that an owner does with a BMS; return what Home Assistant answered.

    A form is left out in which a PIN was wrong: there it stands, for whoever has typed it to see to it.
    """
    said: list[JsonValueType] = []
    flow_id = (await bms.confirm(WRONG))["flow_id"]
    said.append(cast(JsonValueType, bms.remember(await here.api.flow_step(flow_id, {"pin": FIRST}))))
    await bms.shows_everything()
    await bms.configure(settings_unlocked=True)
    entry = bms.entry_id
    v_max = (await bms.entity_ids())["v_max"]
    await here.api.request(
        "POST",
        AUTOMATION,
        {
            "alias": "V max",
            "triggers": [{"trigger": "state", "entity_id": v_max}],
            "actions": [
                {
                    "action": f"{DOMAIN}.diagnose",
                    "data": {"config_entry_id": entry},
                    "response_variable": "said",
                }
            ],
        },
    )

    async def write() -> None:
        # While it is recorded, because a write logs in anew.
        await bms.happens(lambda: bms.firmware.streaming, "the stream of a recording")
        await here.api.call_service("number", "set_value", target={"entity_id": v_max}, value=3.65)

    recording, _ = await asyncio.gather(_ask(here, "record", config_entry_id=entry, minutes=0.1), write())
    backup = await _ask(here, "backup_settings", config_entry_id=entry)
    said += [recording, backup, await _ask(here, "diagnose", config_entry_id=entry)]
    data = cast(dict[str, Any], backup)["data"]
    data["settings"]["v_max"] = 3.6
    said.append(await _ask(here, "restore_settings", config_entry_id=entry, data=data, dry_run=False))

    # Hung up in the middle, with what is pending, and with another PIN.
    bms.peripheral.drop()
    try:
        await here.api.call_service("number", "set_value", target={"entity_id": v_max}, value=3.7)
    except ApiError as err:
        said.append(str(err))
    bms.firmware.pin = SECOND
    bms.peripheral.drop()
    form = await here.api.reauth_flow(entry)
    said.append(cast(JsonValueType, form))
    said.append(await here.api.request("GET", f"/api/diagnostics/config_entry/{entry}"))
    await here.api.flow_step(form["flow_id"], {"pin": WRONG})
    said.append(cast(JsonValueType, await here.api.flow_step(form["flow_id"], {"pin": SECOND})))
    await bms.shows_news()
    said.append(await here.api.request("GET", f"/api/diagnostics/config_entry/{entry}"))
    said.append(cast(JsonValueType, list((await here.api.states()).values())))
    said.append(await here.api.command("trace/list", domain="automation"))
    traces = cast(list[dict[str, str]], said[-1])
    said += [
        await here.api.command(
            "trace/get", domain="automation", item_id=trace["item_id"], run_id=trace["run_id"]
        )
        for trace in traces
    ]
    assert traces
    said.append(await here.api.command("repairs/list_issues"))
    said.append(await here.api.command("config_entries/get", domain=DOMAIN))
    return said


async def test_the_pin_is_found_nowhere_but_in_the_entry(here: World, bring: Bring, log: Log) -> None:
    """Neither what is said nor what is written down gives it away: log, database, recording, backup, trace."""
    bms = bring(pin=FIRST)
    said = await _live(here, bms)
    assert {FIRST, SECOND, WRONG} <= set(bms.firmware.pins_given)
    assert any(line.level == "DEBUG" for line in log.lines)
    await here.api.request("DELETE", AUTOMATION)
    # What is only in memory is written down now, and there is a file of everything.
    await here.home_assistant.restart()
    await bms.shows_news()
    directory = here.home_assistant.directory
    assert f'"pin":"{SECOND}"' in _entries(directory).read_text(encoding="utf-8").replace(" ", "")
    written = dict(_written(directory))
    # A write logs in anew, so the login was recorded.
    recordings = [
        text for name, text in written.items() if name.startswith("smartbms/") and name.endswith(".txt")
    ]
    assert any(b"PW****!" in text for text in recordings)
    assert any(name.startswith("smartbms/") and name.endswith(".json") for name in written)
    assert {"home-assistant_v2.db", "output.log", ".storage/trace.saved_traces"} <= set(written)
    for pin in (FIRST, SECOND, WRONG):
        for number, answer in enumerate(said):
            assert not _found(pin, json.dumps(answer).encode()), f"answer {number}"
        assert not {name: found for name, text in written.items() if (found := _found(pin, text))}


def _found(pin: str, text: bytes) -> bytes:
    """Return where a PIN stands in a text, with what is around it; empty where it does not."""
    found = spellings(pin).search(text)
    return b"" if found is None else text[max(found.start() - 60, 0) : found.end() + 60]


def _entries(directory: Path) -> Path:
    return directory / ".storage" / "core.config_entries"


def _written(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file of a configuration, but not the one that holds the PIN, nor programs."""
    programs = directory / "custom_components"
    for path in directory.rglob("*"):
        if path.is_file() and path != _entries(directory) and not path.is_relative_to(programs):
            yield str(path.relative_to(directory)), path.read_bytes()
