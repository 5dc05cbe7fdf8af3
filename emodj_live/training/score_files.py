"""What scores leave behind as files: one row per song, and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from emodj_live.errors import EmodjError

if TYPE_CHECKING:
    from emodj_live.training.scoring import ScoredSet


def check_outputs(csv: Path | None, plots: Path | None) -> None:
    """Report before minutes of work that its result could not be written.

    Parameters
    ----------
    csv : Path or None
        The file for the rows.
    plots : Path or None
        The folder for the pictures; it is made.

    Raises
    ------
    EmodjError
        If one cannot be written to, or matplotlib is missing.
    """
    if plots:
        from emodj_live.training.plots import require_matplotlib

        require_matplotlib()
        _check_writable(plots, "pictures")
    if csv:
        if csv.is_dir():
            raise EmodjError(f"{csv}: is a folder; give the path of a file for the rows.")
        if not csv.parent.is_dir():
            raise EmodjError(f"{csv}: there is no folder {csv.parent}; create it or choose another.")
        _check_writable(csv.parent, "rows")


def _check_writable(folder: Path, what: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise EmodjError(f"{folder}: cannot be written to: {reason}; choose another folder for the {what}.") from error


def write_files(
    sets: Sequence[ScoredSet],
    pooled: Mapping[str, Any] | None,
    *,
    csv: Path | None,
    plots: Path | None,
    curve: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the rows and draw the pictures that were asked for.

    Parameters
    ----------
    sets : sequence of ScoredSet
    pooled : mapping or None
        `Reliability.as_json` over all sets.
    csv : Path or None
        File for one row per song.
    plots : Path or None
        Folder for the pictures.
    curve : sequence of mapping
        As `song_protocol.learning_curve` returns it.

    Raises
    ------
    EmodjError
        If they cannot be written.
    """
    if csv:
        from emodj_live.training.song_table import write_song_rows

        write_song_rows([row for each in sets for row in each.rows], csv)
    if plots:
        _draw(sets, pooled, plots, curve)


def _draw(
    sets: Sequence[ScoredSet], pooled: Mapping[str, Any] | None, folder: Path, curve: Sequence[Mapping[str, Any]]
) -> None:
    from emodj_live.training.plots import plot_calibration, plot_learning_curve, plot_set

    known: dict[str, Mapping[str, Any] | None] = {}
    for each in sets:
        plot_set(folder, each.name, each.rows, each.scores)
        known[each.name] = each.scores["calibration"]
    if len(known) > 1:
        known["all together"] = pooled
    if any(known.values()):
        plot_calibration(folder / "calibration.png", known)
    if curve:
        plot_learning_curve(folder / "learning_curve.png", curve)
