"""The part of the integration that runs in the browser, handed to Home Assistant's frontend.

There is nothing for the owner to add by hand: one module is loaded with the frontend, and it imports
the others.
"""

import hashlib
from pathlib import Path
from typing import Final

from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL, add_extra_js_url
from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_loaded_integration

from .const import DOMAIN

FOLDER: Final = Path(__file__).parent / "frontend"
_URL: Final = "/smartbms_static"
_MODULE: Final = "smartbms.js"


async def async_register_frontend(hass: HomeAssistant) -> None:
    """Have the browser load the card and the dashboard; without a frontend there is nothing to do.

    Browsers keep the files for a month. Their version is a folder of the address, so that every module
    takes it along to those it imports, and an update is seen at once.
    """
    if DATA_EXTRA_MODULE_URL not in hass.data:
        return
    version = async_get_loaded_integration(hass, DOMAIN).version
    digest = await hass.async_add_executor_job(content_digest, FOLDER)
    url = f"{_URL}/{version}-{digest}"
    await hass.http.async_register_static_paths([StaticPathConfig(url, str(FOLDER))])
    add_extra_js_url(hass, f"{url}/{_MODULE}")


def content_digest(folder: Path) -> str:
    """Return eight characters that change with any file of a folder, its name or its content."""
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]
