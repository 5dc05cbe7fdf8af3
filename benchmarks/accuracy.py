"""How well a model agrees with annotations that it was not trained on: any model, any annotated folder.

Per window, after the tracker's smoothing, and per song: R2, Pearson's r, Lin's concordance (CCC), MAE and RMSE; and
how often the quadrant changes from one step to the next, for raw windows, as the tracker names it, and as people do.
"""

from __future__ import annotations

import json
from pathlib import Path

from measure import arguments, needs_training
from rich.console import Console
from rich.table import Table

needs_training()

from emodj_live import EmotionModel
from emodj_live.training import evaluate, extract, load_dataset, tabulate


def show(figures: dict[str, object]) -> None:
    table = Table(title=f"{figures['dataset']}: {figures['songs']} songs, {figures['windows']} labeled windows")
    for column in ("", "", "R2", "r", "CCC", "MAE", "RMSE"):
        table.add_column(column)
    for level in ("window", "smoothed", "song"):
        for axis in ("arousal", "valence"):
            values = figures["scores"][level][axis].values()
            table.add_row(level, axis, *("-" if value is None else f"{value:.3f}" for value in values))
    console = Console()
    console.print(table)
    shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in figures["scores"]["flips"].items())
    console.print(f"quadrant changes per step: {shares}")


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("dataset", type=Path, help="folder with annotations and clips, as for train.py")
    parser.add_argument("--model", type=Path, help="model file; by default the shipped one")
    options = parser.parse_args()
    model = EmotionModel.load(options.model)
    dataset = load_dataset(options.dataset)
    clips, _ = extract(dataset.songs, model.spec, jobs=-1)
    table = tabulate(clips)
    figures = {
        "benchmark": "accuracy",
        "dataset": dataset.name,
        "songs": len(clips),
        "windows": int(table.labeled.sum()),
        "scores": evaluate(table, model.predict(table.features)).as_json(),
    }
    if options.json:
        print(json.dumps(figures))
    else:
        show(figures)


if __name__ == "__main__":
    main()
