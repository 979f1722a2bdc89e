"""Energy that an owner counts on: the Energy dashboard, and totals through a power cut."""

from scripts.rig.energy_dashboard import EnergyDashboard
from scripts.rig.world import World

from .house import COUNTED, E2E, Bms, Bring

pytestmark = E2E


async def _totals(bms: Bms) -> dict[str, str]:
    """Return what is shown of the totals."""
    return {key: state for key, state in (await bms.states()).items() if key in COUNTED}


async def test_home_assistant_has_no_complaint_about_the_energy_dashboard(here: World, bring: Bring) -> None:
    """Each of the entities suits the place that it has there, and one that does not is noticed."""
    bms = bring()
    await bms.set_up()
    entity_ids = await bms.entity_ids()
    dashboard = EnergyDashboard(here.api, entity_ids)
    await dashboard.save(5.0)
    await dashboard.begin_statistics()
    assert await dashboard.complaints() == []

    wrong = EnergyDashboard(here.api, {**entity_ids, "consumed_total": entity_ids["cell_1_temperature"]})
    await wrong.save(5.0)
    assert await wrong.complaints() != []


async def test_a_power_cut_takes_nothing_back(here: World, bring: Bring) -> None:
    """What was shown is shown again at once, while the BMS is out of reach, and then goes on."""
    bms = bring()
    await bms.set_up()
    before = await _totals(bms)
    assert set(before) == COUNTED
    bms.firmware.speed = 60.0
    await bms.happens(lambda: bms.firmware.total.collected > 20, "some energy")
    bms.firmware.speed = 0.0
    # What it has not said yet would be added as soon as it is back.
    here.proxy.out_of_reach.add(bms.address)
    bms.peripheral.drop()
    await bms.becomes("connection", "disconnected", "connecting")
    kept = await _totals(bms)
    assert float(kept["collected_total"]) > float(before["collected_total"])

    await here.home_assistant.kill()
    await here.home_assistant.start()

    async def are_there() -> bool:
        return await _totals(bms) == kept

    await here.api.wait_for(are_there, 90, "the totals to be there")
    here.proxy.out_of_reach.clear()
    await bms.shows_everything()
    after = await _totals(bms)
    assert all(float(after[key]) >= float(kept[key]) for key in COUNTED)
