"""The dashboard of the integration in a real Home Assistant, added as its owner would."""

from typing import Final

from .api import Api

TYPE: Final = "custom:smartbms"
# Home Assistant wants a hyphen in it.
URL_PATH: Final = "smart-bms"


async def add_dashboard(api: Api) -> str:
    """Add the dashboard by its one line, with a place in the sidebar; return its path."""
    await api.command(
        "lovelace/dashboards/create",
        url_path=URL_PATH,
        title="Battery",
        icon="mdi:battery-high",
        mode="storage",
    )
    await api.command("lovelace/config/save", url_path=URL_PATH, config={"strategy": {"type": TYPE}})
    return f"/{URL_PATH}"
