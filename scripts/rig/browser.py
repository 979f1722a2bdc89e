"""Screenshots of a Home Assistant in a headless Chromium, over the DevTools protocol."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
import json
import os
from pathlib import Path
import re
import shutil
import signal
import tempfile
from typing import cast

from aiohttp import ClientSession, ClientWebSocketResponse

from homeassistant.util.json import JsonObjectType, JsonValueType

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
# A page that had to be higher than this for all of its content is cut off.
MAX_HEIGHT = 6000

# How the protocol words that the page it was asked about is gone.
NAVIGATED = re.compile("navigated|context")

# Home Assistant's elements nest their shadow roots: nothing is found from the document alone.
FIND = """
const all = function* (root) {
  for (const element of root.querySelectorAll("*")) {
    yield element;
    if (element.shadowRoot) yield* all(element.shadowRoot);
  }
};
const find = (selector) => [...all(document)].filter((element) => element.matches(selector));
const until = (ready) => new Promise((resolve) => {
  const look = () => ready() ? resolve(ready()) : setTimeout(look, 50);
  look();
});
"""
FORM = 'until(() => find("input[type=text]").length && find("input[type=password]").length)'
FOCUS = "find({selector})[0].focus()"
LOGGED_IN = """
until(() => find("home-assistant-main").length ? "in"
  : find("ha-auth-form ha-alert[alert-type=error]").map((alert) => alert.textContent.trim())[0])
"""
# Loaded is: nothing says that it is still loading, and no element came or went for a second. Only
# elements count, because a live value changes its text for ever.
SETTLED = """
(() => {
  const busy = "ha-spinner, ha-circular-progress, hass-loading-screen, #ha-launch-screen";
  const visible = (element) => element.getClientRects().length > 0;
  let elements = 0;
  let since = performance.now();
  return until(() => {
    const now = find("*").length;
    const pending = find("img").some((image) => !image.complete);
    if (now !== elements || pending || find(busy).some(visible)) {
      elements = now;
      since = performance.now();
    }
    return elements > 50 && performance.now() - since > 1000;
  });
})()
"""
# How much higher the window has to be for nothing to scroll.
OVERFLOW = """
Math.max(0, ...[document.scrollingElement, ...find("*")]
  .filter((element) => element === document.scrollingElement
    || /auto|scroll/.test(getComputedStyle(element).overflowY))
  .filter((element) => element.clientHeight > innerHeight / 2)
  .map((element) => element.scrollHeight - element.clientHeight))
"""


class BrowserError(Exception):
    """There is no browser, or the page did not do what was expected."""


class NavigatedError(BrowserError):
    """The page went elsewhere while it was asked something."""


class Tab:
    """A tab, driven by one caller at a time."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        """Use the DevTools socket of the tab."""
        self._socket = socket
        self._numbers = count(1)

    async def call(self, method: str, **parameters: JsonValueType) -> JsonObjectType:
        """Call a method of the protocol."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async for message in self._socket:
            answer = message.json()
            if answer.get("id") == number:
                return _result(method, answer)
        raise BrowserError(f"{method}: the browser closed the connection")

    async def evaluate(self, expression: str) -> JsonValueType:
        """Return what JavaScript finds, also where it has to wait for it or the page redirects first."""
        code = f"(async () => {{ {FIND} return {expression.strip()}; }})()"
        while True:
            try:
                answer = await self.call(
                    "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True
                )
            except NavigatedError:
                continue
            if "exceptionDetails" in answer:
                raise BrowserError(f"{answer['exceptionDetails']}")
            return cast(JsonObjectType, answer["result"]).get("value")

    async def type(self, selector: str, text: str) -> None:
        """Type into a field."""
        await self.evaluate(FOCUS.format(selector=json.dumps(selector)))
        await self.call("Input.insertText", text=text)

    async def click(self, selector: str) -> None:
        """Click the first element of a kind, and wait until the page has followed."""
        selected = json.dumps(selector)
        await self.evaluate(f"until(() => find({selected}).length)")
        await self.evaluate(f"find({selected})[0].click()")
        await self.evaluate(SETTLED)

    async def press_enter(self) -> None:
        """Press the enter key in the focused field."""
        for kind in ("keyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key="Enter",
                code="Enter",
                text="\r",
                windowsVirtualKeyCode=13,
            )

    async def resize(self, width: int, height: int) -> None:
        """Give the page a window of this size."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def open(self, url: str) -> None:
        """Go to a page and wait until it is loaded and rendered."""
        await self.call("Page.navigate", url=url)
        await self.evaluate(SETTLED)

    async def screenshot(self, width: int, height: int, *, whole: bool) -> bytes:
        """Return the window as PNG, or the whole page, `height` being the least."""
        overflow = cast(float, await self.evaluate(OVERFLOW)) if whole else 0
        await self.resize(width, min(height + int(overflow), MAX_HEIGHT))
        if overflow:
            await self.evaluate(SETTLED)
        picture = await self.call("Page.captureScreenshot", format="png")
        await self.resize(width, height)
        return base64.b64decode(cast(str, picture["data"]))


async def screenshots(
    base_url: str,
    user: str,
    password: str,
    pages: Mapping[str, str],
    out: Path,
    *,
    width: int = 1280,
    height: int = 800,
    dark: bool = False,
    whole: bool = True,
    click: str | None = None,
) -> None:
    """Log in and save a picture of each page; `pages` maps the file's name in `out` to the path.

    A picture shows the whole page, or the window only; where `click` selects an element, it is
    clicked first.
    """
    async with _browser() as tab:
        scheme: JsonObjectType = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await tab.call("Emulation.setEmulatedMedia", features=[scheme])
        await tab.resize(width, height)
        async with _within(PAGE_TIMEOUT, "the log-in"):
            await _login(tab, base_url, user, password)
        for filename, path in pages.items():
            async with _within(PAGE_TIMEOUT, path):
                await tab.open(f"{base_url}{path}")
                if click is not None:
                    await tab.click(click)
                picture = await tab.screenshot(width, height, whole=whole)
            await asyncio.to_thread(_save, out / filename, picture)


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
            _chromium(),
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
            async with _within(START_TIMEOUT, "the start of Chromium"):
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
async def _within(timeout: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError:
        raise BrowserError(f"not done within {timeout:g} s: {what}") from None


def _result(method: str, answer: JsonObjectType) -> JsonObjectType:
    if "error" not in answer:
        return cast(JsonObjectType, answer["result"])
    text = cast(JsonObjectType, answer["error"])["message"]
    kind = NavigatedError if NAVIGATED.search(f"{text}") else BrowserError
    raise kind(f"{method}: {text}")


def _chromium() -> str:
    for name in CHROMIUM:
        if path := shutil.which(name):
            return path
    raise BrowserError(f"screenshots need a Chromium: none of {', '.join(CHROMIUM)} is in the PATH")


def _save(file: Path, picture: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(picture)
