"""From an advertisement to an entry, and what stands in the way."""

import asyncio

from custom_components.smartbms.bms.device import DeviceType, Generation
from scripts.rig.world import World

from .house import E2E, Bring, Phone

pytestmark = E2E

TUNE_PLUS = 5


async def test_every_kind_of_bms_is_discovered_and_shows_its_battery(here: World, bring: Bring) -> None:
    """Both generations and both radio modules, in one house: all that a battery has is shown, as it is."""
    every = [bring(device_type) for device_type in DeviceType]
    await asyncio.gather(*(bms.set_up() for bms in every))
    assert here.proxy.links == {bms.address for bms in every}
    models = {device["name"]: device["model"] for device in await here.api.devices()}
    for bms in every:
        generation = bms.firmware.generation
        assert models[bms.name] == f"123\\SmartBMS gen{generation}"
        compared = await here.shows_battery(bms.peripheral)
        assert compared > (30 if generation is Generation.GEN2 else 40)


async def test_the_ignition_of_the_same_maker_is_not_offered(here: World, bring: Bring) -> None:
    """A 123TUNE+ shares service and company with a BMS, and is none."""
    ignition = bring(advertised_type=TUNE_PLUS)
    heard_together = bring()
    await here.discovered(heard_together.name)
    heard_later = bring()
    await here.discovered(heard_later.name)
    offered = [flow["context"].get("unique_id") for flow in await here.api.flows_in_progress()]
    assert {heard_together.address, heard_later.address} <= set(offered)
    assert ignition.address not in offered


async def test_a_mistyped_pin_can_be_typed_again(bring: Bring) -> None:
    """The form says what is wrong and takes the right PIN."""
    bms = bring(pin="8642")
    step = await bms.confirm("8643")
    assert (step["type"], step["errors"]) == ("form", {"pin": "pin_rejected"})
    step = await bms.here.api.flow_step(step["flow_id"], {"pin": "864"})
    assert (step["type"], step["errors"]) == ("form", {"pin": "pin_format"})
    assert bms.firmware.pins_given == ("8643",)
    assert not bms.is_linked
    bms.remember(await bms.here.api.flow_step(step["flow_id"], {"pin": "8642"}))
    await bms.shows_everything()


async def test_a_proxy_without_a_free_connection_is_named_as_the_reason(here: World, bring: Bring) -> None:
    """When a connection becomes free, the same form goes on."""
    bms = bring()
    await here.discovered(bms.name)
    here.proxy.take_slots(here.proxy.slots)
    step = await bms.confirm()
    assert (step["type"], step["errors"]) == ("form", {"base": "no_free_slot"})
    here.proxy.take_slots(0)
    step = bms.remember(await here.api.flow_step(step["flow_id"], {"pin": "1234"}))
    assert step["type"] == "create_entry"
    await bms.shows_everything()


async def test_the_phone_app_has_to_be_closed_first(here: World, bring: Bring) -> None:
    """A BMS that the app holds is silent: the form says so, and goes on when the app is closed."""
    bms = bring()
    await here.discovered(bms.name)
    here.proxy.connect_timeout = 0.4
    with Phone().using(bms):
        step = await bms.confirm()
        assert (step["type"], step["errors"]) == ("form", {"base": "connection_lost"})
    step = bms.remember(await here.api.flow_step(step["flow_id"], {"pin": "1234"}))
    assert step["type"] == "create_entry"
    await bms.shows_everything()
