"""What runs in the browser: that it is served, that an update is seen at once, and that it works."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
import json
from pathlib import Path
import re
import shutil
import subprocess

from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
import pytest

from custom_components.smartbms.const import DOMAIN
from custom_components.smartbms.frontend_files import FOLDER, content_digest
from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .radio import Radio

MODULES = sorted(FOLDER.iterdir())
TESTS = sorted((Path(__file__).parent / "frontend").glob("*.test.mjs"))
TRANSLATIONS = Path(__file__).parent.parent / "custom_components" / "smartbms" / "translations"
NODE = shutil.which("node")
# An older one does not know a module by its content.
OLDEST_NODE = (20, 19)


# How it gets into the browser.


async def set_up_with_frontend(hass: HomeAssistant) -> str:
    """Set up the integration in a Home Assistant with a frontend; return the address of its module."""
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    (url,) = hass.data[DATA_EXTRA_MODULE_URL].urls
    return url


async def test_the_browser_loads_it_by_itself(
    hass: HomeAssistant,
    radio: Radio,
    hass_client_no_auth: Callable[[], Awaitable[TestClient[Request, Application]]],
) -> None:
    """No resource to add by hand: the module is named to the frontend, and what it imports is beside it."""
    url = await set_up_with_frontend(hass)
    assert re.fullmatch(r"/smartbms_static/\d+\.\d+\.\d+-[0-9a-f]{8}/smartbms\.js", url)
    client = await hass_client_no_auth()
    for module in MODULES:
        response = await client.get(f"{url.removesuffix('smartbms.js')}{module.name}")
        assert response.status == HTTPStatus.OK
        assert response.headers["Cache-Control"] == "public, max-age=2678400"
        assert "javascript" in response.headers["Content-Type"]
        assert await response.text() == module.read_text(encoding="utf-8")


async def test_without_a_frontend(hass: HomeAssistant, radio: Radio) -> None:
    """A Home Assistant without one loses nothing but the dashboards."""
    assert await async_setup_component(hass, DOMAIN, {})
    assert DATA_EXTRA_MODULE_URL not in hass.data
    assert hass.services.has_service(DOMAIN, "diagnose")


def test_an_update_is_seen_at_once(tmp_path: Path) -> None:
    """Browsers keep what they have for a month, so whatever changes changes the address."""
    (tmp_path / "smartbms.js").write_text("first", encoding="utf-8")
    first = content_digest(tmp_path)
    assert content_digest(tmp_path) == first
    (tmp_path / "smartbms.js").write_text("second", encoding="utf-8")
    second = content_digest(tmp_path)
    (tmp_path / "card.js").write_text("", encoding="utf-8")
    third = content_digest(tmp_path)
    (tmp_path / "card.js").rename(tmp_path / "cells.js")
    assert len({first, second, third, content_digest(tmp_path)}) == 4


# What it consists of.


def test_modules_import_only_their_neighbours() -> None:
    """Nothing is fetched from elsewhere, and the version in the address goes from module to module."""
    names = {module.name for module in MODULES}
    imported = set()
    for module in MODULES:
        for address in re.findall(
            r"""(?:from |import |import\()["']([^"']+)["']""", module.read_text("utf-8")
        ):
            assert address.removeprefix("./") in names, f"{module.name}: {address}"
            assert address.startswith("./"), f"{module.name}: {address}"
            imported.add(address.removeprefix("./"))
    assert names - imported == {"smartbms.js"}


def test_every_text_of_the_card_is_there() -> None:
    """Each that the card uses, also by the state of a cell, and no other."""
    common = json.loads((TRANSLATIONS / "en.json").read_text(encoding="utf-8"))["common"]
    used = {f"card_{each}" for each in ("in_range", "balancing", "outside", "unknown", "lowest", "highest")}
    for module in MODULES:
        used.update(re.findall(r"\bcard_\w+", module.read_text(encoding="utf-8")))
    assert {key for key in common if key.startswith("card_")} == used


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_no_module_is_too_long_to_read(module: Path) -> None:
    """As short as the rest of the house."""
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.skipif(NODE is None, reason="Node.js is not installed, which runs these tests")
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_in_javascript(file: Path) -> None:
    """The parts that need no browser, with tests in their own language."""
    assert NODE is not None
    version = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(map(int, version.removeprefix("v").split(".")))[:2] < OLDEST_NODE:
        pytest.skip(f"Node.js {version.strip()} does not know a module by its content")
    run = subprocess.run([NODE, "--test", str(file)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
