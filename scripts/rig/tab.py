"""A tab of a browser over the DevTools protocol: what is in it, what is done in it, what it complains of."""

import base64
from itertools import count
import json
import re
from typing import cast

from aiohttp import ClientWebSocketResponse

from homeassistant.util.json import JsonObjectType, JsonValueType

# A page that had to be higher than this for all of its content is cut off.
MAX_HEIGHT = 6000

# The height of Home Assistant's toolbar with some air, in pixels.
TOOLBAR = 76

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
// All that a person reads in an element, in its nested roots too.
const words = (node) => node.nodeType === Node.TEXT_NODE ? node.data : node.nodeName === "STYLE" ? ""
  : [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].map(words).join(" ");
const says = (node) => words(node).replace(/\\s+/g, " ").trim();
const until = (ready) => new Promise((resolve) => {
  const look = () => {
    const found = ready();
    if (found) resolve(found);
    else setTimeout(look, 50);
  };
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
        """Use the DevTools socket of the tab; see `listen`."""
        self._socket = socket
        self._numbers = count(1)
        self._complaints: list[str] = []

    async def listen(self) -> None:
        """Have the console and the browser tell of everything from now on."""
        await self.call("Runtime.enable")
        await self.call("Log.enable")

    async def complaints(self) -> list[str]:
        """Return the errors and warnings since the last time: of the console, uncaught, of the network."""
        # What was said before comes before the answer.
        await self.evaluate("true")
        said, self._complaints = self._complaints, []
        return said

    async def call(self, method: str, **parameters: JsonValueType) -> JsonObjectType:
        """Call a method of the protocol."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async for message in self._socket:
            answer = message.json()
            if answer.get("id") == number:
                return _result(method, answer)
            if (complaint := _complaint(answer)) is not None:
                self._complaints.append(complaint)
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

    async def scroll_to(self, selector: str, text: str) -> None:
        """Bring the element of a kind on which something is written to the top, below the toolbar."""
        wanted = f"find({json.dumps(selector)}).find((each) => says(each).startsWith({json.dumps(text)}))"
        await self.evaluate(f"until(() => Boolean({wanted}))")
        await self.evaluate(f"scrollBy(0, {wanted}.getBoundingClientRect().top - {TOOLBAR})")
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

    async def scheme(self, *, dark: bool) -> None:
        """Have the person prefer a dark or a light screen."""
        feature: JsonObjectType = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[feature])

    async def time_zone(self, name: str) -> None:
        """Have the person live in a time zone."""
        await self.call("Emulation.setTimezoneOverride", timezoneId=name)

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


def _result(method: str, answer: JsonObjectType) -> JsonObjectType:
    if "error" not in answer:
        return cast(JsonObjectType, answer["result"])
    text = cast(JsonObjectType, answer["error"])["message"]
    kind = NavigatedError if NAVIGATED.search(f"{text}") else BrowserError
    raise kind(f"{method}: {text}")


def _complaint(event: JsonObjectType) -> str | None:
    """Return what an event says is wrong, with where that was; an answer for which nobody waits is none."""
    said = cast(JsonObjectType, event.get("params", {}))
    match event.get("method"):
        case "Runtime.consoleAPICalled" if said["type"] in ("error", "warning", "assert"):
            return json.dumps([said["type"], said["args"], said.get("stackTrace")])
        case "Runtime.exceptionThrown":
            return json.dumps(said["exceptionDetails"])
        case "Log.entryAdded":
            entry = cast(JsonObjectType, said["entry"])
            return json.dumps(entry) if entry["level"] in ("error", "warning") else None
    return None
