"""What the tests of the link may use."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.simulated import peripheral

from .life import Life
from .writing import connected


@pytest.fixture
async def life(virtual_time: None) -> AsyncIterator[Life]:
    """Return the life of a BMS with four cells that needs no PIN; afterwards nothing is left of it."""
    loop = asyncio.get_running_loop()
    # Hours are lived here, and debugging remembers where each of their callbacks came from.
    loop.set_debug(False)
    life = Life(peripheral(loop.time, cells=4))
    yield life
    if life._session is not None:
        began = life.now
        await life.session.stop()
        assert life.now - began < 3
    assert len(asyncio.all_tasks()) == 1


@pytest.fixture
async def now(life: Life) -> Life:
    """Return the life of a session that is connected."""
    return await connected(life)
