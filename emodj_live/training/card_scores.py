"""The part of the model card that says how good the model is: by song, out of fold, for each data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emodj_live.training import score_grids
from emodj_live.training.score_grids import Grid

_HOW_TO_READ = (
    "A song's score is the mean of the smoothed values over its labeled windows that are not silent, after its first "
    "3 s. **AUC** says how often, of two songs with different signs, the right one has the higher score: 0.5 is a coin "
    "toss, 1 is perfect. **Quadrants right** takes the signs of both scores, with no threshold fitted; chance names "
    "the most frequent quadrant every time. The truth is the quadrant that listeners gave to a song where the data set "
    "has one, else the signs of its labels. **r**, **R2** and the tables further down are over songs whose labels are "
    "values. ± is the standard deviation over the folds."
)
_CERTAINTY = (
    "Each cell has the mean certainty and the share of emotions whose quadrant was right, for fifths of the same "
    "number of emotions from the least to the most certain; every song counts the same. The error is the mean distance "
    "between the two."
)


def score_lines(song: Mapping[str, Any] | None, context: float) -> list[str]:
    """Return the lines about scores.

    Parameters
    ----------
    song : mapping or None
        The provenance's ``protocols["song"]``.
    context : float
        Of the model's features [s].

    Returns
    -------
    list of str
    """
    if song is None:
        return ["## Scores", "", "None: a single group of songs cannot be split."]
    return [
        *_headlines(song),
        *_beside_emodj(song, context),
        *_cross(song),
        *_certainty(song),
        *(line for each in song["sets"] for line in _details(each)),
    ]


def markdown_table(grid: Grid) -> list[str]:
    """Return a table in Markdown."""
    rule = "|" + "---|" * len(grid.columns)
    return [f"| {' | '.join(grid.columns)} |", rule, *(f"| {' | '.join(row)} |" for row in grid.rows)]


def _headlines(song: Mapping[str, Any]) -> list[str]:
    rows = [((each["dataset"],), each["scores"], each["spread"]) for each in song["sets"]]
    return [
        "## Scores by song",
        "",
        f"{song['folds']}-fold cross-validation over {song['groups']} groups of songs (the same artist, or the same "
        "recording): neither the model nor its scaler has seen the groups that are scored.",
        "",
        song["choice"],
        "",
        *markdown_table(score_grids.headlines(("data set",), rows)),
        "",
        _HOW_TO_READ,
        *(f"\n**{each['dataset']}**: {warning}" for each in song["sets"] for warning in _warnings(each)),
    ]


def _warnings(each: Mapping[str, Any]) -> list[str]:
    return score_grids.warnings(each["scores"])


def _beside_emodj(song: Mapping[str, Any], context: float) -> list[str]:
    if not song.get("emodj"):
        return []
    own = {each["dataset"]: each["scores"] for each in song["sets"]}
    name = f"this model, with a context of {context:g} s" if context else "this model"
    rows = []
    for each in song["emodj"]:
        if each["dataset"] in own:
            rows.append(((each["dataset"], name), own[each["dataset"]], None))
        rows.append(((each["dataset"], "EmoDJ's shape"), each["scores"], None))
    return [
        "",
        "### What the context brings",
        "",
        "EmoDJ's shape, 264 MFCCs of half a second and two exact support vector regressors, trained on the same songs "
        "(a quarter of the windows, because exact regressors take minutes) and scored by the same folds.",
        "",
        *markdown_table(score_grids.headlines(("data set", "model"), rows)),
    ]


def _cross(song: Mapping[str, Any]) -> list[str]:
    if not song.get("cross"):
        return []
    rows = [((" + ".join(each["trained_on"]), each["tried_on"]), each["scores"], None) for each in song["cross"]]
    return [
        "",
        "### Trained on one set, tried on another",
        "",
        "What a model of the same kind does on a data set that it has not seen at all.",
        "",
        *markdown_table(score_grids.headlines(("trained on", "tried on"), rows)),
    ]


def _certainty(song: Mapping[str, Any]) -> list[str]:
    known = [(each["dataset"], each["scores"]["calibration"]) for each in song["sets"]]
    if len(known) > 1:
        known.append(("all together", song.get("calibration")))
    grid = score_grids.calibration(known)
    if grid is None:
        return []
    return ["", "### Does certainty come true?", "", *markdown_table(grid), "", _CERTAINTY]


def _details(each: Mapping[str, Any]) -> list[str]:
    scores = each["scores"]
    lines = ["", f"### {each['dataset']} in detail", ""]
    if scores["songs"]["graded"]:
        lines += [*markdown_table(score_grids.agreement(scores, each["constant"])), ""]
        if each["constant"]:
            lines += ["The constant predictor always answers with the mean of the training labels.", ""]
    lines += [*markdown_table(score_grids.confusion(scores)), "", *score_grids.sentences(scores)]
    return lines
