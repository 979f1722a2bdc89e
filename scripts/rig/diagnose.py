"""Diagnose a BMS from a file: what is wrong, what is allowed and why, and what its manual says.

FILE is a recording (action smartbms.record), a diagnostics download, or a capture of the 58-byte
frames of EXT OUT.
"""

import argparse
from io import TextIOWrapper
import json
import os
from pathlib import Path
import sys

from custom_components.smartbms.model.profiles import ProfileKey
from custom_components.smartbms.model.report import as_text, report

from .case import Case, UnreadableError, read

_TRANSLATIONS = Path(__file__).parents[2] / "custom_components" / "smartbms" / "translations" / "en.json"


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/diagnose", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the course as well")
    parser.add_argument(
        "--profile",
        type=ProfileKey,
        choices=list(ProfileKey),
        metavar="MANUAL",
        help=f"whose rules count: {', '.join(ProfileKey)} (default: what the BMS looks like)",
    )
    chosen = parser.parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that lacks a character shows another, and the rest.
        sys.stdout.reconfigure(errors="replace")
    try:
        case = read(chosen.file.read_bytes(), chosen.profile, chosen.file.stat().st_mtime)
        if chosen.plot is not None:
            _plot(case, chosen.file.name, chosen.plot)
    except UnreadableError as err:
        print(f"diagnose: {chosen.file} {err}", file=sys.stderr)
        return 1
    except OSError as err:
        print(f"diagnose: {err.filename or chosen.file}: {err.strerror}", file=sys.stderr)
        return 1
    try:
        print(_told(case, as_json=chosen.json), flush=True)
    except BrokenPipeError:
        # Who reads has read enough; nothing is left to be written at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _told(case: Case, *, as_json: bool) -> str:
    """Return the report as of the last moment that was heard."""
    assert case.insight.at is not None  # without it the file would not have been read
    found = report(case.insight, case.insight.at, case.circumstances)
    if as_json:
        return json.dumps({"notes": list(case.notes), **found}, indent=2)
    texts = json.loads(_TRANSLATIONS.read_text(encoding="utf-8"))["issues"]
    notes = "".join(f"Note: {note}.\n" for note in case.notes)
    return f"{notes}{as_text(found, texts)}".rstrip()


def _plot(case: Case, title: str, path: Path) -> None:
    try:
        from .plot import plot
    except ImportError as err:
        raise UnreadableError("can be plotted only with matplotlib, which is not installed") from err
    if not case.moments:
        raise UnreadableError("holds no course to plot")
    plot(case.moments, title, path)


if __name__ == "__main__":
    sys.exit(main())
