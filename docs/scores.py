"""Print the tables of scores in the README from the bundled model's own provenance."""

from __future__ import annotations

from collections.abc import Iterator

from emodj_live import EmotionModel

_AXES = "arousal", "valence"


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def of_axes(scores: dict[str, float | None]) -> str:
    return " / ".join("-" if scores[axis] is None else f"{scores[axis]:.2f}" for axis in _AXES)


def quadrants(scores: dict[str, float]) -> str:
    return f"{scores['quadrants']:.2f}"


def songs(name: str, count: dict[str, int]) -> str:
    """Return how many songs there are, and how many have a quadrant or values if not all have."""
    if count["judged"] == count["graded"] == count["all"]:
        return f"{name} ({count['all']})"
    return f"{name} ({count['judged']} with a quadrant, {count['graded']} with values)"


def brief(scores: dict[str, dict[str, dict[str, float | None]]]) -> dict[str, object]:
    """Return the figures of full scores as brief ones have them."""
    songs = scores["song"]
    return {
        "auc": scores["auc"],
        "quadrants": scores["quadrants"]["right"],
        "r": {axis: songs[axis]["r"] for axis in _AXES},
    }


def scores(song: dict[str, list[dict[str, object]]]) -> Iterator[str]:
    """Yield the table of scores by song."""
    columns = "AUC arousal / valence", "r arousal / valence", "quadrants right"
    yield row("clips", *columns, "EmoDJ's shape: AUC", "r", "quadrants")
    yield row(*["---"] * 7)
    emodj = {each["dataset"]: each["scores"] for each in song["emodj"]}
    for each in song["sets"]:
        ours, theirs = brief(each["scores"]), emodj[each["dataset"]]
        cells = (cell for one in (ours, theirs) for cell in (of_axes(one["auc"]), of_axes(one["r"]), quadrants(one)))
        yield row(songs(each["dataset"], each["scores"]["songs"]), *cells)


def cross(song: dict[str, list[dict[str, object]]]) -> Iterator[str]:
    """Yield the table of each data set against the others."""
    yield row("trained on", "tried on", "AUC arousal / valence", "r arousal / valence", "quadrants right (chance)")
    yield row(*["---"] * 5)
    for each in song["cross"]:
        found = each["scores"]
        right = f"{quadrants(found)} ({found['chance']:.2f})"
        yield row(", ".join(each["trained_on"]), each["tried_on"], of_axes(found["auc"]), of_axes(found["r"]), right)


def certainty(song: dict[str, dict[str, object]]) -> Iterator[str]:
    """Yield the table of certainty, from the least to the most certain fifth of emotions."""
    bins = song["calibration"]["bins"]
    yield row("certainty said", *(f"{said:.2f}" for said, _ in bins))
    yield row(*["---"] * (1 + len(bins)))
    yield row("quadrant right", *(f"{right:.2f}" for _, right in bins))


def main() -> None:
    song = EmotionModel.load().provenance["protocols"]["song"]
    print("\n".join([*scores(song), "", *cross(song), "", *certainty(song)]))


if __name__ == "__main__":
    main()
