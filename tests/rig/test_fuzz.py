"""The inputs that the fuzzer has kept, and what it makes of what it finds."""

from collections.abc import Callable
from pathlib import Path
from time import sleep, thread_time

import pytest

from scripts.rig import fuzz
from scripts.rig.fuzz import Run, corpus, load, main, save, table
from scripts.rig.fuzz_checks import Target
from scripts.rig.fuzz_engine import Watch
from scripts.rig.fuzz_targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_everything_kept_still_holds(name: str) -> None:
    """Each input goes through its target."""
    for data in corpus(name):
        TARGETS[name].run(data)


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_is_small(name: str) -> None:
    """A target has some inputs, few and short, and each once."""
    inputs = load(fuzz.CORPUS / f"{name}.txt")
    assert 1 <= len(inputs) <= 80
    assert len(set(inputs)) == len(inputs)
    assert all(1 <= len(data) <= TARGETS[name].longest for data in inputs)


def test_inputs_are_kept_as_text(tmp_path: Path) -> None:
    """Any bytes come back, each input once, and an empty one is not kept."""
    path = tmp_path / "deeper" / "kept.txt"
    save(path, [b"U_0528\r", b"\x00\xff\\n\n", b"", b"U_0528\r"])
    assert path.read_text(encoding="ascii") == "U_0528\\r\n\\x00\\xff\\\\n\\n\n"
    assert load(path) == [b"U_0528\r", b"\x00\xff\\n\n"]
    assert load(tmp_path / "none.txt") == []


def watched(run: Callable[[bytes], None], folder: Path) -> Watch:
    """Return a watch over a target."""
    return Watch(Target(name="test", run=run), folder)


def told(folder: Path) -> list[str]:
    """Return what was told of the findings."""
    return [path.read_text(encoding="utf-8") for path in folder.glob("*.txt")]


def test_an_exception_is_found_once(tmp_path: Path) -> None:
    """Of what is raised at one place one input is kept, and the fuzzer goes on."""

    def run(data: bytes) -> None:
        if data:
            raise ValueError(data)

    watch = watched(run, tmp_path)
    for data in (b"", b"one", b"two"):
        watch(data)
    assert [path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".txt"] == [b"one"]
    assert "ValueError: b'one'" in told(tmp_path)[0]
    assert watch.executions == 3


def test_a_slow_input_is_found(tmp_path: Path) -> None:
    """Time is that of our own thread: waiting is not slow, computing is; being slow once is nobody's fault."""
    slow = {b"wait": 0, b"once": 1, b"compute": 9}

    def run(data: bytes) -> None:
        if data == b"wait":
            sleep(0.02)
        if slow[data]:
            slow[data] -= 1
            began = thread_time()
            while thread_time() - began < 0.02:
                pass

    watch = watched(run, tmp_path)
    for data in slow:
        watch(data)
    assert [path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".txt"] == [b"compute"]
    assert told(tmp_path)[0].endswith(" ms\n")
    assert next(tmp_path.iterdir()).name.startswith("slow-")


def test_memory_that_grows_is_found(tmp_path: Path) -> None:
    """A list that is never emptied is seen at the second look."""
    grown: list[list[int]] = []
    watch = watched(lambda data: grown.append([len(data)]), tmp_path)
    for _ in range(40_000):
        watch(b"")
    assert len(told(tmp_path)) == 1
    assert "blocks more than before" in told(tmp_path)[0]


def test_what_is_told() -> None:
    """One line a target, and the sum."""
    runs = [
        Run(
            target="lines",
            executions=30_000,
            seconds=10.0,
            inputs=55,
            edges=34,
            grown=1,
            findings={Path("a"): "b"},
        ),
        Run(target="frames", executions=20_000, seconds=2.0, inputs=9, edges=40, grown=0, findings={}),
    ]
    rows = [line.split() for line in table(runs)]
    assert rows[1] == ["lines", "30000", "10", "3000", "55", "34", "1", "1"]
    assert rows[3] == ["together", "50000", "12", "1"]


def test_an_input_is_run_again(tmp_path: Path) -> None:
    """A file that was found goes through its target, without the fuzzer."""
    path = tmp_path / "input"
    path.write_bytes(b"\x00U_0528\r")
    assert main(["--target", "lines", str(path)]) == 0
