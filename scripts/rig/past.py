"""A past for the pictures: a day that the simulated battery lived before Home Assistant knew it."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
import sqlite3
from time import time
from typing import Final

from custom_components.smartbms.simulator.firmware import Firmware

from .truth import truth

DATABASE: Final = "home-assistant_v2.db"
_DAY: Final = 24 * 3600
# In s; finer than a graph can show.
_STEP: Final = 300

type _Row = tuple[str, str, float]


def add_day(directory: Path, firmware: Firmware, entity_ids: Mapping[str, str]) -> None:
    """Let the battery live for a day and write what it was like into the database, as of the last 24 hours.

    Home Assistant is not running. `entity_ids` are by key, and have been seen by the recorder; what it
    has seen of them is forgotten.
    """
    rows: list[_Row] = []
    last: dict[str, str] = {}
    begin = time() - _DAY
    for after in range(0, _DAY, _STEP):
        firmware.pass_time(_STEP)
        for key, value in truth(firmware).items():
            if key not in entity_ids or not isinstance(value, bool | int | float):
                continue
            state = ("on" if value else "off") if isinstance(value, bool) else f"{round(value, 4)}"
            if last.get(key) != state:
                last[key] = state
                rows.append((entity_ids[key], state, begin + after))
    with closing(sqlite3.connect(directory / DATABASE)) as database, database:
        _insert(database, rows)


def _insert(database: sqlite3.Connection, rows: list[_Row]) -> None:
    """Put states in the place of those there are, with the attributes that their entity had last."""
    (newest,) = database.execute("SELECT max(state_id) FROM states").fetchone()
    database.executemany(
        """
        INSERT INTO states (metadata_id, state, last_updated_ts, attributes_id, origin_idx)
        SELECT metadata_id, ?2, ?3, (
            SELECT attributes_id FROM states
            WHERE states.metadata_id = states_meta.metadata_id AND state_id <= ?4
            ORDER BY last_updated_ts DESC LIMIT 1
        ), 0
        FROM states_meta WHERE entity_id = ?1
        """,
        [(*row, newest) for row in rows],
    )
    database.executemany(
        """
        DELETE FROM states
        WHERE state_id <= ?2 AND metadata_id = (SELECT metadata_id FROM states_meta WHERE entity_id = ?1)
        """,
        {(entity_id, newest) for entity_id, _, _ in rows},
    )
