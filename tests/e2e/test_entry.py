"""An owner who disables, reloads and removes."""

from scripts.rig.world import World

from .house import DOMAIN, E2E, Bms, Bring, Log

pytestmark = E2E


async def _disable(bms: Bms, by: str | None) -> None:
    await bms.here.api.command("config_entries/disable", entry_id=bms.entry_id, disabled_by=by)


async def test_disabling_reloading_and_removing_leave_nothing_behind(
    here: World, bring: Bring, log: Log
) -> None:
    """The link is there exactly as long as the entry is in use, and the log has no complaint."""
    bms = bring()
    await bms.set_up()
    assert here.proxy.links == {bms.address}

    await _disable(bms, "user")
    assert not here.proxy.links
    assert set((await bms.states()).values()) == {"unavailable"}
    await _disable(bms, None)
    await bms.shows_news()
    assert here.proxy.links == {bms.address}

    await here.api.reload_entry(bms.entry_id)
    await bms.shows_news()
    assert here.proxy.links == {bms.address}

    await here.api.delete_entry(bms.entry_id)
    assert not here.proxy.links
    assert not await bms.entity_ids()
    assert bms.entry_id not in {entry["entry_id"] for entry in await here.api.entries(DOMAIN)}
    assert not [device for device in await here.api.devices() if device["name"] == bms.name]
    await here.discovered(bms.name)
    assert log.complaints == []
