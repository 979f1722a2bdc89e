"""The fuzzer: whatever comes from outside, steered by the code it reaches; the exit code says whether all is well.

Each target runs on inputs that atheris makes of those in `tests/corpus`. A finding is an exception, an input
that takes more than 10 ms, or memory that grows. It is printed with the file that holds its input:
`scripts/fuzz --target T FILE` runs that again.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Final

from .fuzz_checks import Target
from .fuzz_engine import LONGEST, SLOW, timed
from .fuzz_targets import TARGETS

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = ROOT / "tests" / "corpus"
WORK: Final = ROOT / ".cache" / "fuzz"
# For as much code as they reach few inputs are needed; the repository keeps no more of a target.
_MOST_KEPT: Final = 64
_REPEATS: Final = 5
# Besides ours, those of libFuzzer: a hang is stopped, and so is memory that grows outside of Python.
_SAFETY: Final = ("-timeout=20", "-rss_limit_mb=1024")
_PROGRESS: Final = re.compile(
    r"^#(\d+)\s+(\w+)\s+cov: (\d+) ft: \d+ corp: (\d+)/.* rss: (\d+)Mb", re.MULTILINE
)


def load(path: Path) -> list[bytes]:
    """Return the inputs in a file: one a line, in ASCII with escapes."""
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    return [line.encode().decode("unicode_escape").encode("latin-1") for line in lines]


def save(path: Path, inputs: Iterable[bytes]) -> None:
    """Write inputs into a file, in an order of their own."""
    lines = sorted({data.decode("latin-1").encode("unicode_escape").decode() for data in inputs if data})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def corpus(name: str) -> list[bytes]:
    """Return the inputs that the repository keeps of a target; an empty one is everybody's."""
    return [b"", *load(CORPUS / f"{name}.txt")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of one target; `grown` is by how many MB the process grew, `findings` what was raised by file."""

    target: str
    executions: int
    seconds: float
    inputs: int
    edges: int
    grown: int
    findings: Mapping[Path, str]


def fuzz(target: Target, runs: int, seconds: int) -> Run:
    """Run one target so many times, for so many seconds at most (0: without end), from its corpus on."""
    inputs, findings = WORK / "corpus" / target.name, WORK / "findings" / target.name
    _fill(inputs, corpus(target.name))
    shutil.rmtree(findings, ignore_errors=True)
    findings.mkdir(parents=True)
    options = [f"-runs={runs}", f"-max_total_time={seconds}", f"-max_len={target.longest}"]
    if target.words:
        words = WORK / f"{target.name}.dict"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words), encoding="ascii")
        options.append(f"-dict={words}")
    began = time.perf_counter()
    code, log = _engine(target, findings, [*options, f"-artifact_prefix={findings}/", str(inputs)])
    elapsed = time.perf_counter() - began
    progress = _PROGRESS.findall(log)
    found = {
        path: path.with_name(f"{path.name}.txt").read_text(encoding="utf-8")
        if path.with_name(f"{path.name}.txt").exists()
        else "libFuzzer stopped it\n"
        for path in sorted(findings.iterdir())
        if path.suffix != ".txt" and not (path.name.startswith(SLOW) and not _is_slow(target, path))
    }
    if code or not progress:
        found[findings] = log[-4000:]
    first, last = (progress[0], progress[-1]) if progress else (("0",) * 5, ("0",) * 5)
    return Run(
        target=target.name,
        executions=int(last[0]),
        seconds=elapsed,
        inputs=int(last[3]),
        edges=int(last[2]),
        grown=int(last[4]) - int(first[4]),
        findings=found,
    )


def keep(target: Target) -> int:
    """Keep what is kept, and of all inputs found so far the few that reach more code; return how many that are."""
    with tempfile.TemporaryDirectory() as folder:
        few, findings = Path(folder) / "few", Path(folder) / "findings"
        kept = load(CORPUS / f"{target.name}.txt")
        _fill(few, kept)
        findings.mkdir()
        found = WORK / "corpus" / target.name
        # Edges alone, not how often: else hundreds of inputs would differ.
        options = ["-set_cover_merge=1", "-use_counters=0", f"-max_len={target.longest}"]
        _engine(target, findings, [*options, str(few), str(found)])
        new = sorted({path.read_bytes() for path in few.iterdir()}.difference(kept), key=len)
    inputs = [*kept, *new[: max(_MOST_KEPT - len(kept), 0)]]
    save(CORPUS / f"{target.name}.txt", inputs)
    return len(inputs)


def _is_slow(target: Target, path: Path) -> bool:
    """Whether an input is slow without the instruments too, at its best of some."""
    data = path.read_bytes()
    return min(timed(target.run, data) for _ in range(_REPEATS)) > LONGEST


def _fill(folder: Path, inputs: Sequence[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for data in inputs:
        (folder / sha256(data).hexdigest()[:40]).write_bytes(data)


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02X}" for byte in word)


def _engine(target: Target, findings: Path, options: Sequence[str]) -> tuple[int, str]:
    command = [
        sys.executable,
        "-m",
        "scripts.rig.fuzz_engine",
        target.name,
        str(findings),
        *_SAFETY,
        *options,
    ]
    # In a file, where a long run can be followed.
    with (WORK / f"{target.name}.log").open("w+", encoding="utf-8", errors="replace") as log:
        code = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode
        log.seek(0)
        return code, log.read()


def table(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the lines that tell of some runs, the sum last."""
    yield (
        f"{'target':15}{'executions':>12}{'seconds':>9}{'exec/s':>9}{'corpus':>8}{'edges':>7}"
        f"{'MB more':>9}{'findings':>10}"
    )
    for run in runs:
        yield (
            f"{run.target:15}{run.executions:12}{run.seconds:9.0f}{run.executions / (run.seconds or 1):9.0f}"
            f"{run.inputs:8}{run.edges:7}{run.grown:9}{len(run.findings):10}"
        )
    found = sum(len(run.findings) for run in runs)
    yield f"{'together':15}{sum(run.executions for run in runs):12}{sum(run.seconds for run in runs):9.0f}{'':33}{found:10}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=50_000, metavar="N", help="executions of each target")
    parser.add_argument("--seconds", type=int, default=0, metavar="S", help="of each target at most")
    parser.add_argument(
        "--target", action="append", choices=list(TARGETS), metavar="T", help=", ".join(TARGETS)
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="targets at the same time")
    parser.add_argument("--keep", action="store_true", help="keep in tests/corpus what was found so far")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="inputs to run again, once each")
    chosen = parser.parse_args(arguments)
    targets = [TARGETS[name] for name in chosen.target or TARGETS]
    if chosen.files:
        for path in chosen.files:
            for target in targets:
                target.run(path.read_bytes())
        return 0
    if chosen.keep:
        for target in targets:
            print(f"{target.name}: {keep(target)} inputs kept", flush=True)
        return 0
    with ThreadPoolExecutor(chosen.jobs) as jobs:
        runs = list(jobs.map(lambda target: fuzz(target, chosen.runs, chosen.seconds), targets))
    for run in runs:
        for path, text in run.findings.items():
            print(f"{run.target}: {path.relative_to(ROOT)}\n{text}", file=sys.stderr)
    print("\n".join(table(runs)))
    return 1 if any(run.findings for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
