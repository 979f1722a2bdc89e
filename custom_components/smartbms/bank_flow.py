"""The steps of the flow that make a bank, and that choose its members anew."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.util.ulid import ulid_now

from .bank import is_bank
from .const import CONF_MEMBERS

if TYPE_CHECKING:
    # Home Assistant 2026.9 and newer put this in the place of voluptuous.
    import probatio as vol
else:
    import voluptuous as vol

# One battery is no bank.
_FEWEST_MEMBERS: Final = 2


class BankSteps(ConfigFlow):
    """Makes a bank of batteries whose BMS are set up."""

    async def async_step_bank(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Make one of several batteries that are connected in parallel."""
        if user_input is not None and (members := self._chosen(user_input)) is not None:
            await self.async_set_unique_id(f"bank_{ulid_now().lower()}")
            return self.async_create_entry(title=user_input[CONF_NAME], data={CONF_MEMBERS: members})
        return self._show_members_form("bank", {vol.Required(CONF_NAME): TextSelector()}, user_input)

    async def async_step_members(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Choose the batteries of a bank anew."""
        entry = self._get_reconfigure_entry()
        if user_input is not None and (members := self._chosen(user_input)) is not None:
            return self.async_update_reload_and_abort(
                entry, data={CONF_MEMBERS: members}, reason="members_changed"
            )
        return self._show_members_form("members", {}, user_input, entry)

    @property
    def can_be_bank(self) -> bool:
        """Whether enough BMS are set up for a bank."""
        return len(self._batteries()) >= _FEWEST_MEMBERS

    def _batteries(self) -> dict[str, str]:
        """Return what a bank can be made of: the titles of all BMS by their entries."""
        entries = self._async_current_entries(include_ignore=False)
        return {entry.entry_id: entry.title for entry in entries if not is_bank(entry)}

    def _chosen(self, user_input: Mapping[str, Any]) -> list[str] | None:
        """Return the members that were chosen; `None` where they are too few for a bank."""
        # In the order in which they were set up, however they were picked.
        members = [each for each in self._batteries() if each in user_input[CONF_MEMBERS]]
        if len(members) < _FEWEST_MEMBERS:
            return None
        self._async_abort_entries_match({CONF_MEMBERS: members})
        return members

    def _show_members_form(
        self,
        step_id: str,
        fields: Mapping[vol.Marker, object],
        user_input: Mapping[str, Any] | None,
        entry: ConfigEntry | None = None,
    ) -> ConfigFlowResult:
        """Ask for members, beside other fields; those that a bank has are suggested, else all there are."""
        batteries = self._batteries()
        options = [SelectOptionDict(value=value, label=label) for value, label in batteries.items()]
        selector = SelectSelector(
            SelectSelectorConfig(options=options, multiple=True, mode=SelectSelectorMode.LIST)
        )
        members = [
            each for each in (batteries if entry is None else entry.data[CONF_MEMBERS]) if each in batteries
        ]
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({**fields, vol.Required(CONF_MEMBERS): selector}),
                user_input or {CONF_MEMBERS: members},
            ),
            errors={} if user_input is None else {CONF_MEMBERS: "too_few_members"},
            description_placeholders={} if entry is None else {"name": entry.title},
        )
