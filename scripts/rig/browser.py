"""A headless Chromium in which a person uses a Home Assistant."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
import os
import re
import shutil
import signal
import tempfile
from typing import cast

from aiohttp import ClientSession

from .tab import FORM, LOGGED_IN, BrowserError, Tab

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
START_TIMEOUT = 30.0
PAGE_TIMEOUT = 60.0
# Fields that are there do not listen yet.
LOGIN_FORM_PAUSE = 1.5


@asynccontextmanager
async def logged_in(base_url: str, user: str, password: str) -> AsyncIterator[Tab]:
    """Give a tab in which a person has logged in to a Home Assistant; leave nothing behind."""
    async with _browser() as tab:
        async with within(PAGE_TIMEOUT, "the log-in"):
            await _login(tab, base_url, user, password)
        await tab.listen()
        yield tab


async def _login(tab: Tab, base_url: str, user: str, password: str) -> None:
    await tab.call("Page.navigate", url=base_url)
    await tab.evaluate(FORM)
    await asyncio.sleep(LOGIN_FORM_PAUSE)
    await tab.type("input[type=text]", user)
    await tab.type("input[type=password]", password)
    await tab.press_enter()
    if (answer := await tab.evaluate(LOGGED_IN)) != "in":
        raise BrowserError(f"the log-in form says: {answer}")


@asynccontextmanager
async def _browser() -> AsyncIterator[Tab]:
    """Run a Chromium with a profile of its own, and leave neither behind."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            chromium(),
            *FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            env={"PATH": os.environ["PATH"], "HOME": profile, "TMPDIR": profile},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stderr is not None
        try:
            async with within(START_TIMEOUT, "the start of Chromium"):
                address = await _devtools(process.stderr)
            async with (
                ClientSession(f"http://{address}") as session,
                session.ws_connect(await _page(session), max_msg_size=0) as socket,
            ):
                yield Tab(socket)
        finally:
            # Its helpers are in its session too, and there is nothing to save.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()


async def _devtools(stderr: asyncio.StreamReader) -> str:
    said = []
    async for line in stderr:
        said.append(line.decode(errors="replace"))
        if found := re.search(r"DevTools listening on ws://([^/]+)/", said[-1]):
            return found[1]
    raise BrowserError(f"Chromium did not start; it said:\n{''.join(said)}")


async def _page(session: ClientSession) -> str:
    async with session.get("/json/list") as response:
        targets = await response.json()
    return next(cast(str, target["webSocketDebuggerUrl"]) for target in targets if target["type"] == "page")


@asynccontextmanager
async def within(timeout: float, what: str) -> AsyncIterator[None]:
    """Limit the time that something takes in the browser; raises `BrowserError`."""
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError:
        raise BrowserError(f"not done within {timeout:g} s: {what}") from None


def chromium() -> str:
    """Return the browser of this machine; raises `BrowserError` where there is none."""
    for name in CHROMIUM:
        if path := shutil.which(name):
            return path
    raise BrowserError(f"this needs a Chromium: none of {', '.join(CHROMIUM)} is in the PATH")
