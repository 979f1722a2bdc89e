"""What is between owner and BMS restarts, hangs or loses its power."""

from scripts.rig.world import World

from .house import E2E, Bring

pytestmark = E2E


async def test_values_return_after_the_proxy_failed(here: World, bring: Bring) -> None:
    """A proxy that was without power, or that answered nothing until the silence was noticed."""
    bms = bring()
    await bms.set_up()
    await here.proxy.restart()
    assert not here.proxy.links
    await bms.shows_news()

    here.proxy.hang()
    await bms.becomes("connection", "disconnected", "connecting")
    here.proxy.resume()
    await bms.becomes("connection", "connected")
    await bms.shows_news()


async def test_everything_is_as_before_after_home_assistant_started_again(here: World, bring: Bring) -> None:
    """Restarted or without power: the same entities with values, without anybody doing anything."""
    bms = bring()
    await bms.set_up()
    entity_ids = await bms.entity_ids()
    for end in (here.home_assistant.terminate, here.home_assistant.kill):
        await end()
        assert not bms.is_linked
        await here.home_assistant.start()
        await bms.shows_news()
        assert await bms.entity_ids() == entity_ids
        assert not await bms.flows()
