"""The moods of a whole song before it was heard: a pass ahead in a process of its own, as fast as it can.

A process and no thread, because it must not slow down the one that follows the music.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from emodj_live import child
from emodj_live.arc import Arc, ArcRecorder

_PROGRAM = "from emodj_live.cli import main; sys.exit(main(sys.argv[1:]))"


class Ahead:
    """What a pass ahead knows so far; use it in a ``with`` statement, at whose end the process has ended too.

    If it fails, little or nothing is known, and nothing is reported: whoever follows the song will.

    Parameters
    ----------
    arguments : sequence of str
        What names the source on the command line, with the options of the tracking.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._recorder = ArcRecorder()
        self._known, self._is_fresh = Arc(), False
        self._process = child.start(_PROGRAM, "--json", "--quiet", *arguments)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        child.end(self._process)
        self._reader.join()

    def arc(self) -> Arc:
        """Return what is known so far; the same object until more is.

        Returns
        -------
        Arc
        """
        if self._is_fresh:
            self._is_fresh = False
            self._known = self._recorder.arc
        return self._known

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 (it is a pipe)
        with self._process.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # the last line, if it was killed
                    self._add(json.loads(line))

    def _add(self, emotion: dict[str, float]) -> None:
        if not emotion["is_silent"] or emotion["valence"] or emotion["arousal"]:
            self._recorder.add(emotion["time"], emotion["valence"], emotion["arousal"])
            self._is_fresh = True
