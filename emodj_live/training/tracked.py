"""Predictions as a listener would get them: tracked from the start of each clip, and what each song comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emodj_live.calibration import Calibration
from emodj_live.emotion import Quadrant
from emodj_live.gain import SILENCE
from emodj_live.smoothing import SMOOTHING, Smoother
from emodj_live.training.dataset import Song
from emodj_live.training.windows import WindowTable

WINDOW_SECONDS = 0.5
SETTLING_SECONDS = 3.0  # how long the average of a clip is left to settle before a song's score begins
_SETTLING = round(SETTLING_SECONDS / WINDOW_SECONDS)  # windows


def smooth(
    predictions: NDArray[np.float64],
    levels: NDArray[np.float64],
    *,
    smoothing: float = SMOOTHING,
    step: float = WINDOW_SECONDS,
    silence: float = SILENCE,
) -> tuple[NDArray[np.float64], list[Quadrant]]:
    """Track a clip's predictions from its start.

    Parameters
    ----------
    predictions : ndarray of float64, shape (n, 2)
        Valence and arousal of each window, in [-1, 1].
    levels : ndarray of float64, shape (n,)
        Level of each window [dBFS].
    smoothing, step : float
        Time constant of the average, and time from one window to the next [s].
    silence : float
        Windows below this level change nothing [dBFS].

    Returns
    -------
    smoothed : ndarray of float64, shape (n, 2)
    quadrants : list of Quadrant
        As the tracker names them.
    """
    smoother = Smoother(step, smoothing)
    smoothed = np.empty_like(predictions)
    quadrants = []
    for row, (valence, arousal), level in zip(smoothed, predictions.tolist(), levels, strict=True):
        smoother.update(valence, arousal, is_silent=bool(level < silence))
        row[:] = smoother.valence, smoother.arousal
        quadrants.append(smoother.quadrant)
    return smoothed, quadrants


@dataclass(frozen=True, eq=False)
class HeardSong:
    """What one song comes to.

    Attributes
    ----------
    song : Song
    rows : ndarray of int64
        The windows that count, by row of the table: labeled, not silent, and after the first 3 s if any are.
    means : ndarray of float64, shape (2,)
        Mean of smoothed valence and arousal over them, as in `SongProfile`.
    labels : ndarray of float64, shape (2,)
        Mean of the labels over them.
    """

    song: Song
    rows: NDArray[np.int64]
    means: NDArray[np.float64]
    labels: NDArray[np.float64]

    @property
    def truth(self) -> Quadrant:
        """The quadrant that listeners gave to the song, or else that of its mean label."""
        return self.song.quadrant or Quadrant.of(*self.labels.tolist())

    @property
    def named(self) -> Quadrant:
        """The quadrant of the predicted means."""
        return Quadrant.of(*self.means.tolist())


@dataclass(frozen=True, eq=False)
class Tracked:
    """The predictions for a table of windows, tracked clip by clip.

    Attributes
    ----------
    table : WindowTable
    raw, smoothed : ndarray of float64, shape (n, 2)
        Clipped to [-1, 1] as in the tracker, and its average of them.
    named : sequence of Quadrant
        As the tracker names each window's.
    songs : tuple of HeardSong
        Those that have a labeled window that is not silent.
    """

    table: WindowTable
    raw: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    named: Sequence[Quadrant]
    songs: tuple[HeardSong, ...]

    @property
    def judged(self) -> list[HeardSong]:
        """The songs whose quadrant is known: from listeners if any song's is, else all, by the signs of the labels."""
        by_listeners = [song for song in self.songs if song.song.quadrant]
        return by_listeners or list(self.songs)

    @property
    def graded(self) -> list[HeardSong]:
        """The songs whose labels are values."""
        return [song for song in self.songs if song.song.is_graded]

    def certainty(self, row: int, calibration: Calibration) -> float:
        """Return what the tracker says that the chances are that it named a window's quadrant rightly."""
        valence, arousal = self.smoothed[row].tolist()
        return calibration.certainty(valence, arousal, self.named[row])

    def truth(self, song: HeardSong, row: int) -> Quadrant:
        """Return the quadrant of a window: its song's, by listeners, or else that of its own label."""
        return song.song.quadrant or Quadrant.of(*self.table.labels[row].tolist())


def track(table: WindowTable, predictions: NDArray[np.float64], *, smoothing: float = SMOOTHING) -> Tracked:
    """Track the predictions of every clip from its start.

    Parameters
    ----------
    table : WindowTable
        All windows of the clips, from the start of each.
    predictions : ndarray of float64, shape (n, 2)
        Valence and arousal of every window of the table.
    smoothing : float
        Time constant of the tracker's average [s].

    Returns
    -------
    Tracked
    """
    raw = np.clip(predictions, -1, 1)
    smoothed = np.empty_like(raw)
    named: list[Quadrant] = []
    songs = []
    for clip in table.by_clip():
        smoothed[clip], quadrants = smooth(raw[clip], table.levels[clip], smoothing=smoothing)
        named += quadrants
        if (rows := _scored_rows(table, clip)).size:
            song = table.songs[int(table.clips[clip.start])]
            songs.append(HeardSong(song, rows, smoothed[rows].mean(axis=0), table.labels[rows].mean(axis=0)))
    return Tracked(table, raw, smoothed, named, tuple(songs))


def _scored_rows(table: WindowTable, clip: slice) -> NDArray[np.int64]:
    """Return the rows of a clip that make up its song's score."""
    counts = table.labeled[clip] & (table.levels[clip] >= SILENCE)
    if counts[_SETTLING:].any():
        counts[:_SETTLING] = False
    rows: NDArray[np.int64] = clip.start + np.flatnonzero(counts)
    return rows
