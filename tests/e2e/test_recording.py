"""From the action to the report: what a BMS said, recorded and diagnosed on another computer."""

import asyncio
import json
from pathlib import Path
import subprocess
from typing import Any, cast

from scripts.rig.world import World

from .house import DOMAIN, E2E, Bring

ROOT = Path(__file__).parents[2]

pytestmark = E2E


def diagnose(file: str) -> dict[str, Any]:
    """Return what `scripts/diagnose` says of a file."""
    answer = subprocess.run(
        [ROOT / "scripts" / "diagnose", file, "--json"], capture_output=True, check=True, text=True
    )
    return cast(dict[str, Any], json.loads(answer.stdout))


async def test_a_recording_is_diagnosed_elsewhere(here: World, bring: Bring) -> None:
    """Half a minute of a BMS whose chain is broken tells so, and what it is set to, and not its PIN."""
    bms = bring()
    battery = bms.firmware.battery
    battery.charge_current = battery.load_current = 0.0
    await bms.set_up()
    bms.firmware.chain_broken = True
    await bms.becomes("charging_blocked_by", "no_communication")
    answer = await here.api.command(
        "call_service",
        domain=DOMAIN,
        service="record",
        service_data={"config_entry_id": bms.entry_id, "minutes": 0.3},
        return_response=True,
    )
    file = cast(dict[str, Any], answer)["response"]["file"]
    text = await asyncio.to_thread(Path(file).read_text, encoding="utf-8")
    assert "1234" not in text.partition("\n")[2].replace("PW****!", "")
    report = await asyncio.to_thread(diagnose, file)
    assert report["charging"]["allowed"] is report["charging"]["expected"] is False
    assert [cause["rule"] for cause in report["charging"]["causes"]] == ["no_communication"]
    assert [finding["key"] for finding in report["findings"]] == ["chain_broken"]
    assert report["settings"]["v_max"] == 3.7
