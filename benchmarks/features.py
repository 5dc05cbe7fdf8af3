"""Features of one window: the MFCCs against ``librosa.feature.mfcc``, and what the context costs beside them.

All run alternately and the best time of each counts. `ratio` is how many times as fast as librosa's our MFCCs are;
`context_ratio` how much time the context takes for each window, as a share of the MFCCs' own: `context_ms` is that of
what a window adds to the context and of the statistics over it, for windows that come one by one, as they do live.
`context_ratio_batch` is the same for windows that come sixteen at a time, as they do from a file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import count

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, before NumPy is imported

import numpy as np
from measure import arguments, best_of, needs_training, report

needs_training()

import librosa

from emodj_live import Context, DemoSource, EmotionModel, FeatureExtractor, FeatureSpec

_BATCH = 16


def context_task(spec: FeatureSpec, described: np.ndarray) -> Callable[[], None]:
    """Return a function that puts some windows more into a stream's context."""
    context, number, is_silent = Context(spec), count(), np.zeros(len(described), bool)
    spacing = spec.window_length / spec.sample_rate

    def more() -> None:
        times = (len(described) * next(number) + np.arange(1, 1 + len(described))) * spacing
        context.features(described, times, is_silent)

    for _ in range(_BATCH):
        more()  # until the context is full
    return more


def measure(spec: FeatureSpec, windows: np.ndarray, rounds: int) -> dict[str, float]:
    """Return the best time of each step for one window [s]."""
    extractor, window = FeatureExtractor(spec), windows[20]
    described = extractor.describe(windows[:_BATCH])
    best = best_of(
        rounds,
        librosa=lambda: librosa.feature.mfcc(y=window, sr=spec.sample_rate, n_mfcc=spec.n_mfcc),
        ours=lambda: extractor.extract(window),
        description=lambda: extractor.describe(window),
        one=context_task(spec, described[:1]),
        batch=context_task(spec, described),
    )
    return best | {"batch": best["batch"] / _BATCH}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    spec = EmotionModel.load().spec
    spec = replace(spec, context=spec.context or 4.0)
    audio = np.concatenate(list(DemoSource()))
    windows = audio[: len(audio) // spec.window_length * spec.window_length].reshape(-1, spec.window_length)
    reference = np.stack([librosa.feature.mfcc(y=w, sr=spec.sample_rate, n_mfcc=spec.n_mfcc).ravel() for w in windows])
    best = measure(spec, windows, options.rounds)
    added = best["description"] - best["ours"]
    figures = {
        "librosa_ms": 1e3 * best["librosa"],
        "ours_ms": 1e3 * best["ours"],
        "ratio": best["librosa"] / best["ours"],
        "context_ms": 1e3 * (added + best["one"]),
        "context_ratio": (added + best["one"]) / best["ours"],
        "context_ratio_batch": (added + best["batch"]) / best["ours"],
        "largest_difference": float(np.abs(FeatureExtractor(spec).extract(windows) - reference).max()),
    }
    report("features of one window", figures, as_json=options.json)


if __name__ == "__main__":
    main()
