"""What the tests of the flows share."""

from custom_components.smartbms.const import DOMAIN
from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant


def suggested(result: ConfigFlowResult) -> dict[str, object]:
    """Return what a form suggests."""
    assert result["data_schema"] is not None
    return {str(key): (key.description or {}).get("suggested_value") for key in result["data_schema"].schema}


def flow_of(hass: HomeAssistant) -> str:
    """Return the only flow under way."""
    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    return flow["flow_id"]
