"""Making a bank, and choosing its batteries anew."""

import asyncio

from custom_components.smartbms.bank import BankConfigEntry
from custom_components.smartbms.const import DOMAIN
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from .banks import Pack, bank_form, bank_of, collect, large, load, says, small, spare
from .flows import suggested
from .radio import Radio


async def menu(hass: HomeAssistant) -> list[str]:
    """Return what can be added by hand."""
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    options = result["menu_options"]
    assert isinstance(options, list)
    hass.config_entries.flow.async_abort(result["flow_id"])
    return options


def ids(*packs: Pack) -> list[str]:
    """Return the entries of batteries."""
    return [each.entry.entry_id for each in packs]


def offered(form: ConfigFlowResult) -> dict[str, str]:
    """Return the batteries that a form offers, by their entries."""
    assert form["data_schema"] is not None
    options = form["data_schema"].schema["members"].config["options"]
    return {option["value"]: option["label"] for option in options}


async def anew(hass: HomeAssistant, bank: BankConfigEntry) -> ConfigFlowResult:
    """Reconfigure a bank, up to the form."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": bank.entry_id}
    )


async def test_one_bms_makes_no_bank(hass: HomeAssistant) -> None:
    """A bank can be chosen once there are two BMS to make it of."""
    assert await menu(hass) == ["device", "simulated"]
    packs = [small(hass)]
    assert await menu(hass) == ["device", "simulated"]
    packs.append(large(hass))
    assert await menu(hass) == ["device", "simulated", "bank"]
    await bank_of(hass, packs)
    # A bank is no battery.
    await hass.config_entries.async_remove(packs[0].entry.entry_id)
    assert await menu(hass) == ["device", "simulated"]


async def test_a_bank_is_made(hass: HomeAssistant) -> None:
    """All BMS there are are suggested by their names; an ignored one is none."""
    packs = small(hass), large(hass), spare(hass)
    await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "ignore"}, data={"unique_id": "EC:FE:7E:00:0D:09", "title": "Ignored"}
    )
    form = await bank_form(hass)
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, "bank", {})
    assert offered(form) == dict(zip(ids(*packs), ("Small", "Large", "Spare"), strict=True))
    assert suggested(form) == {"name": None, "members": ids(*packs)}
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"name": "House bank", "members": ids(packs[1], packs[0])}
    )
    assert (result["type"], result["title"]) == (FlowResultType.CREATE_ENTRY, "House bank")
    assert result["data"] == {"members": ids(packs[0], packs[1])}
    assert result["options"] == {}
    assert str(result["result"].unique_id).startswith("bank_")
    assert not result["result"].supports_options
    assert result["result"].supports_reconfigure


async def test_one_battery_is_too_few(hass: HomeAssistant) -> None:
    """The form says so, keeps what was typed, and takes two."""
    packs = small(hass), large(hass)
    form = await bank_form(hass)
    for members in ([], ids(packs[0])):
        form = await hass.config_entries.flow.async_configure(
            form["flow_id"], {"name": "House bank", "members": members}
        )
        assert form["errors"] == {"members": "too_few_members"}
        assert suggested(form) == {"name": "House bank", "members": members}
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"name": "House bank", "members": ids(*packs)}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_the_same_batteries_are_one_bank(hass: HomeAssistant) -> None:
    """Whatever it is called; others make another one."""
    packs = small(hass), large(hass), spare(hass)
    await bank_of(hass, packs[:2])
    form = await bank_form(hass)
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {"name": "Another", "members": ids(packs[1], packs[0])}
    )
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")
    assert (await bank_of(hass, packs, "All")).data["members"] == ids(*packs)


# Choosing anew.


async def test_batteries_are_added_and_removed(hass: HomeAssistant, radio: Radio) -> None:
    """The sums are those of the new members; the energies go on from where they are."""
    packs = small(hass), large(hass), spare(hass)
    await load(hass, radio, *packs)
    bank = await bank_of(hass, packs[:2])
    await asyncio.sleep(5)
    assert says(hass, bank, "current", "charged_total") == ("30.0", "578.0")

    form = await anew(hass, bank)
    assert (form["type"], form["step_id"], form["errors"]) == (FlowResultType.FORM, "members", {})
    assert form["description_placeholders"] == {"name": "House bank"}
    assert suggested(form) == {"members": ids(*packs[:2])}
    assert len(offered(form)) == 3
    form = await hass.config_entries.flow.async_configure(form["flow_id"], {"members": ids(packs[2])})
    assert form["errors"] == {"members": "too_few_members"}
    result = await hass.config_entries.flow.async_configure(form["flow_id"], {"members": ids(*packs)})
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "members_changed")
    await hass.async_block_till_done()
    await asyncio.sleep(5)
    assert says(hass, bank, "batteries_in_reach", "current", "charged_total") == ("3", "30.0", "578.0")

    collect(packs[2], 300)
    await asyncio.sleep(400)
    assert says(hass, bank, "collected_total") == ("642.3",)

    form = await anew(hass, bank)
    await hass.config_entries.flow.async_configure(form["flow_id"], {"members": ids(*packs[1:])})
    await hass.async_block_till_done()
    await asyncio.sleep(5)
    assert says(hass, bank, "batteries_in_reach", "current", "collected_total") == ("2", "20.0", "642.3")


async def test_to_the_members_of_another_bank(hass: HomeAssistant) -> None:
    """Two banks of the same batteries would be one; its own members it may keep."""
    packs = small(hass), large(hass), spare(hass)
    await bank_of(hass, packs[:2])
    other = await bank_of(hass, packs[1:], "Other")
    form = await anew(hass, other)
    result = await hass.config_entries.flow.async_configure(form["flow_id"], {"members": ids(*packs[:2])})
    assert result["reason"] == "already_configured"
    form = await anew(hass, other)
    result = await hass.config_entries.flow.async_configure(form["flow_id"], {"members": ids(*packs[1:])})
    assert result["reason"] == "members_changed"


async def test_a_battery_that_is_gone_is_not_offered(
    hass: HomeAssistant, radio: Radio, issue_registry: ir.IssueRegistry
) -> None:
    """Once the members are chosen anew, nothing is to be repaired any more."""
    packs = small(hass), large(hass), spare(hass)
    await load(hass, radio, *packs)
    bank = await bank_of(hass, packs[:2])
    await hass.config_entries.async_remove(packs[1].entry.entry_id)
    form = await anew(hass, bank)
    assert suggested(form) == {"members": ids(packs[0])}
    assert list(offered(form).values()) == ["Small", "Spare"]
    await hass.config_entries.flow.async_configure(form["flow_id"], {"members": ids(packs[0], packs[2])})
    await hass.async_block_till_done()
    await asyncio.sleep(20)
    assert issue_registry.async_get_issue(DOMAIN, f"member_gone_{bank.entry_id}") is None
    assert says(hass, bank, "batteries_in_reach", "current") == ("2", "10.0")


async def test_the_options_of_a_bms_stay(hass: HomeAssistant) -> None:
    """Only a bank has none."""
    assert small(hass).entry.supports_options
