"""A song of four minutes: ours against EmoDJ's way.

EmoDJ's way is ``librosa.load``, ``librosa.feature.mfcc`` for each window and two exact ``SVR.predict`` over the 264
MFCCs, with 8 000 support vectors each, as a training set of EmoDJ's size gives them; here they are made at random,
since only their number matters for the time. It is the same whatever model is ours. `ratio` compares the work alone, in
one process with everything imported and warm; `ratio_process` whole processes, imports included. The time of decoding
alone, which nobody can beat, stands beside them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does, before NumPy is imported

import numpy as np
import soundfile
from measure import arguments, best_of, needs_training, report

needs_training()

import joblib
import librosa
from sklearn.svm import SVR

from emodj_live import DemoSource, EmotionModel, EmotionTracker, FeatureSpec, FileSource
from emodj_live.training import export_sklearn

_SUPPORT_VECTORS = 8000
_EMODJ_MODELS = ("valence", "arousal", "mean", "std")
_EMODJ = """
import sys, joblib, librosa, numpy as np
path, models = sys.argv[1:]
load = lambda name: joblib.load(f"{models}/{name}.joblib")
valence, arousal, mean, std = map(load, ("valence", "arousal", "mean", "std"))
audio, rate = librosa.load(path)
pieces = [audio[i : i + rate // 2] for i in range(0, len(audio) - rate // 2 + 1, rate // 2)]
features = np.vstack([librosa.feature.mfcc(y=piece, sr=rate, n_mfcc=12).ravel() for piece in pieces])
scaled = (features - mean) / std
for pair in zip(valence.predict(scaled), arousal.predict(scaled)):
    print(*pair)
"""


def make_song(path: Path, seconds: float) -> None:
    """Write the demo piece over and over as a stereo mp3 at 44.1 kHz."""
    piece = np.concatenate(list(DemoSource(sample_rate=44100)))
    mono = np.resize(piece / np.abs(piece).max(), round(44100 * seconds))
    soundfile.write(path, np.stack([mono, np.roll(mono, 441)], axis=1), 44100, format="MP3")


def decode(path: Path) -> None:
    with soundfile.SoundFile(path) as file:
        while len(file.read(22050, dtype="float32")):
            pass


def make_emodj_models(folder: Path) -> None:
    """Write EmoDJ's models: two regressors as large as a real training set makes them, and the scaler."""
    random = np.random.default_rng(0)
    spec = FeatureSpec(librosa.filters.mel(sr=22050, n_fft=2048, n_mels=128), context=0)
    model = EmotionModel(
        spec=spec,
        mean=random.normal(0, 50, spec.n_features),
        std=random.uniform(10, 100, spec.n_features),
        support_vectors=random.standard_normal((_SUPPORT_VECTORS, spec.n_features)).astype(np.float32),
        coefficients=random.choice([-1.0, 1.0], (_SUPPORT_VECTORS, 2)),
        intercepts=np.zeros(2),
        gamma=1 / spec.n_features,
        reference_level=-20.0,
    )
    export_sklearn(model, folder)


def load_emodj_models(folder: Path) -> tuple[SVR, SVR, np.ndarray, np.ndarray]:
    valence, arousal, mean, std = (joblib.load(folder / f"{name}.joblib") for name in _EMODJ_MODELS)
    for regressor in (valence, arousal):
        if not isinstance(regressor, SVR) or regressor.support_vectors_.shape != (_SUPPORT_VECTORS, 264):
            sys.exit(f"this must be an SVR with {_SUPPORT_VECTORS} support vectors over 264 features: {regressor}")
    return valence, arousal, mean, std


def emodj_way(path: Path, models: tuple[SVR, SVR, np.ndarray, np.ndarray]) -> np.ndarray:
    valence, arousal, mean, std = models
    audio, rate = librosa.load(path)
    length = int(rate * 0.5)
    starts = range(0, len(audio) - length + 1, length)
    features = np.vstack([librosa.feature.mfcc(y=audio[i : i + length], sr=rate, n_mfcc=12).ravel() for i in starts])
    scaled = (features - mean) / std
    return np.stack([valence.predict(scaled), arousal.predict(scaled)], axis=1)


def our_way(path: Path, model: EmotionModel) -> np.ndarray:
    emotions = EmotionTracker(model).track(FileSource(path))
    return np.array([(emotion.raw_valence, emotion.raw_arousal) for emotion in emotions])


def whole_process(*command: str) -> None:
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def peak_memory(path: Path) -> float | str:
    """Return the most memory [MB] that ``emodj-live FILE`` ever had, by the kernel's account."""
    if sys.platform != "linux":
        return "only measured on Linux"
    code = "import sys; from emodj_live.cli import main; main(sys.argv[1:]); print(open('/proc/self/status').read())"
    command = [sys.executable, "-c", code, str(path), "--json"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def measure(path: Path, folder: Path, rounds: int) -> dict[str, object]:
    model = EmotionModel.load()
    make_emodj_models(folder)
    emodj_models = load_emodj_models(folder)
    ours, theirs = our_way(path, model), emodj_way(path, emodj_models)
    best = best_of(
        rounds,
        decode=lambda: decode(path),
        ours=lambda: our_way(path, model),
        emodj=lambda: emodj_way(path, emodj_models),
    )
    process = best_of(
        min(rounds, 3),
        ours=lambda: whole_process("-m", "emodj_live", str(path), "--json"),
        emodj=lambda: whole_process("-c", _EMODJ, str(path), str(folder)),
    )
    return {
        "emotions": len(ours),
        "emodj_predictions": len(theirs),
        "support_vectors": len(model.support_vectors),
        "emodj_support_vectors": _SUPPORT_VECTORS,
        "decoding_alone_s": best["decode"],
        "ours_s": best["ours"],
        "emodj_s": best["emodj"],
        "ratio": best["emodj"] / best["ours"],
        "times_decoding": best["ours"] / best["decode"],
        "ours_process_s": process["ours"],
        "emodj_process_s": process["emodj"],
        "ratio_process": process["emodj"] / process["ours"],
        "peak_memory_mb": peak_memory(path),
    }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="a song; by default one is made")
    parser.add_argument("--seconds", type=float, default=240, help="length of the song that is made (240)")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        song = options.file or Path(folder) / "song.mp3"
        if not options.file:
            make_song(song, options.seconds)
        report("tracking a song", measure(song, Path(folder), options.rounds), as_json=options.json)


if __name__ == "__main__":
    main()
