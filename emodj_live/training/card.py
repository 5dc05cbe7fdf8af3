"""The model card: what a model is and what it is not, written from nothing but the model with its provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emodj_live.atomic_file import replaced
from emodj_live.model import EmotionModel
from emodj_live.training.card_scores import score_lines
from emodj_live.training.hyperparameters import fraction
from emodj_live.training.score_grids import number

MARK = "<!-- Written by train.py from the model's own provenance. Do not edit: train again. -->"
LEAKY = (
    "It splits half-second windows at random, so the same recording is on both sides of the split. Since 98 % of the "
    "variance of emoMusic's labels lies between songs, recognizing the recording is enough to score well."
)
DIFFERENCES = (
    "Differences from EmoDJ's notebook: the random splits are seeded, librosa now pads with zeros where it used to "
    "mirror the signal, and audio is resampled by soxr."
)


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
        score_lines(provenance["protocols"]["song"], model.spec.context),
        _leaky(provenance["protocols"].get("emodj")),
        _training(model, provenance),
        _limits(model, provenance),
    ]
    return "\n".join(line for part in parts if part for line in (*part, "")).rstrip("\n") + "\n"


def _what(model: EmotionModel, provenance: Mapping[str, Any]) -> list[str]:
    return [
        "Estimates how pleasant (valence) and how energetic (arousal) music is, twice a second, while it plays. "
        f"{_input(model)} {_kernel(model, provenance['hyperparameters'])} Trained on {provenance['date']}.",
        "",
        f"Made with `{provenance['command']}`.",
    ]


def _input(model: EmotionModel) -> str:
    spec = model.spec
    windows = f"{spec.n_mfcc} MFCCs x {spec.n_frames} frames of {spec.window_length} samples at {spec.sample_rate} Hz"
    if not spec.context:
        return f"Its input is {windows}, scaled to mean 0 and standard deviation 1."
    return (
        f"Its input is {windows}, and {spec.n_features - spec.n_coefficients} statistics of timbre, spectral contrast, "
        f"harmony and onsets over the last {spec.context:g} s, each scaled to mean 0 and standard deviation 1 and each "
        "block weighted as a whole."
    )


def _kernel(model: EmotionModel, used: Mapping[str, Any]) -> str:
    count = len(model.support_vectors)
    if used.get("estimator") == "condensed":
        return f"Valence and arousal are two sums of one RBF kernel over {count} centers that they share."
    return f"Two support vector regressors share one RBF kernel and {count} support vectors."


def _data(datasets: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = ["## Data and terms"]
    for data in datasets:
        lines += [
            "",
            f"**{data['folder']}**: {data['title']}. {data['songs']} songs, {data['windows']} labeled windows, "
            f"{data['minutes']:.0f} minutes of audio.",
            "",
            f"* Labels: {data['labels']}",
            *_adjusted(data),
            f"* Terms: {data['licence']}",
            f"* Left out: {listed(data['left_out'])}.",
        ]
    return lines


def _adjusted(data: Mapping[str, Any]) -> Iterator[str]:
    """Say what was done to the labels, and how much the set counts, unless that is nothing."""
    scale, offset = data.get("scale") or (1, 1), data.get("offset") or (0, 0)
    changes = [
        f"{axis} times {scale[column]:g} {'plus' if offset[column] >= 0 else 'minus'} {abs(offset[column]):g}"
        for column, axis in enumerate(("valence", "arousal"))
        if (scale[column], offset[column]) != (1, 0)
    ]
    if changes:
        yield f"* Labels as used: {', '.join(changes)}. Scores below are against these."
    if (weight := data.get("weight")) not in (None, 1):
        yield f"* Weight of each of its windows in training: {weight:.3g}."


def listed(left_out: Mapping[str, int]) -> str:
    """Return counts as text, such as "6 clips without labels, 3 empty cells"."""
    return ", ".join(f"{count} {what}" for what, count in left_out.items()) or "nothing"


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
    every = "every labeled window" if used["stride"] == 1 else f"one labeled window in {used['stride']}"
    versions = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    return [
        "## Training",
        "",
        f"* gamma = {fraction(model.gamma)}; {_fit(model, used)}.",
        *_weights(model, used),
        f"* Trained on {provenance['training_windows']} windows: {every} of each song.",
        f"* Reference level: {model.reference_level:.1f} dBFS, the median of the labeled windows that are not silent.",
        *_calibration(model),
        f"* Made with {versions}.",
    ]


def _fit(model: EmotionModel, used: Mapping[str, Any]) -> str:
    if used.get("estimator") == "condensed":
        return f"{len(model.support_vectors)} centers; ridge penalty alpha = {used['alpha']:g}"
    return ", ".join(
        f"C = {used['C'][axis]:g} and epsilon = {used['epsilon'][axis]:g} for {axis}" for axis in used["C"]
    )


def _weights(model: EmotionModel, used: Mapping[str, Any]) -> Iterator[str]:
    if model.spec.context and used.get("context_weight") is not None:
        yield f"* The context's statistics have {used['context_weight']:.0%} of the weight in the kernel's distances."
        if (timbre := used.get("timbre_weight", 1)) != 1:
            yield f"* Among them, distances in the mean MFCCs (but the first) count {timbre:g} times as much as others."


def _calibration(model: EmotionModel) -> Iterator[str]:
    if model.calibration:
        valence, arousal = model.calibration.deviations
        yield (
            f"* Certainty takes smoothed predictions to be off by a standard deviation of {arousal:.2f} (arousal) and "
            f"{valence:.2f} (valence), measured out of fold."
        )


def _limits(model: EmotionModel, provenance: Mapping[str, Any]) -> list[str]:
    limits = dict.fromkeys(limit for data in provenance["datasets"] for limit in data["limits"])
    return ["## Limits", "", *(f"* {limit}" for limit in (*limits, *_general_limits(model)))]


def _general_limits(model: EmotionModel) -> Iterator[str]:
    context = model.spec.context
    yield (
        f"It hears {f'the last {context:g} s' if context else 'half a second'} at a time. It knows neither lyrics, nor "
        "genre, nor how a piece began or where it leads."
    )
    yield "Level matters: music played much more quietly than the reference level seems calmer to it."
    yield "It was trained on music; its output for speech or noise means nothing."
    yield "People and cultures differ in what music feels like; the labels are at best an average over some raters."
    if model.calibration:
        yield "Certainty was measured on the data above; on music unlike it, it may come true less often than it says."


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
        file.write(markdown(model).encode(errors="replace"))
