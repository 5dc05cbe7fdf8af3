"""One row per song: what it was given, and what is true, for those who want to look at the songs themselves."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emodj_live.atomic_file import replaced
from emodj_live.calibration import Calibration
from emodj_live.smoothing import SMOOTHING
from emodj_live.training.metrics import rounded
from emodj_live.training.tracked import HeardSong, track
from emodj_live.training.windows import WindowTable

COLUMNS = (
    *("dataset", "song", "group", "windows", "valence", "arousal", "label_valence", "label_arousal"),
    *("true_quadrant", "named_quadrant", "certainty"),
)


def song_rows(
    table: WindowTable,
    predictions: NDArray[np.float64],
    calibration: Calibration | None = None,
    *,
    smoothing: float = SMOOTHING,
) -> list[dict[str, Any]]:
    """Return what every song of a data set comes to.

    Parameters
    ----------
    table : WindowTable
    predictions : ndarray of float64, shape (n, 2)
        Of every window of the table.
    calibration : Calibration, optional
        For the certainty of the song's quadrant.
    smoothing : float
        Time constant of the tracker's average [s].

    Returns
    -------
    list of dict
        With the keys of `COLUMNS`. ``windows`` counts those that make up the score; labels are None for a song whose
        labels are placeholders, and the certainty is None without a calibration.
    """
    return [_row(song, calibration) for song in track(table, predictions, smoothing=smoothing).songs]


def _row(heard: HeardSong, calibration: Calibration | None) -> dict[str, Any]:
    song, (valence, arousal) = heard.song, heard.means.tolist()
    label_valence, label_arousal = heard.labels.tolist() if song.is_graded else (None, None)
    certainty = calibration.certainty(valence, arousal, heard.named) if calibration else None
    values = (
        *(song.dataset, song.name, song.group, len(heard.rows), valence, arousal, label_valence, label_arousal),
        *(heard.truth.value, heard.named.value, certainty),
    )
    return dict(zip(COLUMNS, values, strict=True))


def write_song_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows as CSV, numbers with 4 places, and an empty cell for None.

    Parameters
    ----------
    rows : sequence of mapping
        As `song_rows` returns them, of one data set or of several.
    path : Path

    Raises
    ------
    EmodjError
        If it cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rounded(row) for row in rows)
    with replaced(path) as file:
        file.write(text.getvalue().encode(errors="replace"))
