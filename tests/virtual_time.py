"""Time that passes only where nobody works: hours in milliseconds, and in the same order every run."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from selectors import BaseSelector, SelectorKey
from typing import Any, cast
from unittest.mock import patch

import pytest

from homeassistant.util import dt as dt_util

# How long, really, to wait for a thread before looking again.
_MOMENT = 0.01


@contextmanager
def virtual(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let a loop's clock jump to its next timer whenever there is nothing to do.

    Threads of the executor and sockets are real: while an executor job is under way the clock
    stands. Clocks other than the loop's know nothing of this.
    """
    selector: BaseSelector = cast(Any, loop)._selector
    poll, run_in_executor = selector.select, loop.run_in_executor
    now = loop.time()
    jobs = 0

    def job_done(_: object) -> None:
        nonlocal jobs
        jobs -= 1

    def start_job(*args: Any) -> asyncio.Future[Any]:
        nonlocal jobs
        job = run_in_executor(*args)
        jobs += 1
        job.add_done_callback(job_done)
        return job

    def select(timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        nonlocal now
        if timeout is None:
            return poll()
        if events := poll(min(timeout, _MOMENT) if jobs else 0):
            return events
        if not jobs:
            now += timeout
        return []

    with (
        patch.object(loop, "time", lambda: now),
        patch.object(loop, "run_in_executor", start_job),
        patch.object(selector, "select", select),
    ):
        yield


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
