"""The tables and sentences that a model card and the terminal share, from scores as plain JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emodj_live.emotion import Quadrant

FEW_SONGS = 30
LEVELS = {
    "window": "window alone",
    "smoothed": "after smoothing",
    "song": "song mean",
}
_AXES = ("arousal", "valence")
_HEADLINES = ("songs", "quadrants right (chance)", *(f"{axis} {name}" for name in ("AUC", "r", "R2") for axis in _AXES))


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of text.

    Attributes
    ----------
    columns : tuple of str
    rows : tuple of tuple of str
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def number(value: float | None, places: int = 3) -> str:
    """Return a figure as text, or a dash if there is none."""
    return "-" if value is None else f"{value:.{places}f}"


def percent(share: float | None, places: int = 0) -> str:
    """Return a share in percent, or a dash if there is none."""
    return "-" if share is None else f"{100 * share:.{places}f} %"


def headlines(first: Sequence[str], rows: Sequence[tuple[Sequence[str], Mapping[str, Any], Any]]) -> Grid:
    """Return the songs' figures, one row for each data set or comparison.

    Parameters
    ----------
    first : sequence of str
        Titles of the columns that say what a row is about.
    rows : sequence of tuple
        What a row is about, the scores in brief or in full, and their spread over folds or None.

    Returns
    -------
    Grid
    """
    return Grid((*first, *_HEADLINES), tuple((*about, *_headline(scores, spread)) for about, scores, spread in rows))


def _headline(scores: Mapping[str, Any], spread: Mapping[str, Any] | None) -> Iterator[str]:
    brief = brief_of(scores)
    places = _places(scores)
    yield str(brief["songs"]["all"])
    right = _with_spread(brief["quadrants"], spread["quadrants"] if spread else None, places)
    yield f"{right} ({number(brief['chance'], places)})" if brief["quadrants"] is not None else "-"
    for name in ("auc", "r", "r2"):
        for axis in _AXES:
            yield _with_spread(brief[name][axis], spread[name][axis] if spread else None, places)


def _with_spread(value: float | None, deviation: float | None, places: int) -> str:
    shown = number(value, places)
    return shown if value is None or deviation is None else f"{shown} ± {number(deviation, places)}"


def _places(scores: Mapping[str, Any]) -> int:
    """Return how many decimals figures deserve: a few songs do not give three."""
    return 3 if scores["songs"]["all"] >= FEW_SONGS else 2


def brief_of(scores: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the brief form of scores that may be in full, as `Scores.brief` does."""
    if "song" not in scores:
        return scores
    return {
        **{name: scores[name] for name in ("songs", "auc")},
        "quadrants": scores["quadrants"]["right"],
        "chance": scores["quadrants"]["chance"],
        **{name: {axis: scores["song"][axis][name] for axis in _AXES} for name in ("r", "r2")},
    }


def agreement(scores: Mapping[str, Any], constant: Mapping[str, Any] | None) -> Grid:
    """Return how well predictions agree with labels that are values: at each level, on each axis.

    Parameters
    ----------
    scores : mapping
        In full.
    constant : mapping, optional
        As `constant_errors` returns it.

    Returns
    -------
    Grid
    """
    errors = ("MAE (constant)", "RMSE (constant)") if constant else ("MAE", "RMSE")
    rows = tuple(
        (title, axis, *_agreement(scores[level][axis], constant and constant[level][axis], _places(scores)))
        for level, title in LEVELS.items()
        for axis in _AXES
    )
    return Grid(("", "axis", "R2", "r", "CCC", *errors), rows)


def _agreement(own: Mapping[str, Any], constant: Mapping[str, Any] | None, places: int) -> Iterator[str]:
    yield from (number(own[name], places) for name in ("r2", "r", "ccc"))
    for name in ("mae", "rmse"):
        shown = number(own[name], places)
        yield f"{shown} ({number(constant[name], places)})" if constant else shown


def confusion(scores: Mapping[str, Any]) -> Grid:
    """Return how many songs of each true quadrant were given which."""
    names = [quadrant.value for quadrant in Quadrant]
    table = scores["quadrants"]["table"]
    rows = ((f"truly {name}", *map(str, counts)) for name, counts in zip(names, table, strict=True))
    return Grid(("songs", *(f"named {name}" for name in names)), tuple(rows))


def calibration(known: Sequence[tuple[str, Mapping[str, Any] | None]]) -> Grid | None:
    """Return said certainty against how often it was right, or None if nobody knows.

    Parameters
    ----------
    known : sequence of tuple
        A name and a `Reliability` as JSON, for each data set and for all together.

    Returns
    -------
    Grid or None
    """
    rows = [(name, each) for name, each in known if each]
    if not rows:
        return None
    n_bins = max(len(each["bins"]) for _, each in rows)
    columns = ("said: right", *(f"fifth {index}" for index in range(1, n_bins + 1)), "mean", "error")
    return Grid(columns, tuple(_calibration(name, each, n_bins) for name, each in rows))


def _calibration(name: str, each: Mapping[str, Any], n_bins: int) -> tuple[str, ...]:
    bins = [f"{number(said, 2)}: {number(right, 2)}" for said, right in each["bins"]]
    mean = f"{number(each['said'], 2)}: {number(each['right'], 2)}"
    places = 3 if each["songs"] >= FEW_SONGS else 2
    return name, *bins, *["-"] * (n_bins - len(bins)), mean, number(each["error"], places)


def sentences(scores: Mapping[str, Any]) -> list[str]:
    """Return in words what no table has: how the axes go together, how wide scores spread, how often names change."""
    together, spread = scores["together"], scores["spread"]
    found = [_flips(scores["flips"])]
    if together["predicted"] is not None:
        beside = "" if together["labels"] is None else f"; between those of the labels, {together['labels']:+.2f}"
        found.append(
            f"Correlation between predicted valence and arousal over songs: {together['predicted']:+.2f}{beside}."
        )
    if spread["arousal"] is not None and spread["valence"] is not None:
        found.append(
            f"The songs' scores spread over {percent(spread['arousal'])} (arousal) and {percent(spread['valence'])} "
            "(valence) of what their labels do, by standard deviation."
        )
    return found


def _flips(flips: Mapping[str, float | None]) -> str:
    raw, named, labels = (percent(flips[name], 1) for name in ("raw", "named", "labels"))
    return (
        f"From one window to the next the quadrant changes on {raw} of steps for single windows, on {named} as the "
        f"tracker names it, and on {labels} in the labels."
    )


def warnings(scores: Mapping[str, Any]) -> list[str]:
    """Return what a reader has to know about figures from few songs, or about figures that are missing."""
    counts = brief_of(scores)["songs"]
    found = []
    if counts["all"] < FEW_SONGS:
        songs = "1 song is" if counts["all"] == 1 else f"{counts['all']} songs are"
        found.append(f"{songs} too few: read these figures as a check that nothing is broken.")
    elif 0 < min(counts["graded"], counts["judged"]) < FEW_SONGS:
        found += [
            f"Only {counts[name]} songs have {what}: read the figures from these as a check that nothing is broken."
            for name, what in (("graded", "values as labels"), ("judged", "a quadrant"))
            if 0 < counts[name] < FEW_SONGS
        ]
    if not counts["graded"]:
        found.append("The labels say the quadrant alone, so there is nothing to compare values with.")
    return found
