"""All settings of a BMS at one moment, field by field, so that two moments can be compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..bms import blocks
from ..bms.blocks import Answer
from ..bms.device import Generation
from ..bms.errors import NoAnswerError, NotVerifiedError
from ..bms.lines import Rejection
from ..bms.settings import SETTINGS, Block, SettingKey, of_block
from .client import Client

_ATTEMPTS: Final = 2


@dataclass(frozen=True, slots=True)
class Image:
    """What some blocks hold: `counts` on the wire, and the `settings` that they mean in their units.

    `unnamed` are the fields that no row of the settings table describes, by block and position. The PIN
    is one of them, so they are not shown.
    """

    counts: Mapping[SettingKey, int]
    settings: Mapping[SettingKey, float]
    unnamed: Mapping[tuple[Block, int], str] = field(repr=False)

    @property
    def blocks(self) -> list[Block]:
        """The blocks that were answered, in the order in which they are asked."""
        held = {SETTINGS[key].block for key in self.counts}
        return [block for block in Block if block in held]

    def covers(self, other: Image) -> bool:
        """Return whether every field of another image is here and the same; this one may have more."""
        return self.counts.items() >= other.counts.items() and self.unnamed.items() >= other.unnamed.items()

    def having(self, counts: Mapping[SettingKey, int]) -> Image:
        """Return the image to expect when some settings have other counts; its `settings` are the old."""
        return Image({**self.counts, **counts}, self.settings, self.unnamed)


async def read_all(client: Client, generation: Generation) -> Image:
    """Read every block there is.

    Raises `NotVerifiedError` when one of them cannot be trusted, `ConnectionLostError`.
    """
    return _image(await client.blocks(generation))


async def read_back(client: Client, wanted: Iterable[Block]) -> Image:
    """Read some blocks again, every one of them; raises like `Client.query` and `read_all`."""
    return _image({block: await _answer(client, block) for block in wanted})


async def _answer(client: Client, block: Block) -> Answer:
    """Ask for a block once more when nothing comes: it was there a moment ago."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return await client.query(f"{block}@")
        except NoAnswerError:
            continue
    return await client.query(f"{block}@")


def _image(answers: Mapping[Block, Answer]) -> Image:
    counts: dict[SettingKey, int] = {}
    settings: dict[SettingKey, float] = {}
    unnamed: dict[tuple[Block, int], str] = {}
    for block, answer in answers.items():
        values = blocks.block_settings(block, answer)
        if isinstance(values, Rejection) or not answer.verified:
            raise NotVerifiedError
        settings |= values
        keys = {row.position: row.key for row in of_block(block)}
        for position, text in enumerate(answer.fields):
            if position in keys:
                counts[keys[position]] = int(text, 16)
            else:
                unnamed[block, position] = text
    return Image(counts, settings, unnamed)
