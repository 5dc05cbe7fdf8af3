"""What the trainer and the evaluation print at their end: the scores, and where the files are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from emodj_live.model import EmotionModel
from emodj_live.training import score_grids
from emodj_live.training.card import DIFFERENCES, LEAKY, emodj_rows, listed
from emodj_live.training.score_grids import Grid

_WIDTH = 120  # columns, at least: the widest table


def wide_console() -> Console:
    """Return standard output as a console that is wide enough for the tables."""
    return Console(width=max(_WIDTH, Console().width), highlight=False)


def print_grid(grid: Grid, title: str, console: Console) -> None:
    """Print a table."""
    table = Table(*grid.columns, title=title, title_justify="left")
    for row in grid.rows:
        table.add_row(*row)
    console.print(table)


def print_scores(model: EmotionModel, path: Path, card: Path, console: Console | None = None) -> None:
    """Print the scores of a model.

    Parameters
    ----------
    model : EmotionModel
        With provenance as the trainer writes it.
    path, card : Path
        Where the model and its card are.
    console : Console, optional
        Where to print; by default the standard output stream, at least 120 columns wide.
    """
    console = console or wide_console()
    protocols = model.provenance["protocols"]
    for data in model.provenance["datasets"]:
        line = f"{data['folder']}: {data['songs']} songs, {data['windows']} labeled windows"
        console.print(f"{line}. Left out: {listed(data['left_out'])}.", markup=False)
    if song := protocols["song"]:
        _print_song(song, console)
    for emodj in protocols.get("emodj", ()):
        _print_emodj(emodj, console)
    is_condensed = model.provenance["hyperparameters"].get("estimator") == "condensed"
    vectors = f"{len(model.support_vectors)} {'centers' if is_condensed else 'support vectors'}"
    console.print(
        f"{path}: {path.stat().st_size / 1e6:.1f} MB, {vectors}, "
        f"reference level {model.reference_level:.1f} dBFS. Its card: {card}",
        markup=False,
        soft_wrap=True,
    )


def _print_song(song: Mapping[str, Any], console: Console) -> None:
    rows = [((each["dataset"],), each["scores"], each["spread"]) for each in song["sets"]]
    title = f"By song: {song['folds']} folds over {song['groups']} groups of songs"
    print_grid(score_grids.headlines(("data set",), rows), title, console)
    console.print(song["choice"], markup=False)
    _print_comparison(song, console)
    known = [(each["dataset"], each["scores"]["calibration"]) for each in song["sets"]]
    if grid := score_grids.calibration([*known, *([("all together", song["calibration"])] if len(known) > 1 else [])]):
        print_grid(grid, "Certainty: said, and right", console)
    for each in song["sets"]:
        for warning in score_grids.warnings(each["scores"]):
            console.print(f"{each['dataset']}: {warning}", markup=False)


def _print_comparison(song: Mapping[str, Any], console: Console) -> None:
    if others := song.get("emodj"):
        rows = [((each["dataset"],), each["scores"], None) for each in others]
        title = "EmoDJ's shape, 264 MFCCs and exact regressors, by the same folds"
        print_grid(score_grids.headlines(("data set",), rows), title, console)
    if pairs := song.get("cross"):
        tried = [((" + ".join(each["trained_on"]), each["tried_on"]), each["scores"], None) for each in pairs]
        grid = score_grids.headlines(("trained on", "tried on"), tried)
        print_grid(grid, "Trained on one set, tried on another", console)


def print_evaluation(found: Mapping[str, Any], console: Console | None = None) -> None:
    """Print what a model does on some data sets.

    Parameters
    ----------
    found : mapping
        `Evaluation.as_json`.
    console : Console, optional
        Where to print; by default the standard output stream, at least 120 columns wide.
    """
    console = console or wide_console()
    sets = found["sets"]
    rows = [((each["dataset"],), each["scores"], None) for each in sets]
    print_grid(score_grids.headlines(("data set",), rows), f"{found['model']}, by song", console)
    for each in sets:
        _print_set(each, console)
    known = [(each["dataset"], each["scores"]["calibration"]) for each in sets]
    if grid := score_grids.calibration([*known, *([("all together", found["calibration"])] if len(sets) > 1 else [])]):
        print_grid(grid, "Certainty: said, and right", console)


def _print_set(each: Mapping[str, Any], console: Console) -> None:
    name, scores = each["dataset"], each["scores"]
    if scores["songs"]["graded"]:
        title = f"{name}: {scores['songs']['graded']} songs with values (constant: the mean of the set's own labels)"
        print_grid(score_grids.agreement(scores, each["constant"]), title, console)
    print_grid(score_grids.confusion(scores), f"{name}: quadrants of {scores['songs']['judged']} songs", console)
    for sentence in score_grids.sentences(scores):
        console.print(sentence, markup=False)
    for warning in each["warnings"]:
        console.print(f"{name}: {warning}", markup=False, style="bold")
    console.print(f"{name}: left out: {listed(each['left_out'])}.", markup=False)


def _print_emodj(emodj: Mapping[str, Any], console: Console) -> None:
    title = f"EmoDJ's own protocol: LEAKY ({emodj['folder']}, {emodj['rows']} x {emodj['columns']})"
    table = Table("figure", "here", "EmoDJ, published", title=title, caption=f"{LEAKY} {DIFFERENCES}")
    for row in emodj_rows(emodj):
        table.add_row(*row)
    console.print(table)
