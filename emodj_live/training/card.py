"""The model card: what a model is and what it is not, written from nothing but its provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emodj_live.atomic_file import replaced
from emodj_live.model import EmotionModel
from emodj_live.training.hyperparameters import fraction

MARK = "<!-- Written by train.py from the model's own provenance. Do not edit: train again. -->"
LEAKY = (
    "It splits half-second windows at random, so the same recording is on both sides of the split. Since 98 % of the "
    "variance of emoMusic's labels lies between songs, recognizing the recording is enough to score well."
)
DIFFERENCES = (
    "Differences from EmoDJ's notebook: the random splits are seeded, librosa now pads with zeros where it used to "
    "mirror the signal, and audio is resampled by soxr."
)
_LEVELS = {
    "window": "window alone",
    "smoothed": "after smoothing",
    "song": "song mean",
}


def markdown(model: EmotionModel) -> str:
    """Return the card of a model.

    Parameters
    ----------
    model : EmotionModel
        With provenance as train.py writes it.

    Returns
    -------
    str
    """
    provenance = model.provenance
    parts = [
        [MARK, "# Model card: emodj-live"],
        _what(model, provenance),
        _data(provenance["datasets"]),
        _honest(provenance["protocols"]["song"]),
        _leaky(provenance["protocols"].get("emodj")),
        _training(model, provenance),
        _limits(provenance),
    ]
    return "\n".join(line for part in parts if part for line in (*part, "")).rstrip("\n") + "\n"


def _what(model: EmotionModel, provenance: Mapping[str, Any]) -> list[str]:
    spec = model.spec
    return [
        "Estimates how pleasant (valence) and how energetic (arousal) music is from half a second of sound. Its input "
        f"is {spec.n_mfcc} MFCCs x {spec.n_frames} frames of {spec.window_length} samples at {spec.sample_rate} Hz, "
        "scaled to mean 0 and standard deviation 1; two support vector regressors share one RBF kernel and "
        f"{len(model.support_vectors)} support vectors. Trained on {provenance['date']}.",
        "",
        f"Made with `{provenance['command']}`.",
    ]


def _data(datasets: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = ["## Data and terms"]
    for data in datasets:
        lines += [
            "",
            f"**{data['folder']}**: {data['title']}. {data['songs']} songs, {data['windows']} labeled windows, "
            f"{data['minutes']:.0f} minutes of audio.",
            "",
            f"* Labels: {data['labels']}",
            f"* Terms: {data['licence']}",
            f"* Left out: {listed(data['left_out'])}.",
        ]
    return lines


def listed(left_out: Mapping[str, int]) -> str:
    """Return counts as text, such as "6 clips without labels, 3 empty cells"."""
    return ", ".join(f"{count} {what}" for what, count in left_out.items()) or "nothing"


def _honest(song: Mapping[str, Any] | None) -> list[str]:
    if song is None:
        return ["## Scores", "", "None: a single recording cannot be split by song."]
    shuffled = f", next to the mean over {song['shuffles']} shuffled splits" if song["shuffled"] else ""
    return [
        "## Scores by song",
        "",
        f"{song['folds']}-fold cross-validation over {song['recordings']} recordings: neither the model nor its scaler "
        f"has seen the songs that are scored. The split is an unshuffled GroupKFold{shuffled}. Every labeled window "
        "is scored by itself, and after the tracker's smoothing of 3 s from the start of its clip; the song mean is "
        "that of the smoothed values of labeled windows that are not silent. The constant predictor always answers "
        "with the mean of the training labels.",
        "",
        song["choice"],
        "",
        "| | axis | R2 | R2 shuffled | r | CCC | MAE (constant) | RMSE (constant) |",
        "|---|---|---|---|---|---|---|---|",
        *("| " + " | ".join(row) + " |" for row in score_rows(song)),
        "",
        _flips(song["unshuffled"]["flips"]),
    ]


def score_rows(song: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the score table: level, axis, R2, R2 shuffled, r, CCC, and MAE and RMSE with the constant's.

    Parameters
    ----------
    song : mapping
        What `song_protocol.by_song` returns.

    Yields
    ------
    tuple of str
    """
    for level, title in _LEVELS.items():
        for axis in ("arousal", "valence"):
            own, constant = (song[name][level][axis] for name in ("unshuffled", "constant"))
            shuffled = song["shuffled"][level][axis]["r2"] if song["shuffled"] else None
            errors = (f"{number(own[name])} ({number(constant[name])})" for name in ("mae", "rmse"))
            yield title, axis, *(number(value) for value in (own["r2"], shuffled, own["r"], own["ccc"])), *errors


def number(value: float | None, places: int = 3) -> str:
    """Return a figure as text, or a dash if there is none."""
    return "-" if value is None else f"{value:.{places}f}"


def _flips(flips: Mapping[str, float | None]) -> str:
    raw, named, labels = (
        "-" if share is None else f"{100 * share:.1f} %" for share in (flips["raw"], flips["named"], flips["labels"])
    )
    return (
        f"From one window to the next the quadrant changes on {raw} of steps for single windows, on {named} as the "
        f"tracker names it, and on {labels} in the labels."
    )


def _leaky(emodj: Sequence[Mapping[str, Any]] | None) -> list[str]:
    if not emodj:
        return []
    lines = ["## EmoDJ's own protocol: leaky, for comparison only", "", LEAKY, "", DIFFERENCES]
    for result in emodj:
        lines += [
            "",
            f"{result['folder']}: a matrix of {result['rows']} x {result['columns']}.",
            "",
            "| figure | here | EmoDJ, published |",
            "|---|---|---|",
            *("| " + " | ".join(row) + " |" for row in emodj_rows(result)),
        ]
    return lines


def emodj_rows(emodj: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of EmoDJ's table: the name of a figure, ours, and the published one.

    Parameters
    ----------
    emodj : mapping
        What `emodj_protocol.run` returns.

    Yields
    ------
    tuple of str
    """
    grid, splits, published = emodj["grid"], emodj["splits"], emodj["published"]
    for axis in ("arousal", "valence"):
        best = grid[axis]
        r2 = f"{number(best['r2_folds'])} ({number(best['r2_held_out'])})"
        yield f"{axis}: R2 of 5 folds at C = {best['C']:g} (held-out quarter)", r2, number(published["r2"][axis], 2)
    for axis in ("arousal", "valence"):
        p = "-" if splits[axis]["p"] is None else f"{splits[axis]['p']:.2g}"
        what = f"{axis}: MAE of random 95/5 splits, p of being below {published['against'][axis]}"
        yield what, f"{number(splits[axis]['mae'])}, p = {p}", number(published["mae"][axis])
    yield "mean distance in the plane", number(splits["distance"]), number(published["distance"])


def _training(model: EmotionModel, provenance: Mapping[str, Any]) -> list[str]:
    used = provenance["hyperparameters"]
    each = ", ".join(
        f"C = {used['C'][axis]:g} and epsilon = {used['epsilon'][axis]:g} for {axis}" for axis in used["C"]
    )
    every = "every labeled window" if used["stride"] == 1 else f"one labeled window in {used['stride']}"
    versions = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    return [
        "## Training",
        "",
        f"* gamma = {fraction(model.gamma)}; {each}.",
        f"* Trained on {provenance['training_windows']} windows: {every} of each song.",
        f"* Reference level: {model.reference_level:.1f} dBFS, the median of the labeled windows that are not silent.",
        f"* Made with {versions}.",
    ]


def _limits(provenance: Mapping[str, Any]) -> list[str]:
    limits = dict.fromkeys(limit for data in provenance["datasets"] for limit in data["limits"])
    general = (
        "It looks at half a second at a time and knows neither lyrics, nor genre, nor what came before.",
        "Level matters: music played much more quietly than the reference level seems calmer to it.",
        "It was trained on music; its output for speech or noise means nothing.",
        "People and cultures differ in what music feels like; the labels are at best an average over some raters.",
    )
    return ["## Limits", "", *(f"* {limit}" for limit in (*limits, *general))]


def write_card(model: EmotionModel, path: Path) -> None:
    """Write the card of a model, whole or not at all.

    Parameters
    ----------
    model : EmotionModel
    path : Path

    Raises
    ------
    ModelError
        If it cannot be written.
    """
    with replaced(path) as file:
        file.write(markdown(model).encode())
