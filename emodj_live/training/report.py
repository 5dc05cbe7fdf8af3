"""What the trainer prints at its end: the scores, and where the files are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from emodj_live.model import EmotionModel
from emodj_live.training.card import DIFFERENCES, LEAKY, emodj_rows, listed, score_rows

_COLUMNS = ("by song", "axis", "R2", "shuffled", "r", "CCC", "MAE (const.)", "RMSE (const.)")


def print_scores(model: EmotionModel, path: Path, card: Path, console: Console | None = None) -> None:
    """Print the scores of a model.

    Parameters
    ----------
    model : EmotionModel
        With provenance as train.py writes it.
    path, card : Path
        Where the model and its card are.
    console : Console, optional
        Where to print; by default the standard output stream, at least 100 columns wide.
    """
    console = console or Console(width=max(100, Console().width), highlight=False)
    protocols = model.provenance["protocols"]
    for data in model.provenance["datasets"]:
        line = f"{data['folder']}: {data['songs']} songs, {data['windows']} labeled windows"
        console.print(f"{line}. Left out: {listed(data['left_out'])}.", markup=False)
    if song := protocols["song"]:
        _print_song(song, console)
    for emodj in protocols.get("emodj", ()):
        _print_emodj(emodj, console)
    console.print(
        f"{path}: {path.stat().st_size / 1e6:.1f} MB, {len(model.support_vectors)} support vectors, "
        f"reference level {model.reference_level:.1f} dBFS. Its card: {card}",
        markup=False,
        soft_wrap=True,
    )


def _print_song(song: Mapping[str, Any], console: Console) -> None:
    table = Table(*_COLUMNS, title=f"{song['folds']} folds over {song['recordings']} recordings; {song['choice']}")
    for row in score_rows(song):
        table.add_row(*row)
    console.print(table)


def _print_emodj(emodj: Mapping[str, Any], console: Console) -> None:
    title = f"EmoDJ's own protocol: LEAKY ({emodj['folder']}, {emodj['rows']} x {emodj['columns']})"
    table = Table("figure", "here", "EmoDJ, published", title=title, caption=f"{LEAKY} {DIFFERENCES}")
    for row in emodj_rows(emodj):
        table.add_row(*row)
    console.print(table)
