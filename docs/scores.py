"""Print the tables of scores in the README from the bundled model's own provenance."""

from __future__ import annotations

from collections.abc import Iterator

from emodj_live import EmotionModel

_AXES = "arousal", "valence"


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def of_axes(scores: dict[str, float | None]) -> str:
    return " / ".join("-" if scores[axis] is None else f"{scores[axis]:.2f}" for axis in _AXES)


def quarters(scores: dict[str, float]) -> str:
    return f"{scores['quadrants']:.2f}"


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
    columns = "AUC arousal / valence", "r arousal / valence", "quarters"
    yield row("clips", *columns, "EmoDJ's shape: AUC", "r", "quarters")
    yield row(*["---"] * 7)
    emodj = {each["dataset"]: each["scores"] for each in song["emodj"]}
    for each in song["sets"]:
        ours, theirs = brief(each["scores"]), emodj[each["dataset"]]
        name = f"{each['dataset']} ({each['scores']['songs']['all']})"
        yield row(
            name, *(cell for one in (ours, theirs) for cell in (of_axes(one["auc"]), of_axes(one["r"]), quarters(one)))
        )


def certainty(song: dict[str, dict[str, object]]) -> Iterator[str]:
    """Yield the table of certainty, from the least to the most certain fifth of emotions."""
    bins = song["calibration"]["bins"]
    yield row("certainty said", *(f"{said:.2f}" for said, _ in bins))
    yield row(*["---"] * (1 + len(bins)))
    yield row("quarter right", *(f"{right:.2f}" for _, right in bins))


def main() -> None:
    song = EmotionModel.load().provenance["protocols"]["song"]
    print("\n".join([*scores(song), "", *certainty(song)]))


if __name__ == "__main__":
    main()
