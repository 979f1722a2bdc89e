"""Files that are kept for the owner: recordings and backups, in a folder of the configuration."""

from pathlib import Path

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util, slugify

from .const import DOMAIN, FOLDER


def folder(hass: HomeAssistant) -> Path:
    """Return where they are."""
    return Path(hass.config.path(FOLDER))


async def async_keep(hass: HomeAssistant, name: str, extension: str, text: str, *, error_key: str) -> Path:
    """Write a text into a file named after something and the time; return the file.

    Raises a `HomeAssistantError` with the message `error_key`, which tells the reason.
    """
    stamp = dt_util.now().strftime("%Y-%m-%d_%H-%M-%S")
    path = folder(hass) / f"{slugify(name)}_{stamp}.{extension}"
    try:
        await hass.async_add_executor_job(_write, path, text)
    except OSError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=error_key,
            translation_placeholders={"reason": err.strerror or type(err).__name__},
        ) from err
    return path


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
