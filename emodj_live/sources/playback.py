"""Play a file and track it at once: each block comes when its last sample has left the loudspeaker."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from emodj_live.blocks import Block, Gap, Seek, SourceStatus
from emodj_live.sources.deck import Deck
from emodj_live.sources.demo import DemoSource
from emodj_live.sources.devices import Device
from emodj_live.sources.file import FileSource
from emodj_live.sources.passage import Passage

_WAIT = 0.005  # [s]
_NOTHING = np.empty(0, np.float32)


class PlayedSource:
    """The blocks of a file that is played through an output device, in step with what is heard.

    Parameters
    ----------
    file : FileSource or DemoSource
        What to play, from its start and for its duration.
    device : int, str or None
        Number of the output device, a part of its name, or None for the default.
    delay : float
        How much later than PortAudio believes the sound is heard [s], for example with Bluetooth loudspeakers.
    output : Deck, optional
        An output device that stays open for other sources; `device` and `delay` are then the deck's. By default the
        source opens a device of its own, and closes it at its end.

    Attributes
    ----------
    output : Deck
        What it plays on.
    passage : Passage
        What the deck plays of it.

    Raises
    ------
    SourceError
        If there is no such device or PortAudio is missing; when iterated, if the device cannot be opened.
    ValueError
        If there are an `output` and a `device` or a `delay`.
    """

    def __init__(
        self,
        file: FileSource | DemoSource,
        *,
        device: int | str | None = None,
        delay: float = 0.0,
        output: Deck | None = None,
    ) -> None:
        if output is not None and (device is not None or delay):
            raise ValueError("an output has a device and a delay of its own; give them to the Deck")
        self.file = file
        self.sample_rate = file.sample_rate
        self.output = Deck(device, delay=delay) if output is None else output
        self._is_alone = output is None
        self.passage = Passage(file, self.device.sample_rate, self.output.channels)
        self._seeks: deque[Seek] = deque(maxlen=1)  # the newest one that has not been followed yet

    @property
    def device(self) -> Device:
        """The output device."""
        return self.output.device

    @property
    def title(self) -> str:
        """The file's title."""
        return self.file.title

    @property
    def is_paused(self) -> bool:
        """Whether the output device is paused, and the blocks with it; may be set."""
        return self.output.is_paused

    @is_paused.setter
    def is_paused(self, is_paused: bool) -> None:
        self.output.is_paused = is_paused

    @property
    def underflows(self) -> int:
        """How many times the output device ran out of audio."""
        return self.output.underflows

    @property
    def position(self) -> float:
        """Time in the file of what leaves the loudspeaker now [s]."""
        return self.passage.position(self.output.now)

    @property
    def behind(self) -> float:
        """How far the blocks are behind the sound [s]."""
        return self.passage.behind(self.output.now)

    def status(self) -> SourceStatus:
        """Return what the file says of itself, with the position of the sound and how its playback is doing."""
        return replace(
            self.file.status(),
            position=self.position,
            underflows=self.underflows,
            behind=self.behind,
            is_paused=self.is_paused,
        )

    def seek(self, position: float) -> None:
        """Go on at another place; the stream has a `Seek` there. Safe from any thread.

        Parameters
        ----------
        position : float
            Time in the file [s]; not before its start. Behind its end the stream ends.

        Raises
        ------
        ValueError
            If it is not a number.
        """
        self._seeks.append(Seek(max(position, self.file.start)))

    def __iter__(self) -> Iterator[Block | Gap | Seek]:
        """Play the file, and yield its audio as it is heard."""
        if self.file.start:
            yield Gap(round(self.file.start * self.sample_rate))
        is_over = False
        try:
            self.output.begin(self.passage)
            yield from self._heard()
            is_over = True
        finally:
            self.output.end(self.passage, is_over=is_over)
            self._seeks.clear()
            if self._is_alone:
                self.output.close()
        if self.passage.error is not None:
            raise self.passage.error

    def _heard(self) -> Iterator[Block | Seek]:
        """Yield the samples that have been heard, and empty blocks in between, until all have been."""
        while self._seeks or not (self.passage.is_spent or self.passage.has_given_way(self.output.now)):
            if self._seeks:
                yield self._follow(self._seeks.pop())
            self.output.fill()
            if (samples := self.passage.due(self.output.now)) is not None:
                yield samples
            else:
                self.output.check()
                time.sleep(_WAIT)
                yield _NOTHING

    def _follow(self, seek: Seek) -> Seek:
        self.output.restart(self.passage, seek.position)
        return seek
