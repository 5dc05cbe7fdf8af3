"""How well a model hears the quadrants of a 4Q folder (Panda, Malheiro and Paiva 2018): folders Q1 to Q4 with clips.

Q1 is happy, Q2 tense, Q3 sad and Q4 calm. A clip's values are the means of its profile, as `analyze` gives them. The
area under the ROC curve says how often a clip of the upper half gets a higher value than one of the lower half: 0.5 is
chance, 1 is perfect. No threshold is fitted: the quadrant is that of the signs.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread for each process

import joblib
import numpy as np
from measure import arguments, report

from emodj_live import Quadrant, SourceError, analyze, load_model

_FOLDERS = {"Q1": Quadrant.HAPPY, "Q2": Quadrant.TENSE, "Q3": Quadrant.SAD, "Q4": Quadrant.CALM}


def hear(path: Path, truth: Quadrant, model: object) -> tuple[Quadrant, float, float] | None:
    """Return a clip's true quadrant and its mean valence and arousal."""
    try:
        profile = analyze(path, model)
    except SourceError:
        return None
    return truth, profile.valence, profile.arousal


def area_under_curve(values: np.ndarray, is_upper: np.ndarray) -> float:
    """Return the share of pairs, one from each half, in which the upper one has the higher value."""
    upper, lower = values[is_upper], values[~is_upper]
    return float((upper[:, np.newaxis] > lower).mean() + 0.5 * (upper[:, np.newaxis] == lower).mean())


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("folder", type=Path, help="holds the folders Q1, Q2, Q3 and Q4")
    parser.add_argument("--model", type=Path, help="model file; by default the bundled one")
    options = parser.parse_args()
    model = load_model(options.model)
    clips = [(path, truth) for name, truth in _FOLDERS.items() for path in sorted((options.folder / name).iterdir())]
    found = joblib.Parallel(n_jobs=-1)(joblib.delayed(hear)(path, truth, model) for path, truth in clips)
    heard = [one for one in found if one is not None]
    truths = [truth for truth, _, _ in heard]
    valence, arousal = np.array([values for _, *values in heard]).T
    pleasant = np.array([truth in (Quadrant.HAPPY, Quadrant.CALM) for truth in truths])
    excited = np.array([truth in (Quadrant.HAPPY, Quadrant.TENSE) for truth in truths])
    figures = {
        "clips": len(heard),
        "unreadable": len(found) - len(heard),
        "arousal_auc": area_under_curve(arousal, excited),
        "valence_auc": area_under_curve(valence, pleasant),
        "quadrants_right": float(np.mean([Quadrant.of(*point) is truth for truth, *point in heard])),
        "valence_follows_arousal_r": float(np.corrcoef(valence, arousal)[0, 1]),
    }
    report("quadrants", figures, as_json=options.json)


if __name__ == "__main__":
    main()
