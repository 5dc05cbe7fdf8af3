"""From clips to features: the same source, ring buffer and extractor as live, on all cores, cached on disk.

librosa is asked for one thing, its mel basis, and joblib does the rest. A cache entry is found by the audio's content,
the feature spec with its mel basis, and the code and libraries that turn the one into the other: whatever of these
changes never meets an old entry.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from emodj_live import features as features_module
from emodj_live import ring as ring_module
from emodj_live import tracker as tracker_module
from emodj_live.errors import DatasetError, EmodjError, SourceError
from emodj_live.features import FeatureExtractor, FeatureSpec
from emodj_live.ring import RingBuffer
from emodj_live.sources import file as file_module
from emodj_live.sources import resample as resample_module
from emodj_live.tracker import level_dbfs
from emodj_live.training.dataset import Song
from emodj_live.training.progress import Progress

_CODE = (features_module, ring_module, tracker_module, file_module, resample_module)


@dataclass(frozen=True, eq=False)
class ClipWindows:
    """What is computed from a clip's audio alone.

    Attributes
    ----------
    features : ndarray of float32, shape (n, n_features)
        Of every window from the clip's start.
    levels : ndarray of float64, shape (n,)
        [dBFS]
    tail : ndarray of float32, shape (m,)
        The samples that are left after the last whole window.
    """

    features: NDArray[np.float32]
    levels: NDArray[np.float64]
    tail: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Clip:
    """A song whose clip could be decoded.

    Attributes
    ----------
    song : Song
    digest : str
        Of the audio file's content: equal for the same file under two names.
    audio : ClipWindows
    """

    song: Song
    digest: str
    audio: ClipWindows

    @property
    def n_labelled(self) -> int:
        """How many of its windows have labels."""
        return int(np.count_nonzero(self.song.windows < len(self.audio.features)))


def default_spec() -> FeatureSpec:
    """Return EmoDJ's features with the mel basis of the installed librosa.

    Returns
    -------
    FeatureSpec
        ``librosa.feature.mfcc(y=window, sr=22050, n_mfcc=12)``, spelled out.
    """
    from librosa.filters import mel

    basis = mel(sr=22050, n_fft=2048, n_mels=128, fmin=0.0, fmax=11025.0, htk=False, norm="slaney", dtype=np.float32)
    return FeatureSpec(mel_basis=basis)


def default_cache() -> Path:
    """Return the folder that features are kept in between runs: ``emodj-live`` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emodj-live"


def extract(
    songs: Sequence[Song],
    spec: FeatureSpec,
    *,
    cache: Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> tuple[list[Clip], Counter[str]]:
    """Compute the features of all windows of some clips.

    Parameters
    ----------
    songs : sequence of Song
    spec : FeatureSpec
        What to compute.
    cache : Path, optional
        Folder for what has been computed; None keeps nothing.
    jobs : int
        Processes that work at once; -1 is one per core.
    progress : Progress, optional
        Where to show how far it is.

    Returns
    -------
    clips : list of Clip
        In the order of the songs.
    left_out : Counter
        How many of what could not be used, as in `Dataset.left_out`.

    Raises
    ------
    DatasetError
        If not a single labelled window is left.
    EmodjError
        If the cache folder cannot be used.
    """
    progress = progress or Progress(quiet=True)
    digests = _digests(songs)
    results = _compute_all(digests, spec, _cached(cache), jobs, progress)
    clips, left_out = [], Counter[str]()
    for song in songs:
        result = results[digests[song.audio]]
        if isinstance(result, str):
            left_out["clips that cannot be decoded"] += 1
            progress.say(f"Left out: {result}")
            continue
        too_late = int(np.count_nonzero(song.windows >= len(result.features)))
        left_out["labels after the end of their clip"] += too_late
        left_out["songs whose clip ends before their first label"] += too_late == len(song.windows)
        clips.append(Clip(song, digests[song.audio], result))
    if not any(clip.n_labelled for clip in clips):
        raise DatasetError(
            f"{songs[0].audio.parent}: not one labelled window is left of {len(songs)} clips; is this the right audio?"
        )
    return clips, +left_out


def _compute_all(
    digests: dict[Path, str], spec: FeatureSpec, compute: Callable[..., ClipWindows], jobs: int, progress: Progress
) -> dict[str, ClipWindows | str]:
    """Compute every content once; what cannot be decoded has a sentence that says why."""
    paths = {digest: path for path, digest in digests.items()}
    key = _key(spec)
    work = (joblib.delayed(_try)(compute, path, digest, key, spec) for digest, path in paths.items())
    done = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")(work)
    return dict(progress.track(done, len(paths), "clips"))


def _digests(songs: Sequence[Song]) -> dict[Path, str]:
    """Return the digest of every clip's content; a file with many links to it is read once."""
    true_paths = {song.audio: Path(os.path.realpath(song.audio)) for song in songs}
    known = {path: _digest(path) for path in dict.fromkeys(true_paths.values())}
    return {audio: known[path] for audio, path in true_paths.items()}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"unreadable {path}: {error.strerror}"


def _key(spec: FeatureSpec) -> str:
    """Return a digest of everything but the audio that decides the features."""
    digest = hashlib.sha256(json.dumps(spec.parameters(), sort_keys=True).encode())
    digest.update(np.ascontiguousarray(spec.mel_basis).tobytes())
    for module in _CODE:
        digest.update(Path(str(module.__file__)).read_bytes())
    versions = np.__version__, soxr.__version__, soxr.__libsoxr_version__, soundfile.__libsndfile_version__
    digest.update(repr(versions).encode())
    return digest.hexdigest()


def _cached(cache: Path | None) -> Callable[..., ClipWindows]:
    """Return `_compute`, with a memory on disk if a folder is given."""
    if cache is None:
        return _compute
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmodjError(f"{cache}: cannot be used as cache: {error.strerror}; choose another with --cache.") from error
    memory = joblib.Memory(cache, verbose=0)
    cached: Callable[..., ClipWindows] = memory.cache(_compute, ignore=["path", "spec"])
    return cached


def _try(
    compute: Callable[..., ClipWindows], path: Path, digest: str, key: str, spec: FeatureSpec
) -> tuple[str, ClipWindows | str]:
    """Compute one clip in a worker; a clip that cannot be decoded is a result too."""
    logging.getLogger("joblib").setLevel(logging.CRITICAL)  # a damaged cache entry is computed anew without a word
    try:
        with _uninterrupted():
            return digest, compute(path, digest, key, spec)
    except SourceError as error:
        return digest, str(error)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C count after the clip in hand: raised inside libsndfile's read it would pass for the file's end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


def _compute(path: Path, digest: str, key: str, spec: FeatureSpec) -> ClipWindows:  # noqa: ARG001 (cache keys)
    """Compute a clip's features as the tracker would."""
    ring = RingBuffer(spec.window_length, spec.window_length)
    extractor = FeatureExtractor(spec)
    features: list[Any] = [np.empty((0, spec.n_features), np.float32)]
    levels: list[float] = []
    tail = np.empty(0, np.float32)
    for block in file_module.FileSource(path, sample_rate=spec.sample_rate):
        for _, windows in ring.push(block):
            features.append(extractor.extract(windows))
            levels += [level_dbfs(window) for window in windows]
        tail = np.concatenate([tail, np.asarray(block, np.float32)])
        tail = tail[tail.size // spec.window_length * spec.window_length :]
    return ClipWindows(np.concatenate(features), np.array(levels), tail)
