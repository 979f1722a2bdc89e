"""What was said on the wire, written down without the PIN, and read again."""

from datetime import UTC, datetime

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.smartbms.bms import blocks
from custom_components.smartbms.bms.blocks import Answer
from custom_components.smartbms.bms.device import DeviceType, Generation
from custom_components.smartbms.bms.errors import NewerRecordingError, RecordingError
from custom_components.smartbms.bms.lines import Rejection
from custom_components.smartbms.bms.recording import (
    Direction,
    Header,
    Recorder,
    Recording,
    Redactor,
    Said,
    Told,
    parse,
)
from custom_components.smartbms.bms.settings import SettingKey
from custom_components.smartbms.bms.state import Cell, LogEntry, LogEvent, PackRecord
from tests.simulated import Clock

RECEIVED, SENT = Direction.RECEIVED, Direction.SENT
HEADER = Header(
    integration="0.4.0",
    generation=Generation.GEN3,
    device_type=DeviceType.GEN3_RAYTAC,
    began=datetime(2026, 5, 1, 9, 30, tzinfo=UTC),
)
FIRST = "smartbms-recording 1 integration=0.4.0 generation=3 device_type=6 began=2026-05-01T09:30:00+00:00\n"
TEXT = (
    FIRST + "0.000 > PW****!\n"
    "0.020 < PW****!\n"
    "0.020 < OK\n"
    "0.250 > V@\n"
    "0.270 < V@\n"
    "0.270 < 33B_10_10_03_2A8_78\n"
    "0.500 > S1@\n"
    "0.520 < S1@\n"
    "0.520 < 012C_00FA_00A0_00000000_0E\n"
    "0.750 > SRY1@\n"
    "0.770 < \\a\n"
    "1.000 > E!\n"
    "1.020 < E!\n"
    "1.020 < OK\n"
    "1.900 < U_0528_+0000_+0000_+0000\n"
    "1.900 < C_01_02_294_125_03_30\n"
)


def recorded(*said: tuple[float, Direction, str], header: Header = HEADER) -> str:
    """Return the recording of what was said."""
    clock = Clock()
    recorder = Recorder(header, clock)
    for seconds, direction, text in said:
        clock.now = 1000 + seconds
        recorder.tap(direction, text)
    return recorder.text


def test_a_recording() -> None:
    """A line that tells what it is, then every line with time and direction."""
    assert (
        recorded(
            (0, SENT, "PW8642!"),
            (0.02, RECEIVED, "PW8642!"),
            (0.02, RECEIVED, "OK"),
            (0.25, SENT, "V@"),
            (0.27, RECEIVED, "V@"),
            (0.27, RECEIVED, "33B_10_10_03_2A8_78"),
            (0.5, SENT, "S1@"),
            (0.52, RECEIVED, "S1@"),
            (0.52, RECEIVED, "012C_00FA_00A0_38363432_2E"),
            (0.75, SENT, "SRY1@"),
            (0.77, RECEIVED, "\a"),
            (1, SENT, "E!"),
            (1.02, RECEIVED, "E!"),
            (1.02, RECEIVED, "OK"),
            (1.9, RECEIVED, "U_0528_+0000_+0000_+0000"),
            (1.9, RECEIVED, "C_01_02_294_125_03_30"),
        )
        == TEXT
    )


def test_of_which_nobody_knows_the_radio_module() -> None:
    """The device type is left out where it was not heard."""
    header = Header(integration="0.4.0", generation=Generation.GEN2, device_type=None, began=HEADER.began)
    text = recorded(header=header)
    assert text == "smartbms-recording 1 integration=0.4.0 generation=2 began=2026-05-01T09:30:00+00:00\n"
    assert parse(text) == Recording(header, ())


# The PIN.


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("PW8642!", "PW****!"),
        ("$PW8642!", "$PW****!"),
        ("PW8$642!", "PW****!"),
        ("2A8_PW8642!", "****"),
        ("8642PW8642!", "****"),
        ("PW8642", "PW****!"),
        ("PW8642OK", "PW****!"),
        ("PW8642!8642", "PW****!"),
        ("W8642!", "****"),
        ("642!", "****"),
        ("38363432", "****"),
        ("OK", "OK"),
        ("NA", "NA"),
        ("WRONG", "WRONG"),
        ("\a", "\a"),
        ("U_0528_+0000_+0000_+0000", "U_0528_+0000_+0000_+0000"),
        ("U_8642", "****"),
    ],
)
def test_the_echo_of_the_login(heard: str, written: str) -> None:
    """Whole, cut, or with stale bytes before it: of the login only that there was one is kept."""
    redact = Redactor()
    assert redact(SENT, "PW8642!") == "PW****!"
    assert redact(RECEIVED, heard) == written


def test_a_login_that_was_under_way() -> None:
    """An echo is one even if the recording began after the command."""
    assert Redactor()(RECEIVED, "PW8642!") == "PW****!"


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        # 300 W x 10, 250 W x 10, 160 x 100 Wh, "8642"; the checksum agrees before and after.
        ("012C_00FA_00A0_38363432_2E", "012C_00FA_00A0_00000000_0E"),
        # One that did not agree does not agree afterwards, and does not tell the sum of the PIN.
        ("012C_00FA_00A0_38363432_2D", "012C_00FA_00A0_00000000_0F"),
        ("012C_00FA_00A0_FFFFFFFF_BE", "012C_00FA_00A0_00000000_0E"),
        ("012C_00FA_00A0_38363432_01_8F", "012C_00FA_00A0_00000000_01_6F"),
        ("012C_00FA_00A0_38363432", "****"),
        ("00A0_38363432_0D", "****"),
        ("012C_00FA_00A038363432_0D", "****"),
        ("012C_00FA_00A0_3836_3432_0D", "****"),
        ("012C_00FA_00A0_383634", "****"),
        ("8_363432_0D", "****"),
        ("C_363432_0D", "****"),
        ("0D", "****"),
        ("S1@", "S1@"),
        ("_01S1@", "****"),
        ("012C_00FA_00A0_38363432S1@", "****"),
        ("012C_00FA_00A0_38363432_0D012C_00FA_00A0_3836343_0D", "****"),
        ("KO", "KO"),
        ("\a", "\a"),
        ("E_000000_00012C_00000000_32", "E_000000_00012C_00000000_32"),
        ("B_000121_000112_12345678_00000000", "****"),
    ],
)
def test_the_answer_that_holds_the_pin(heard: str, written: str) -> None:
    """`S1@` is answered with the PIN in ASCII: zeros stand there, and what is not understood is hidden."""
    redact = Redactor()
    assert redact(SENT, "S1@") == "S1@"
    assert redact(RECEIVED, heard) == written


def test_an_answer_that_comes_late() -> None:
    """Even after the next command it is known by its digits in ASCII."""
    redact = Redactor()
    redact(SENT, "S2@")
    assert redact(RECEIVED, "012C_00FA_00A0_38363432_2E") == "012C_00FA_00A0_00000000_0E"
    assert redact(RECEIVED, "244_2E4_11A_16C_5F_05_05") == "244_2E4_11A_16C_5F_05_05"


def test_a_history_is_no_pin() -> None:
    """Hours at 49, 50, 51 and 52 % look like 1234."""
    line = "02_31323334504F4E4D4C4B4A49_8B"
    redact = Redactor()
    redact(SENT, "H0@")
    assert redact(RECEIVED, line) == line


def test_what_is_hidden_still_verifies() -> None:
    """A replay of the answer is as good as the answer."""
    answer = blocks.split(Redactor()(RECEIVED, "012C_00FA_00A0_31323334_24"))
    assert isinstance(answer, Answer)
    assert answer.verified
    assert answer.fields == ("012C", "00FA", "00A0", "00000000")


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.integers(1000, 9999).map(str),
    st.lists(
        st.sampled_from(["PW{pin}!", "S1@", "S2@", "E!"]).map(lambda text: (SENT, text))
        | st.sampled_from(
            [
                "PW{pin}!",
                "$PW{pin}!$",
                "OK",
                "NA",
                "\a",
                "S1@",
                "xS1@",
                "012C_00FA_00A0_{hex}_00",
                "012C_00FA_00A0_{hex}_0D",
                "00A0_{hex}_0D",
                "U_0528_+0000_+0000_+0000",
            ]
        ).map(lambda text: (RECEIVED, text)),
        max_size=12,
    ),
)
def test_the_pin_is_never_written(pin: str, said: list[tuple[Direction, str]]) -> None:
    """Whatever was said in whatever order, the PIN is not in it."""
    code = pin.encode().hex()
    redact = Redactor()
    for direction, text in said:
        written = redact(direction, text.format(pin=pin, hex=code))
        assert code not in written
        assert f"PW{pin}" not in written


# Reading.


def test_what_is_read() -> None:
    """The same that was written; a bell is a bell again."""
    recording = parse(TEXT)
    assert recording.header == HEADER
    assert (recording.damaged, recording.is_cut, len(recording.said)) == (0, False, 16)
    assert recording.said[0] == Said(0.0, SENT, "PW****!")
    assert recording.said[10] == Said(0.77, RECEIVED, "\a")
    assert recording.said[-1] == Said(1.9, RECEIVED, "C_01_02_294_125_03_30")


@pytest.mark.parametrize("length", range(len(FIRST), len(TEXT)))
def test_a_recording_that_is_cut(length: int) -> None:
    """Everything before the cut is read, and nothing of the line that was cut."""
    text = TEXT[:length]
    recording = parse(text)
    assert recording.is_cut is not text.endswith("\n")
    assert recording.damaged == 0
    assert recording.said == parse(TEXT).said[: text.count("\n") - 1]


def test_a_recording_that_is_cut_in_its_first_line() -> None:
    """Then there is nothing in it."""
    assert parse(FIRST[:-1]) == Recording(HEADER, (), is_cut=True)


def test_a_recording_that_was_mailed() -> None:
    """Other ends of lines and a mark at the beginning do not matter."""
    assert parse("\N{BOM}" + TEXT.replace("\n", "\r\n")) == parse(TEXT)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1.200",
        "1.200 <",
        "1.200 < ",
        "1.2 < OK",
        "one < OK",
        "1.200 = OK",
        "1.200 < Ünit",
        "1.200 < U\t1",
        "0.100 < OK",
        "3602.000 < OK",
        "99999999.000 < OK",
        "\N{ARABIC-INDIC DIGIT ONE}.200 < OK",
    ],
)
def test_a_damaged_line(line: str) -> None:
    """It is left out and counted, and so is one whose time does not follow; the others are read."""
    lines = TEXT.split("\n")
    lines.insert(14, line)
    recording = parse("\n".join(lines))
    assert recording.damaged == 1
    assert recording.said == parse(TEXT).said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "hello\n",
        '{"data": {}}',
        "U_0528_+0000_+0000_+0000\n",
        "smartbms-recording",
        "smartbms-recording one generation=3 began=2026-05-01T09:30:00+00:00\n",
        "smartbms-recording 1 began=2026-05-01T09:30:00+00:00\n",
        "smartbms-recording 1 generation=1 began=2026-05-01T09:30:00+00:00\n",
        "smartbms-recording 1 generation=3 device_type=six began=2026-05-01T09:30:00+00:00\n",
        "smartbms-recording 1 generation=3\n",
        "smartbms-recording 1 generation=3 began=yesterday\n",
        "smartbms-recording " + "9" * 5000 + " generation=3 began=2026-05-01T09:30:00+00:00\n",
    ],
)
def test_no_recording(text: str) -> None:
    """What does not begin as one is none."""
    with pytest.raises(RecordingError) as caught:
        parse(text)
    assert caught.value.key == "not_a_recording"


def test_a_recording_of_a_later_version() -> None:
    """A form that is not known yet is told apart from what is no recording."""
    with pytest.raises(NewerRecordingError):
        parse(TEXT.replace("recording 1", "recording 2"))


def test_a_header_with_more_or_less_in_it() -> None:
    """Words that are not known are passed over; without a zone the time is universal."""
    header = parse("smartbms-recording 1 x y=z generation=3 device_type=5 began=2026-05-01T09:30:00\n").header
    assert header == Header(integration="", generation=Generation.GEN3, device_type=None, began=HEADER.began)


@settings(max_examples=200, deadline=None, database=None)
@given(st.text(max_size=200), st.integers(0, len(TEXT)))
def test_anything_at_all(text: str, place: int) -> None:
    """Whatever the file holds, it is a recording or it is not."""
    for candidate in (text, TEXT[:place] + text + TEXT[place:]):
        try:
            recording = parse(candidate)
        except RecordingError:
            continue
        for _, fold in recording.folded():
            fold.snapshot()


# What was told.


def test_what_the_bms_told() -> None:
    """Answers with their query and lines of the stream, without echoes and replies."""
    assert list(parse(TEXT).told()) == [
        Told(0.27, "V@", "33B_10_10_03_2A8_78"),
        Told(0.52, "S1@", "012C_00FA_00A0_00000000_0E"),
        Told(1.9, None, "U_0528_+0000_+0000_+0000"),
        Told(1.9, None, "C_01_02_294_125_03_30"),
    ]


def test_a_record_between_question_and_answer() -> None:
    """A line of the stream stays one, whatever was asked."""
    text = FIRST + "1.000 > V@\n1.100 < U_0528_+0000_+0000_+0000\n1.200 < 33B_10_10_03_2A8_78\n"
    assert [told.query for told in parse(text).told()] == [None, "V@"]


def test_what_is_known_in_the_end() -> None:
    """Version, settings and stream make the same snapshot as when they were heard."""
    told = list(parse(TEXT).folded())
    assert [seconds for seconds, _ in told] == [0.27, 0.52, 1.9, 1.9]
    fold = told[-1][1]
    snapshot = fold.snapshot()
    assert snapshot.firmware == "3.3.11"
    assert snapshot.settings == {
        SettingKey.SOLAR_PEAK_POWER: 3000,
        SettingKey.INVERTER_PEAK_POWER: 2500,
        SettingKey.CAPACITY: 16000,
    }
    assert snapshot.settings_verified
    assert snapshot.pack == PackRecord(6.6, 0.0, 0.0, 0.0)
    assert fold.rejected == {}


def test_a_recording_with_more_cells() -> None:
    """Three records agree on how many cells there are."""
    cells = "".join(f"{2 + n}.000 < C_0{n}_03_294_125_03_30\n" for n in (1, 2, 3))
    *_, (seconds, fold) = parse(TEXT + cells).folded()
    assert seconds == 5.0
    assert fold.snapshot().cells == (Cell(3.3, 293),) * 3


def test_answers_that_cannot_be_trusted() -> None:
    """A block whose checksum never agreed marks the settings; once it does they are good."""
    bad = FIRST + "0.100 > SRY1@\n0.200 < 00_02_00_23\n0.300 > SRY0@\n0.400 < 00_01_00_21\n"
    good = bad + "0.500 > SRY1@\n0.600 < 00_02_00_22\n"
    for text, verified in ((bad, False), (good, True)):
        *_, (_, fold) = parse(text).folded()
        assert fold.snapshot().settings[SettingKey.LOAD_RELAY_FUNCTION] == 2
        assert fold.snapshot().settings_verified is verified


def test_answers_that_say_nothing() -> None:
    """A version or block that cannot be read, and the device's own memory, change nothing."""
    text = FIRST + (
        "0.100 > V@\n0.200 < 33B_10_A1\n0.300 > S2@\n0.400 < 244_2E4_B4\n"
        "0.500 > TS@\n0.600 < 1C2_A6\n0.700 < Q_1\n"
    )
    *_, (_, fold) = parse(text).folded()
    assert fold.snapshot().firmware is None
    assert fold.snapshot().settings == {}
    assert fold.rejected == {Rejection.UNKNOWN: 1}


def test_the_log() -> None:
    """What the BMS said last to each question about its log; what cannot be read is not there."""
    text = FIRST + (
        "0.100 > L0@\n0.200 < 000190_01_23F_07_9D\n0.300 > L1@\n0.400 < 000384_05_000_08_8C\n"
        "0.500 > L2@\n0.600 < 000384_05_000_09_8C\n0.700 > L3@\n0.800 < 000384_05_A1\n"
        "0.900 > L0@\n1.000 < 0003E8_02_2E5_03_B1\n1.100 < U_0528_+0000_+0000_+0000\n"
    )
    broken, high = LogEntry(900, LogEvent.COMMUNICATION, 0, 8), LogEntry(1000, LogEvent.VOLTAGE_HIGH, 741, 3)
    assert parse(text).log(None) == (broken, high)
    assert parse(text).log(1) == (high, broken)
    assert parse(TEXT).log(1) == ()
