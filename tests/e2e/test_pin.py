"""The PIN, when it changes."""

import asyncio

from .house import E2E, Bring

pytestmark = E2E

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
