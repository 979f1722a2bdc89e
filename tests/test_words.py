"""An owner reads one language: no English word in what fills a sentence, and none in the logbook."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from custom_components.smartbms.bms.device import TemperatureScale
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.const import EVENT_DEVICE_LOG, EVENT_SETTING_WRITTEN
from custom_components.smartbms.logbook import async_describe_events
from custom_components.smartbms.model.finding import CurrentSensor
from custom_components.smartbms.simulator.firmware import Firmware
from custom_components.smartbms.simulator.write_fault import Fault
from custom_components.smartbms.words import Words, words
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .radio import Radio, set_up, still_bms
from .settings import UNLOCKED, ask, break_writes, choose, told
from .test_findings import issues
from .test_translations import LANGUAGES, translation

K = SettingKey
BMS = "123\\SmartBMS 03330"
APP = TemperatureScale.APP


async def refusal(language: str, attempt: Awaitable[object]) -> str:
    """Return what the owner reads of an attempt that fails, in the browser's language."""
    with pytest.raises(HomeAssistantError) as raised:
        await attempt
    key, filled = raised.value.translation_key, raised.value.translation_placeholders
    message: str = translation(language)["exceptions"][key]["message"].format(**filled or {})
    return message


def logbook(hass: HomeAssistant, event_type: str, data: dict[str, object]) -> str:
    """Return what the logbook says of an event."""
    sayings: dict[str, Any] = {}
    async_describe_events(hass, lambda _domain, kind, say: sayings.update({kind: say}))
    said: str = sayings[event_type](Event(event_type, {"device_id": "gone", **data}))["message"]
    return said


# A write that is refused.


async def test_a_dutch_owner_whose_relays_would_go_off(hass: HomeAssistant, radio: Radio) -> None:
    """The warmest cell is at 19.9 °C."""
    hass.config.language = "nl"
    entry = await set_up(hass, radio, still_bms(hass), options=UNLOCKED)
    attempt = ask(hass, "apply_thresholds", entry.entry_id, values={"t_max": 15})
    assert await refusal("nl", attempt) == (
        "Dit zou bij 123\\SmartBMS 03330 meteen uitschakelen: Laadrelais (Te warm: 19.9 °C bij cel 2, grens "
        "14.7 °C), Verbruikersrelais (Te warm: 19.9 °C bij cel 2, grens 14.7 °C). Er is niets geschreven. Als "
        "dat de bedoeling is, gebruik dan de actie 'Drempelwaarden toepassen' of 'Instellingen terugzetten' "
        "met 'Forceren'."
    )


async def test_a_german_owner_whose_relay_would_go_off_for_a_moment(
    hass: HomeAssistant, radio: Radio
) -> None:
    """From 2.9 V to 2.5 V, V min is 3.78 V in between."""
    hass.config.language = "de"
    await set_up(hass, radio, still_bms(hass), options=UNLOCKED)
    assert await refusal("de", choose(hass, "v_min", 2.5)) == (
        "Das BMS nimmt einen solchen Wert in zwei Bytes entgegen, und dazwischen ist es ein anderer, der bei "
        "123\\SmartBMS 03330 kurz und für die Dauer der Neustartverzögerung abschalten würde: Lastrelais (Eine "
        "Zelle hat V min erreicht: 3.31 V bei Zelle 7, Grenzwert 3.78 V). Es wurde nichts geschrieben. Wenn das "
        "gewollt ist, verwende die Aktion „Schwellenwerte anwenden“ oder „Einstellungen wiederherstellen“ mit "
        "„Erzwingen“."
    )


async def test_a_german_owner_who_turns_the_contacts_round(hass: HomeAssistant, radio: Radio) -> None:
    """The relay is named; what switches it off is the setting itself."""
    hass.config.language = "de"
    await set_up(hass, radio, still_bms(hass), options=UNLOCKED)
    message = await refusal("de", choose(hass, "load_relay_invert", True))
    assert message.startswith(
        "Das würde bei 123\\SmartBMS 03330 sofort abschalten: Lastrelais. Es wurde nichts"
    )


async def test_thresholds_in_dutch(hass: HomeAssistant, radio: Radio) -> None:
    """Settings are called as their entities are."""
    hass.config.language = "nl"
    entry = await set_up(hass, radio, still_bms(hass), options=UNLOCKED)
    values: dict[str, dict[str, float]] = {
        "T min laden zou 61 °C worden en T max 60.1 °C. T max moet minstens 4.3 °C hoger zijn.": {
            "t_min_charge": 61
        },
        (
            "V min + Hysterese V min zou 3.4 V worden en V balance 3.4 V. Ze moeten minstens 0.02 V uit elkaar "
            "liggen, anders schakelt een relais dat is uitgegaan niet meer in."
        ): {"v_min_hysteresis": 0.5},
        "Celchemie kan niet 9 zijn: de codes zijn 0, 1, 2, 3, 4.": {"chemistry": 9},
    }
    for message, wanted in values.items():
        attempt = ask(hass, "apply_thresholds", entry.entry_id, values=wanted)
        assert await refusal("nl", attempt) == message


async def test_cells_that_no_manual_knows(hass: HomeAssistant, radio: Radio) -> None:
    """Other cells have a name that is translated; the rest are called the same everywhere."""
    hass.config.language = "de"
    entry = await set_up(hass, radio, still_bms(hass), options=UNLOCKED)
    for chemistry, manual, name in (("other", "gen3_rev13", "Andere"), ("nca", "gen3_rev6", "NCA")):
        attempt = ask(hass, "apply_thresholds", entry.entry_id, chemistry=chemistry, manual=manual)
        assert await refusal("de", attempt) == f"Das Handbuch empfiehlt nichts für {name}."


# A write that fails.


async def test_a_dutch_owner_whose_bms_stores_something_else(hass: HomeAssistant, radio: Radio) -> None:
    """The reason is a sentence of its own."""
    hass.config.language = "nl"
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    events = told(hass)
    break_writes(bms, Fault.WRONG_BYTE)
    assert await refusal("nl", choose(hass, "t_min_discharge", -5)) == (
        "123\\SmartBMS 03330 kon niet worden ingesteld op T min ontladen -5 °C. Het BMS heeft iets anders "
        "opgeslagen. De oude waarden zijn teruggezet; het BMS bevat nu: T min ontladen -10.1 °C."
    )
    (event,) = events
    assert logbook(hass, EVENT_SETTING_WRITTEN, dict(event.data)) == (
        "nam T min ontladen -5 °C niet over; bevat weer -10.1 °C"
    )


async def test_a_german_owner_whose_link_breaks(hass: HomeAssistant, radio: Radio) -> None:
    """Error, repair and logbook are in one language; so is what becomes of it."""
    hass.config.language = "de"
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    events = told(hass)
    break_writes(bms, Fault.LINK_LOST_BEFORE, at=1)
    assert await refusal("de", choose(hass, "inverter_peak_power", 3000)) == (
        "123\\SmartBMS 03330 sollte auf Spitzenleistung Wechselrichter 3000 W eingestellt werden, und das ließ "
        "sich nicht überprüfen. Die Bluetooth-Verbindung ist abgebrochen. Benutzt die Smartphone-App das BMS? Es "
        "lässt nur eine Verbindung gleichzeitig zu. Soweit bekannt, enthält das BMS: Spitzenleistung "
        "Wechselrichter –. Beim nächsten Kontakt wird es erneut gelesen, und eine Reparatur meldet, was daraus "
        "geworden ist."
    )
    assert issues(hass)["setting_unclear"].translation_placeholders == {
        "name": BMS,
        "setting": "Spitzenleistung Wechselrichter",
        "old": "2500 W",
        "new": "3000 W",
        "held": "–",
    }
    await asyncio.sleep(30)
    assert [logbook(hass, EVENT_SETTING_WRITTEN, dict(event.data)) for event in events] == [
        "sollte Spitzenleistung Wechselrichter von 2500 W auf 3000 W ändern; enthält –",
        (
            "wurde nach einer unterbrochenen Änderung von Spitzenleistung Wechselrichter von 2500 W auf 3000 W "
            "erneut gelesen; enthält 2500 W"
        ),
    ]


class Surprising(Firmware):
    """A BMS that changes its PIN with any setting."""

    def _store(self, address: int, byte: int) -> bool:
        self.pin = "9753"
        return super()._store(address, byte)


async def test_a_german_owner_of_a_bms_that_changes_more(hass: HomeAssistant, radio: Radio) -> None:
    """What is no setting has no name."""
    hass.config.language = "de"
    await set_up(hass, radio, still_bms(hass, firmware_class=Surprising), options=UNLOCKED)
    message = await refusal("de", choose(hass, "v_max", 3.65))
    assert "Es hat sich auch etwas geändert, das nicht zu den Einstellungen gehört." in message


@pytest.mark.parametrize("key", ["stored_otherwise", "unnamed_changed", "connection_lost", "no_answer"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reason_is_a_sentence_between_others(language: str, key: str) -> None:
    """It ends as one, and needs nothing to fill it."""
    message = translation(language)["exceptions"][key]["message"]
    assert message.endswith(".")
    assert "{" not in message
    for ending in ("write_restored", "write_unclear"):
        assert ". {reason} " in translation(language)["exceptions"][ending]["message"]


# Values, the logbook, repairs.


async def test_values_in_dutch(hass: HomeAssistant, radio: Radio) -> None:
    """States are called as those of the entities; a number stays what it is."""
    hass.config.language = "nl"
    await set_up(hass, radio, still_bms(hass))
    said = words(hass)
    values: list[tuple[SettingKey, float | None, str]] = [
        (K.V_MAX, 3.65, "3.65 V"),
        (K.T_MAX, 341, "60.1 °C"),
        (K.CHARGE_RELAY_FORCE, 1, "Uit houden"),
        (K.CRITICAL_MODE, 1, "Kritiek"),
        (K.USE_MEASURED_CAPACITY, 1, "Aan"),
        (K.USE_MEASURED_CAPACITY, 0, "Uit"),
        (K.SENSOR_TYPE, 2, "500 A / 20 A"),
        (K.SENSOR_TYPE, 7, "7"),
        (K.CHEMISTRY, None, "–"),
    ]
    for key, value, text in values:
        assert said.value(key, value, APP) == text


async def test_the_dutch_logbook(hass: HomeAssistant, radio: Radio) -> None:
    """Home Assistant translates none of it."""
    hass.config.language = "nl"
    bms = still_bms(hass)
    await set_up(hass, radio, bms, options=UNLOCKED)
    events = told(hass)
    await choose(hass, "critical_mode", "critical")
    await choose(hass, "soc_voltage_correction", True)
    assert [logbook(hass, EVENT_SETTING_WRITTEN, dict(event.data)) for event in events] == [
        "wijzigde Kritieke modus van Normaal in Kritiek",
        "wijzigde Spanningscorrectie laadtoestand van Uit in Aan",
    ]
    alarm = {"type": "temperature_low_charge", "cell": 7, "voltage": None, "temperature": -0.7}
    assert logbook(hass, EVENT_DEVICE_LOG, alarm) == "meldde: Cel onder T min voor laden (Cel 7, -0.7 °C)"


async def test_a_german_repair(hass: HomeAssistant, radio: Radio) -> None:
    """T min for charging, 67.8 °C, is above T max, and both are called as their entities are."""
    hass.config.language = "de"
    bms = still_bms(hass)
    bms.firmware.counts[K.T_MIN_CHARGE] = 350
    await set_up(hass, radio, bms)
    issue = issues(hass)["finding_thresholds_contradict"]
    text = translation("de")["issues"][issue.translation_key]["description"]
    assert text.format(**issue.translation_placeholders or {}).startswith(
        "T min Laden ist 67.8 °C und T max ist 60.1 °C. T min Laden muss der niedrigere Wert sein"
    )


@pytest.mark.parametrize(
    ("sensor", "name"),
    [
        (CurrentSensor.BATTERY, "Strom"),
        (CurrentSensor.CHARGE, "Ladestrom"),
        (CurrentSensor.LOAD, "Laststrom"),
        (CurrentSensor.BOTH, "Ladestrom, Laststrom"),
    ],
)
async def test_the_current_sensors_in_german(
    hass: HomeAssistant, radio: Radio, sensor: CurrentSensor, name: str
) -> None:
    """Each is called as the entity that shows its current."""
    hass.config.language = "de"
    await set_up(hass, radio, still_bms(hass))
    evidence = {"sensor": sensor.value, "current": 1.2, "deadband": 0.15}
    assert words(hass).evidence(evidence) == {"sensor": name, "current": "1.2", "deadband": "0.15"}


# Where nobody has translated.


async def test_a_language_that_is_not_there(hass: HomeAssistant, radio: Radio) -> None:
    """There is no Finnish file: English it is. Whether a switch is on is Home Assistant's to say."""
    hass.config.language = "fi"
    await set_up(hass, radio, still_bms(hass))
    assert words(hass).setting(K.CHARGE_RESTART_DELAY) == "Charge restart delay"
    assert words(hass).value(K.CHARGE_RELAY_OFF, 1, APP) == "Päällä"


async def test_a_language_that_was_chosen_later(hass: HomeAssistant, radio: Radio) -> None:
    """It is spoken once the entry has been loaded again; one that we do not speak is English."""
    entry = await set_up(hass, radio, still_bms(hass))
    hass.config.language = "pt"
    assert words(hass).setting(K.CAPACITY) == "Battery capacity"
    hass.config.language = "fr"
    await hass.config_entries.async_reload(entry.entry_id)
    assert words(hass).setting(K.CAPACITY) == "Capacité de la batterie"


def test_a_text_that_is_missing() -> None:
    """It is shown by its path, so that whoever reports it can say which."""
    assert Words({}).setting(K.V_MAX) == "smartbms.entity.number.v_max.name"


def test_every_sentence_of_the_logbook_is_there() -> None:
    """For each end of a write that is told, and for an alarm."""
    assert {key for key in translation("en")["common"] if key.startswith("logbook_")} == {
        "logbook_alarm",
        "logbook_restored",
        "logbook_settled",
        "logbook_unclear",
        "logbook_verified",
    }
