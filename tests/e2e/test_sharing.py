"""The only connection of a BMS is shared with the phone app: on demand, or all the time."""

from scripts.rig.world import World

from .house import E2E, Bring, Phone, shows_something

pytestmark = E2E


async def test_a_pause_leaves_the_bms_to_the_phone_app(bring: Bring) -> None:
    """The switch frees the connection, keeps it free, and takes it back."""
    bms, phone = bring(), Phone()
    await bms.set_up()
    await bms.switch("pause", on=True)
    await bms.becomes("pause", "on")
    await bms.becomes("connection", "paused")
    await bms.happens(lambda: not bms.is_linked, "the link to end")
    with phone.using(bms):
        assert shows_something(await bms.states())
    before = bms.firmware.pins_given
    await bms.switch("pause", on=False)
    await bms.becomes("pause", "off")
    await bms.becomes("connection", "connected")
    assert bms.firmware.pins_given == (*before, "1234")
    await bms.shows_news()


async def test_periodic_visits_leave_the_bms_free_in_between(here: World, bring: Bring) -> None:
    """After a visit the values stay, and the phone app can connect."""
    bms = bring()
    await bms.set_up()
    async with bms.history() as changes:
        await bms.configure(connection_mode="periodic", visit_minutes=1)
        await bms.becomes("connection", "waiting")
        await bms.happens(lambda: not bms.is_linked, "the link to end")
    assert [state for key, state in changes if key == "connection"][-1] == "waiting"
    visits = bms.firmware.pins_given
    with Phone().using(bms):
        await bms.shows_everything()
    assert bms.firmware.pins_given == visits
    assert here.proxy.slots_free == here.proxy.slots
