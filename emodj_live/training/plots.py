"""Pictures of scores: scatter, confusion, calibration and learning curve, through matplotlib (the extra ``plot``)."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emodj_live.atomic_file import replaced
from emodj_live.emotion import Quadrant
from emodj_live.extras import missing
from emodj_live.training.requirements import MissingExtraError

_AXES = ("arousal", "valence")
_INK, _FAINT = "#202020", "#808080"
_TICKS = (-1, -0.5, 0, 0.5, 1)
_CORNERS = {Quadrant.HAPPY: (1, 1), Quadrant.TENSE: (-1, 1), Quadrant.SAD: (-1, -1), Quadrant.CALM: (1, -1)}
_BY_AXIS = {"AUC": "auc", "r of song means": "r"}


def require_matplotlib() -> Any:
    """Return matplotlib without its global state: no pyplot, no window.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingExtraError(missing("plot", "a plot", ["matplotlib"])) from error
    return matplotlib


def plot_set(folder: Path, name: str, rows: Sequence[Mapping[str, Any]], scores: Mapping[str, Any]) -> list[Path]:
    """Draw the scatter and the confusion of one data set.

    Parameters
    ----------
    folder : Path
        Where to write ``NAME-scatter.png`` and ``NAME-confusion.png``.
    name : str
        The data set's.
    rows : sequence of mapping
        As `song_rows` returns them.
    scores : mapping
        `Scores.as_json`.

    Returns
    -------
    list of Path
        The pictures.
    """
    stem = re.sub(r"[^\w.-]+", "-", name).strip(".-") or "set"
    paths = [folder / f"{stem}-scatter.png", folder / f"{stem}-confusion.png"]
    plot_scatter(paths[0], rows, scores, title=name)
    plot_confusion(paths[1], scores, title=name)
    return paths


def plot_scatter(path: Path, rows: Sequence[Mapping[str, Any]], scores: Mapping[str, Any], *, title: str) -> None:
    """Draw every song: its score against its label for each axis, and its place in the plane.

    Parameters
    ----------
    path : Path
    rows : sequence of mapping
        As `song_rows` returns them; those without labels are in the plane alone.
    scores : mapping
        `Scores.as_json`, for the figures in the titles.
    title : str
    """
    graded = [row for row in rows if row["label_valence"] is not None]
    figure, panels = _figure(title, 3, 5.2) if graded else _figure(title, 1, 5.6)
    for panel, axis in zip(panels[:-1], _AXES, strict=False):
        _draw_agreement(panel, graded, axis, scores["song"][axis]["r"])
    _draw_plane(panels[-1], rows, scores)
    handles, labels = panels[-1].get_legend_handles_labels()
    truly = [f"truly {label}" for label in labels]
    figure.legend(handles, truly, loc="outside lower center", ncols=4 if graded else 2, frameon=False, markerscale=1.8)
    _save(figure, path)


def _draw_agreement(panel: Any, rows: Sequence[Mapping[str, Any]], axis: str, r: float | None) -> None:
    panel.plot([-1, 1], [-1, 1], color=_FAINT, linewidth=0.8)
    _scatter(panel, rows, f"label_{axis}", axis)
    _square(panel, f"label: {axis}", f"predicted {axis}")
    panel.set_title(f"{axis}, {_songs(len(rows))}" + ("" if r is None else f": r = {r:.2f}"), fontsize="medium")


def _draw_plane(panel: Any, rows: Sequence[Mapping[str, Any]], scores: Mapping[str, Any]) -> None:
    panel.axhline(0, color=_FAINT, linewidth=0.8)
    panel.axvline(0, color=_FAINT, linewidth=0.8)
    for quadrant, (x, y) in _CORNERS.items():
        sides = {"ha": "right" if x > 0 else "left", "va": "top" if y > 0 else "bottom"}
        panel.text(0.96 * x, 0.96 * y, quadrant.value, color=_FAINT, **sides)
    _scatter(panel, rows, "valence", "arousal")
    _square(panel, "predicted valence", "predicted arousal")
    right, judged = scores["quadrants"]["right"], scores["songs"]["judged"]
    of_those = "" if judged == len(rows) else f" of {judged}"
    shown = "" if right is None else f": {right:.0%}{of_those} in their quadrant"
    panel.set_title(f"{_songs(len(rows))}{shown}", fontsize="medium")


def _scatter(panel: Any, rows: Sequence[Mapping[str, Any]], x: str, y: str) -> None:
    for quadrant in Quadrant:
        own = [row for row in rows if row["true_quadrant"] == quadrant.value]
        points = [row[x] for row in own], [row[y] for row in own]
        panel.scatter(*points, s=14, color=quadrant.color, edgecolors="white", linewidths=0.3, label=quadrant.value)


def _square(panel: Any, x: str, y: str) -> None:
    panel.set(xlim=(-1, 1), ylim=(-1, 1), xticks=_TICKS, yticks=_TICKS, aspect="equal", xlabel=x, ylabel=y)


def _songs(count: int) -> str:
    return "1 song" if count == 1 else f"{count} songs"


def plot_confusion(path: Path, scores: Mapping[str, Any], *, title: str) -> None:
    """Draw how many songs of each true quadrant were given which; the darker, the larger its share of the row.

    Parameters
    ----------
    path : Path
    scores : mapping
        `Scores.as_json`.
    title : str
    """
    quadrants = scores["quadrants"]
    names = [quadrant.value for quadrant in Quadrant]
    shares = [[count / max(1, sum(row)) for count in row] for row in quadrants["table"]]
    figure, (panel,) = _figure(title, 1)
    panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for y, row in enumerate(quadrants["table"]):
        for x, count in enumerate(row):
            color = "white" if shares[y][x] > 0.55 else _INK
            panel.text(x, y, f"{count}\n{shares[y][x]:.0%}", ha="center", va="center", color=color)
    panel.set(xticks=range(4), yticks=range(4), xticklabels=names, yticklabels=names, xlabel="named", ylabel="true")
    panel.tick_params(length=0)
    if quadrants["right"] is not None:
        panel.set_title(f"{quadrants['right']:.0%} right, chance {quadrants['chance']:.0%}", fontsize="medium")
    _save(figure, path)


def plot_calibration(path: Path, known: Mapping[str, Mapping[str, Any] | None]) -> None:
    """Draw said certainty against how often it was right.

    Parameters
    ----------
    path : Path
    known : mapping
        `Reliability.as_json` by the name of a data set, or of all together; those that are None are left out.
    """
    figure, (panel,) = _figure("", 1)
    panel.plot([0, 1], [0, 1], color=_FAINT, linewidth=0.8)
    for name, each in known.items():
        if each:
            said, right = zip(*each["bins"], strict=True)
            label = _label(f"{name} (error {each['error']:.3f})")
            panel.plot(said, right, "o-", linewidth=1.4, markersize=5, label=label)
    ticks = [0, 0.25, 0.5, 0.75, 1]
    panel.set(xlim=(0, 1), ylim=(0, 1), xticks=ticks, yticks=ticks, aspect="equal")
    panel.set(xlabel="said: certainty", ylabel="came true: share of emotions")
    panel.legend(*panel.get_legend_handles_labels(), loc="upper left", frameon=False, fontsize="small")
    _save(figure, path)


def plot_learning_curve(path: Path, points: Sequence[Mapping[str, Any]]) -> None:
    """Draw how the songs' figures grow with the number of songs to learn from.

    Parameters
    ----------
    path : Path
    points : sequence of mapping
        ``groups``, how many groups of songs the model learned from, and ``scores``, `Scores.brief` by data set.
    """
    figure, panels = _figure("", 3)
    names = dict.fromkeys(name for point in points for name in point["scores"])
    for number, name in enumerate(names):
        own = [(point["groups"], point["scores"][name]) for point in points if name in point["scores"]]
        for panel, key in zip(panels, _BY_AXIS.values(), strict=False):
            for axis, style in zip(_AXES, ("o-", "s--"), strict=True):
                _draw_curve(panel, [(x, brief[key][axis]) for x, brief in own], style, number, f"{name}: {axis}")
        _draw_curve(panels[2], [(x, brief["quadrants"]) for x, brief in own], "o-", number, name)
    for panel, title in zip(panels, (*_BY_AXIS, "quadrants right"), strict=True):
        panel.set_title(title, fontsize="medium")
        panel.set(xlabel="groups of songs to learn from")
        panel.grid(color="#e8e8e8", linewidth=0.8)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=max(1, len(names)), frameon=False)
    _save(figure, path)


def _draw_curve(panel: Any, points: Sequence[tuple[int, float | None]], style: str, number: int, label: str) -> None:
    defined = [(x, y) for x, y in points if y is not None]
    x, y = [x for x, _ in defined], [y for _, y in defined]
    panel.plot(x, y, style, color=f"C{number}", linewidth=1.4, markersize=4, label=_label(label))


def _label(text: str) -> str:
    """Return a text as matplotlib shows it as it is: no formula, and not hidden for its underscore."""
    printable = text.encode(errors="replace").decode().replace("$", r"\$")
    return f" {printable}" if printable.startswith("_") else printable


def _figure(title: str, panels: int, height: float = 4.9) -> tuple[Any, Any]:
    """Return a figure with panels side by side."""
    figure = require_matplotlib().figure.Figure(figsize=(4.4 * panels + 0.4, height), layout="constrained")
    if title:
        figure.suptitle(title.encode(errors="replace").decode(), parse_math=False, color=_INK)
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def _save(figure: Any, path: Path) -> None:
    drawn = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters in a title that the font lacks
        figure.savefig(drawn, format="png", dpi=120)
    with replaced(path) as file:
        file.write(drawn.getvalue())
