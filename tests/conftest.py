"""What every test may use."""

from collections.abc import AsyncIterator

import pytest

from homeassistant.core import HomeAssistant

from .radio import Radio, radio_of
from .virtual_time import virtual_time

__all__ = ["virtual_time"]


@pytest.fixture(autouse=True)
def custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant load the integration, in the tests that have a Home Assistant."""
    if "hass" in request.fixturenames:
        if "recorder_mock" in request.fixturenames:
            # A recorder wants to be there before its Home Assistant.
            request.getfixturevalue("recorder_mock")
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture
async def radio(hass: HomeAssistant, virtual_time: None, mock_bluetooth: None) -> AsyncIterator[Radio]:
    """Give Home Assistant a Bluetooth adapter, in virtual time."""
    async with radio_of(hass) as found:
        yield found
