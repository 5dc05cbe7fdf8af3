"""Features of one window: ours against ``librosa.feature.mfcc``.

The two run alternately and the best time of each counts; `ratio` is how many times as fast ours is.
"""

from __future__ import annotations

import numpy as np
from measure import arguments, best_of, needs_training, report

needs_training()

import librosa

from emodj_live import DemoSource, EmotionModel, FeatureExtractor


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    spec = EmotionModel.load().spec
    extractor = FeatureExtractor(spec)
    audio = np.concatenate(list(DemoSource()))
    windows = audio[: len(audio) // spec.window_length * spec.window_length].reshape(-1, spec.window_length)
    reference = np.stack([librosa.feature.mfcc(y=w, sr=spec.sample_rate, n_mfcc=spec.n_mfcc).ravel() for w in windows])
    window = windows[20]
    best = best_of(
        options.rounds,
        librosa=lambda: librosa.feature.mfcc(y=window, sr=spec.sample_rate, n_mfcc=spec.n_mfcc),
        ours=lambda: extractor.extract(window),
    )
    figures = {
        "librosa_ms": 1e3 * best["librosa"],
        "ours_ms": 1e3 * best["ours"],
        "ratio": best["librosa"] / best["ours"],
        "largest_difference": float(np.abs(extractor.extract(windows) - reference).max()),
    }
    report("features of one window", figures, as_json=options.json)


if __name__ == "__main__":
    main()
