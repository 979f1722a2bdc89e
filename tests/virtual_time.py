"""Virtual time for the tests, in which Home Assistant's calendar goes along."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from unittest.mock import patch

import pytest

from homeassistant.util import dt as dt_util
from scripts.rig.virtual_loop import virtual


@pytest.fixture
async def virtual_time() -> AsyncIterator[None]:
    """Let the time of the test's event loop be virtual, and Home Assistant's calendar go with it."""
    loop, began = asyncio.get_running_loop(), dt_util.utcnow()
    start = loop.time()
    with (
        virtual(loop),
        patch("homeassistant.util.dt.utcnow", lambda: began + timedelta(seconds=loop.time() - start)),
    ):
        yield
