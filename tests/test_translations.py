"""Every language says the same: each text of the English file, in its order, with its placeholders."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

import pytest

from custom_components.smartbms.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

FOLDER = Path(__file__).parent.parent / "custom_components" / "smartbms" / "translations"
LANGUAGES = ["cs", "de", "en", "es", "fr", "it", "nl", "pl", "sv"]
CATEGORIES = ["entity", "config", "exceptions", "common"]


def translation(language: str) -> dict[str, Any]:
    """Return the file of a language."""
    found: dict[str, Any] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


def texts(branch: dict[str, Any], where: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text with its path, in the order of the file."""
    for key, value in branch.items():
        if isinstance(value, dict):
            yield from texts(value, f"{where}{key}.")
        else:
            yield f"{where}{key}", value


def placeholders(text: str) -> list[str]:
    """Return what is filled in, in no order: languages put their words differently."""
    return sorted(re.findall(r"\{.*?\}", text))


ENGLISH = dict(texts(translation("en")))


def test_there_are_nine_languages() -> None:
    """One file for each, and nothing else in the folder."""
    assert sorted(file.name for file in FOLDER.iterdir()) == [f"{language}.json" for language in LANGUAGES]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_of_the_english_file_in_its_order(language: str) -> None:
    """None is missing, none is left over."""
    assert [where for where, _ in texts(translation(language))] == list(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_filled_with_the_same_in_every_language(language: str) -> None:
    """Home Assistant shows the English text where the placeholders differ."""
    for where, text in texts(translation(language)):
        assert placeholders(text) == placeholders(ENGLISH[where]), where


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_one_for_people(language: str) -> None:
    """It says something, has no addresses of the web, and nothing that the frontend would take for markup."""
    for where, text in texts(translation(language)):
        assert text, where
        assert text == text.strip(), where
        assert not re.search(r"https?:|www\.|\.com\b", text), where
        # An apostrophe before a brace quotes it, and the placeholder is shown as it stands.
        assert not re.search(r"'[{}]|[<>]", text), where


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_entities_of_a_platform_have_one_name(language: str) -> None:
    """Two of one name cannot be told apart on the page of the device."""
    for platform, entities in translation(language)["entity"].items():
        names = [entity["name"] for entity in entities.values() if "name" in entity]
        assert sorted(names) == sorted(set(names)), platform


@pytest.mark.parametrize("language", LANGUAGES)
async def test_home_assistant_loads_every_text_in_the_language(hass: HomeAssistant, language: str) -> None:
    """Its own loader takes them all, and falls back to English for none."""
    for category in CATEGORIES:
        loaded = await async_get_translations(hass, language, category, {DOMAIN})
        wanted = texts(translation(language)[category], f"component.{DOMAIN}.{category}.")
        assert loaded == dict(wanted), category
