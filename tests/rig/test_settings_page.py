"""The page of the settings says what the table says."""

from custom_components.smartbms.bms.settings import SETTINGS
from scripts.rig.settings_page import PAGE, page


def test_the_page_is_up_to_date() -> None:
    """Whoever changes the table runs scripts/settings_page."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run scripts/settings_page"


def test_every_setting_is_told() -> None:
    """Each has a line with its range, and what is not possible is said."""
    lines = page().splitlines()
    for setting in SETTINGS.values():
        assert sum(line.startswith(f"| {setting.name} | {setting.words} |") for line in lines) == 1
    for text in (
        "| 1.5 to 5 V; generation 2: 2 to 5 V | 0.005 V | 2, 3 | one source | 040 041 | S2@ 0 |",
        "| 1 to 100 % | 1 % | 2, 3 | not known | 080? | S2@ 4 |",
        "| -40.1 to 85.0 °C | 0.857 °C | 2, 3 | one source | 070 071 | S2@ 3 |",
        "2 = 500 A / 20 A, B = 1000 A / 40 A | - | 3 | one source | 016 | S3@ 0 |",
        "| 0 = off, 1 = on | - | 3, newer firmware | one source | 08B | S3@ 4 |",
        "| 3.4 V | 000 | 10000 |",
        "| 4.3 V | 111 | 11001 |",
        "| 2.6 V | - | 01000 |",
        "The best guess is 080 for charge restart and 081 for discharge restart",
        "| Invert a current sensor (addresses 08E and 08F) |",
    ):
        assert any(text in line for line in lines), text
