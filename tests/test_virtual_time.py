"""Time in the tests is virtual, ordered and honest about threads."""

import asyncio
import threading
from time import monotonic
from typing import Any

import pytest

from homeassistant.core import HomeAssistant
from scripts.rig.virtual_loop import virtual


async def test_an_hour_takes_no_time(virtual_time: None) -> None:
    """An hour of sleep is over at once, and the loop's clock has moved by it."""
    loop = asyncio.get_running_loop()
    began, really_began = loop.time(), monotonic()
    await asyncio.sleep(3600)
    assert loop.time() - began == pytest.approx(3600)
    assert monotonic() - really_began < 1


async def test_timers_keep_their_order(virtual_time: None) -> None:
    """What is due first happens first, each at its own time."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    seen: list[tuple[str, float]] = []

    def note(name: str) -> None:
        seen.append((name, round(loop.time() - began, 6)))

    loop.call_later(60, note, "minute")
    loop.call_later(0.1, note, "tenth")
    loop.call_later(86400 * 3, note, "days")
    loop.call_soon(note, "now")
    await asyncio.sleep(86400 * 3 + 1)
    assert seen == [("now", 0), ("tenth", 0.1), ("minute", 60), ("days", 259200)]


async def test_the_clock_waits_for_a_thread(virtual_time: None) -> None:
    """A job in the executor is done before a later virtual timeout strikes."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    def job() -> int:
        answers = 0
        for _ in range(20):
            answered = threading.Event()
            loop.call_soon_threadsafe(answered.set)
            answers += answered.wait(5)
        return answers

    async with asyncio.timeout(0.001):
        assert await loop.run_in_executor(None, job) == 20
    assert loop.time() == began
    await asyncio.sleep(10)
    assert loop.time() - began == pytest.approx(10)


async def test_a_wakeup_from_a_thread_without_timers(virtual_time: None) -> None:
    """With no timer at all the loop really waits for what a thread sends."""
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    thread = threading.Thread(target=loop.call_soon_threadsafe, args=(woken.set,))
    loop.call_soon(thread.start)
    await woken.wait()
    thread.join()


async def test_real_time_comes_back() -> None:
    """Afterwards the loop has its own clock, selector and executor again."""
    loop: Any = asyncio.get_running_loop()
    before = loop.time, loop._selector.select, loop.run_in_executor
    with virtual(loop):
        assert loop.time is not before[0]
    assert (loop.time, loop._selector.select, loop.run_in_executor) == before


async def test_within_home_assistant(hass: HomeAssistant, virtual_time: None) -> None:
    """Home Assistant starts, works and stops in virtual time."""
    fired = asyncio.Event()
    hass.loop.call_later(7200, fired.set)
    async with asyncio.timeout(7201):
        await fired.wait()
    assert await hass.async_add_executor_job(lambda: 42) == 42
    await hass.async_block_till_done()
