"""What `scripts/diagnose` makes of a file, without Home Assistant."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
from typing import Any

import pytest

from custom_components.smartbms.bms import stored, uart_frame
from custom_components.smartbms.bms.recording import Direction, Header, Recorder, parse
from custom_components.smartbms.bms.state import CellRecord
from custom_components.smartbms.bms.uart_frame import Frame
from custom_components.smartbms.simulator.firmware import Firmware
from scripts.rig.diagnose import main
from tests.simulated import Clock, still_firmware

ROOT = Path(__file__).parents[2]
PNG = b"\x89PNG\r\n\x1a\n"
BEGAN = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
# The worked example of protocol.md 8: 16 cells, 52.8 V, +8 A, 50 %, charging and discharging allowed.
EXAMPLE = bytes.fromhex(
    "00 29 40 2B 00 50 2B 00 10 2B 00 40 02 93 07 02 95 03 01 26 01 01 2C 10 05 10 02 94 01 29"
    "03 00 04 D2 00 1F 40 00 02 37 32 00 01 41 00 01 2A 29 30 00 A0 02 44 02 E4 02 A8 D9"
)


def converse(firmware: Firmware, clock: Clock, seconds: float) -> str:
    """Return the recording of a login, all settings, and some time of the stream."""
    header = Header(
        integration="0.4.0",
        generation=firmware.generation,
        device_type=firmware.device_type,
        began=BEGAN,
    )
    recorder = Recorder(header, clock)
    firmware.connected()

    def exchange(sent: bytes) -> None:
        firmware.receive(sent)
        for line in filter(None, firmware.take().decode().split("\r")):
            recorder.tap(Direction.RECEIVED, line)

    for command in ("PW1234!", "V@", "S1@", "S2@", "S3@", "SRY0@", "SRY1@", "E!"):
        recorder.tap(Direction.SENT, command)
        exchange(command.encode() + b"\r$")
        clock.now += 0.1
    while clock.now < 1000 + seconds:
        clock.now += 0.33
        exchange(b"$")
    return recorder.text


@pytest.fixture
def recording() -> str:
    """Return half a minute of a BMS with four cells that stands still."""
    clock = Clock()
    return converse(still_firmware(clock, cells=4), clock, 30)


type Diagnose = Callable[..., tuple[int, str, str]]


@pytest.fixture
def diagnose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Diagnose:
    """Return what diagnoses some content: exit code, output and errors."""

    def run(content: str | bytes, *options: str) -> tuple[int, str, str]:
        file = tmp_path / "file"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(file, (1_777_627_800, 1_777_627_800))
        code = main([str(file), *options])
        out, err = capsys.readouterr()
        return code, out, err.replace(str(file), "FILE")

    return run


def as_json(diagnose: Diagnose, content: str | bytes, *options: str) -> dict[str, Any]:
    """Return the report on some content."""
    code, out, err = diagnose(content, "--json", *options)
    assert (code, err) == (0, "")
    report: dict[str, Any] = json.loads(out)
    return report


# Recordings.


def test_a_recording(diagnose: Diagnose, recording: str) -> None:
    """What a person reads: values, what is allowed, what is wrong, and the decision table."""
    code, out, err = diagnose(recording)
    assert (code, err) == (0, "")
    assert "by the rules of gen3_rev13" in out
    assert "heard 2026-05-01T09:30:30+00:00" in out or "heard 2026-05-01T09:30:29+00:00" in out
    assert "13.2 V" in out
    assert "Charging: allowed; by the manual: allowed" in out
    assert "Decision table" in out
    assert "Note" not in out


def test_a_recording_as_json(diagnose: Diagnose, recording: str) -> None:
    """The same for a program."""
    report = as_json(diagnose, recording)
    assert report["notes"] == []
    assert report["profile"] == "gen3_rev13"
    assert report["firmware"] == "3.3.11"
    assert report["reading"]["voltage"] == 13.2
    assert report["reading"]["cells"] == 4
    assert report["settings"]["v_max"] == 3.7
    assert report["charging"] == {"allowed": True, "expected": True, "causes": []}


def test_a_recording_in_which_something_happens(diagnose: Diagnose) -> None:
    """The end counts, and the last line belongs to it."""
    clock = Clock()
    firmware = still_firmware(clock, cells=4)
    text = converse(firmware, clock, 30)
    text += "30.100 > L0@\n30.200 < 000384_05_000_03_87\n"
    for number in (1, 2, 3):
        text += f"{30 + number}.900 < C_0{number}_04_294_125_04_00\n"
    report = as_json(diagnose, text)
    assert report["charging"]["allowed"] is False
    assert [cause["rule"] for cause in report["charging"]["causes"]] == ["no_communication"]
    assert report["generated_at"] == "2026-05-01T09:30:33+00:00"
    assert report["findings"][0]["key"] == "chain_broken"
    assert report["findings"][0]["evidence"] == {"cell": 3}


def test_another_manual(diagnose: Diagnose, recording: str) -> None:
    """The rules of another manual are one option away."""
    assert as_json(diagnose, recording, "--profile", "gen2")["profile"] == "gen2"


def test_a_manual_that_does_not_exist(diagnose: Diagnose, recording: str) -> None:
    """The choices are named."""
    with pytest.raises(SystemExit) as caught:
        diagnose(recording, "--profile", "gen1")
    assert caught.value.code == 2


def test_a_recording_that_is_cut(diagnose: Diagnose, recording: str) -> None:
    """It is read up to there, and that is said."""
    report = as_json(diagnose, recording[: len(recording) * 3 // 4])
    assert report["notes"] == ["the recording is cut; it was read up to there"]
    assert report["reading"]["voltage"] == 13.2


def test_a_recording_that_is_damaged(diagnose: Diagnose, recording: str) -> None:
    """Lines that cannot be read are left out, and that is said."""
    code, out, _ = diagnose(recording.encode().replace(b"29.", b"\xff\xfe9.") + b"what?\n")
    assert code == 0
    assert out.startswith("Note: ")
    assert "damaged lines were left out" in out


def test_every_cut(diagnose: Diagnose, recording: str) -> None:
    """Wherever it is cut there is a report or a reason, and never anything else."""
    for length in range(0, len(recording), 97):
        code, out, err = diagnose(recording[:length])
        assert bool(out) is (code == 0)
        assert bool(err) is (code == 1)


# What cannot be read.


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        (b"hello", "is neither a recording, nor a diagnostics download, nor a capture of 58-byte frames"),
        (b"smartbms-rec", "is neither a recording, nor a diagnostics download, nor a capture"),
        (b"\x00" * 1000, "is neither a recording, nor a diagnostics download, nor a capture"),
        (PNG + bytes(range(256)) * 20, "is neither a recording, nor a diagnostics download, nor a capture"),
        (b"[1, 2]", "is neither a recording, nor a diagnostics download, nor a capture"),
        (EXAMPLE[:57], "is neither a recording, nor a diagnostics download, nor a capture"),
        (EXAMPLE, "does not hold everything that a BMS says once"),
        (b"smartbms-recording", "is no recording"),
        (b"smartbms-recording 7 generation=3\n", "was recorded by a later version of the integration"),
        (
            b"smartbms-recording 1 generation=3 began=2026-05-01T09:30:00+00:00\n",
            "does not hold everything that a BMS says once",
        ),
        (b"{", "is a diagnostics download that is cut or damaged"),
        (b'{"data": {"snapshot": {"cel', "is a diagnostics download that is cut or damaged"),
        (b'{"data": "\xff"}', "is a diagnostics download that is cut or damaged"),
        (b'{"a":' * 100_000, "is a diagnostics download that is cut or damaged"),
        (b'{"a": ' + b"1" * 10_000 + b"}", "is a diagnostics download that is cut or damaged"),
        (b"{}", "is no diagnostics download of a 123SmartBMS"),
        (b'{"data": {"entry": {}}}', "is no diagnostics download of a 123SmartBMS"),
        (b'{"data": [1]}', "is no diagnostics download of a 123SmartBMS"),
        (b'{"data": {"snapshot": 5}}', "does not hold everything that a BMS says once"),
        (b'{"data": {"snapshot": {"generation": [], "at": "x"}}}', "does not hold everything"),
        (
            b'{"data": {"entry": {"has_pin": true}}}',
            "holds no values: the integration was not running when it was downloaded",
        ),
    ],
)
def test_what_tells_nothing(diagnose: Diagnose, content: bytes, reason: str) -> None:
    """One line that says why, and exit code 1."""
    code, out, err = diagnose(content)
    assert (code, out) == (1, "")
    assert err.startswith(f"diagnose: FILE {reason}")
    assert err.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither is a folder a file."""
    assert main([str(tmp_path / "nothing")]) == 1
    assert main([str(tmp_path)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors == [
        f"diagnose: {tmp_path}/nothing: No such file or directory",
        f"diagnose: {tmp_path}: Is a directory",
    ]


# Diagnostics downloads.


def download(recording: str, **changes: object) -> dict[str, Any]:
    """Return what Home Assistant lets an owner download, as far as it matters."""
    *_, (_, fold) = parse(recording).folded()
    data = {
        "entry": {"has_pin": True},
        "snapshot": {"generation": 3, "at": 1_777_627_000.5, **stored.as_json(fold.snapshot())},
        "algorithm": {"profile": "gen3_rev6"},
        "evidence": {},
        "history": [
            [1_777_620_000.0 + 300 * step, 13.2, 1.5, 50, 3.3, 3.31, 293, 294, True, True]
            for step in range(12)
        ],
        **changes,
    }
    return {"home_assistant": {"version": "2026.9.0"}, "data": data}


def test_a_download(diagnose: Diagnose, recording: str) -> None:
    """The same report, by the rules that counted in Home Assistant."""
    report = as_json(diagnose, json.dumps(download(recording)))
    assert report["notes"] == []
    assert report["heard_at"] == "2026-05-01T09:16:40+00:00"
    assert report["profile"] == "gen3_rev6"
    assert report["reading"]["voltage"] == 13.2
    assert report["charging"] == {"allowed": True, "expected": True, "causes": []}
    chosen = as_json(diagnose, json.dumps(download(recording)), "--profile", "gen3_early")
    assert chosen["profile"] == "gen3_early"


def test_a_download_without_its_envelope(diagnose: Diagnose, recording: str) -> None:
    """Only the part of the integration is as good."""
    assert as_json(diagnose, json.dumps(download(recording)["data"]))["reading"]["voltage"] == 13.2


def test_a_download_without_time(diagnose: Diagnose, recording: str) -> None:
    """Then the file's own time counts, and that is said."""
    document = download(recording)
    for at in (None, float("nan"), 10**400, "yesterday"):
        document["data"]["snapshot"]["at"] = at
        report = as_json(diagnose, json.dumps(document))
        assert report["heard_at"] == "2026-05-01T09:30:00+00:00"
        assert report["notes"] == ["its time is that of the file"]


def test_a_download_of_which_parts_are_missing(diagnose: Diagnose, recording: str) -> None:
    """Whatever is missing or something else is not known."""
    others: list[object] = [None, [], 5, {"profile": ["x"]}]
    for name in ("algorithm", "evidence", "history"):
        for value in others:
            report = as_json(diagnose, json.dumps(download(recording, **{name: value})))
            assert report["reading"]["voltage"] == 13.2


# Captures.


def frames(count: int = 20) -> list[bytes]:
    """Return a capture: every cell once, and the keys by turns."""
    frame = uart_frame.decode(EXAMPLE)
    assert isinstance(frame, Frame)
    return [
        uart_frame.encode(replace(frame, key=index % 19, cell=CellRecord(index % 16 + 1, 16, 3.3, 297, 0x03)))
        for index in range(count)
    ]


def test_a_capture(diagnose: Diagnose) -> None:
    """Values and three thresholds; the rules need more of them."""
    report = as_json(diagnose, b"".join(frames()))
    assert report["notes"] == [
        "its time is that of the file, and a frame was taken for a second",
        "the frames look like those of generation 3; --profile says otherwise",
    ]
    assert report["profile"] == "gen3_rev6"
    assert report["heard_at"] == "2026-05-01T09:30:00+00:00"
    assert report["settings"] == {"capacity": 16000, "v_min": 2.9, "v_max": 3.7}
    reading = report["reading"]
    assert (reading["voltage"], reading["current"], reading["load_current"]) == (52.8, 8.0, 2.0)
    assert (reading["lowest_cell_voltage"], reading["lowest_cell"]) == (3.295, 7)
    assert (reading["state_of_charge"], reading["cells"]) == (50, 16)
    assert report["charging"] == {"allowed": True, "expected": None, "causes": []}
    assert report["table"] == []


def test_a_capture_with_noise(diagnose: Diagnose) -> None:
    """Frames are found wherever they begin, and what is between them is counted."""
    content = b"\x29\x40" + b"\x00".join(frames()) + EXAMPLE[:40]
    report = as_json(diagnose, content, "--profile", "gen3_rev13")
    assert report["notes"] == [
        "its time is that of the file, and a frame was taken for a second",
        "61 bytes between the frames were left out",
    ]
    assert report["profile"] == "gen3_rev13"
    assert report["reading"]["voltage"] == 52.8


def test_a_capture_of_older_firmware(diagnose: Diagnose) -> None:
    """A clock in the place of the keys does not change from frame to frame."""
    content = b"".join([frame for frame in frames(3) for _ in range(4)])
    assert as_json(diagnose, content)["profile"] == "gen2"


# Pictures.


@pytest.mark.parametrize("name", ["course.png", "$x_{$.png"])
def test_a_picture(diagnose: Diagnose, recording: str, tmp_path: Path, name: str) -> None:
    """Whatever has a course can be drawn."""
    pytest.importorskip("matplotlib")
    picture = tmp_path / name
    for content in (recording, json.dumps(download(recording)), b"".join(frames())):
        code, _, err = diagnose(content, "--plot", str(picture))
        assert (code, err) == (0, "")
        assert picture.read_bytes().startswith(PNG)
        assert picture.stat().st_size > 10_000
        picture.unlink()


def test_a_picture_of_a_file_with_a_strange_name(recording: str, tmp_path: Path) -> None:
    """A file may be called what it wants."""
    pytest.importorskip("matplotlib")
    file = tmp_path / "$\\frac{♥"
    file.write_text(recording, encoding="utf-8")
    assert main([str(file), "--plot", str(tmp_path / "course.png")]) == 0


def test_no_course(diagnose: Diagnose, recording: str, tmp_path: Path) -> None:
    """A download of a BMS that has just been set up has no history."""
    pytest.importorskip("matplotlib")
    code, out, err = diagnose(
        json.dumps(download(recording, history=[])), "--plot", str(tmp_path / "course.png")
    )
    assert (code, out, err) == (1, "", "diagnose: FILE holds no course to plot\n")


def test_a_picture_that_cannot_be_written(diagnose: Diagnose, recording: str, tmp_path: Path) -> None:
    """The reason is that of the system."""
    pytest.importorskip("matplotlib")
    code, _, err = diagnose(recording, "--plot", str(tmp_path / "nowhere" / "course.png"))
    assert code == 1
    assert err.endswith("course.png: No such file or directory\n")


def test_without_matplotlib(
    diagnose: Diagnose, recording: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the picture needs it, and says so."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "scripts.rig.plot", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    code, _, err = diagnose(recording, "--plot", str(tmp_path / "course.png"))
    assert code == 1
    assert err == "diagnose: FILE can be plotted only with matplotlib, which is not installed\n"


# On any computer.


def test_without_home_assistant(recording: str, tmp_path: Path) -> None:
    """Neither Home Assistant nor any package is imported, wherever it is called from."""
    file = tmp_path / "recording.txt"
    file.write_text(recording, encoding="utf-8")
    program = (
        "import sys, runpy\n"
        "for name in ('homeassistant', 'bleak', 'voluptuous', 'matplotlib'): sys.modules[name] = None\n"
        "runpy.run_module('scripts.rig.offline', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, "recording.txt"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "13.2 V" in done.stdout


def test_from_the_command_line(recording: str, tmp_path: Path) -> None:
    """The script finds the file where it was called, and a Python that is new enough."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "recording.txt").write_text(recording, encoding="utf-8")
    done = subprocess.run(
        [ROOT / "scripts" / "diagnose", "recording.txt", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["reading"]["voltage"] == 13.2


def test_nobody_reads_on(recording: str, tmp_path: Path) -> None:
    """A reader that has seen enough is no error."""
    file = tmp_path / "recording"
    file.write_text(recording, encoding="utf-8")
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" "$1" | head -c 1', ROOT / "scripts" / "diagnose", file],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "T", "")


def test_without_python(tmp_path: Path) -> None:
    """Where there is no Python that is new enough, that is said."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "scripts" / "diagnose", tmp_path / "scripts" / "diagnose")
    for name in ("bash", "dirname"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "bin" / name).symlink_to(found)
    old = tmp_path / "bin" / "python3"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    done = subprocess.run(
        [tmp_path / "bin" / "bash", tmp_path / "scripts" / "diagnose", "file"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tmp_path / "bin")},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("diagnose: Python 3.14 or newer is needed")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """What there is to choose."""
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert "scripts/diagnose" in text
    assert all(word in text for word in ("--json", "--plot", "--profile", "gen3_rev13"))
