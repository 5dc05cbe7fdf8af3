"""From songs to clips with features: on all cores, and each content of an audio file only once."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray

from emodj_live.errors import DatasetError, SourceError
from emodj_live.features import FeatureSpec
from emodj_live.training.cache import FeatureCache, open_cache
from emodj_live.training.clip_windows import ClipWindows, compute
from emodj_live.training.dataset import Song
from emodj_live.training.progress import Progress
from emodj_live.workers import as_completed

_READ_BYTES = 2**20


@dataclass(frozen=True, eq=False)
class Clip:
    """A song whose clip could be decoded.

    Attributes
    ----------
    song : Song
    digest : str
        Of the audio file's content: equal for the same content under two names.
    windows : ClipWindows
    """

    song: Song
    digest: str
    windows: ClipWindows

    @property
    def labels(self) -> NDArray[np.float64]:
        """The labels of its windows, shape (n, 2), NaN where there is none."""
        return self.song.window_labels(len(self.windows.levels))

    @property
    def n_labeled(self) -> int:
        """How many of its windows have labels."""
        return int(np.count_nonzero(~np.isnan(self.labels[:, 0])))


def default_spec(context: float = FeatureSpec.context) -> FeatureSpec:
    """Return EmoDJ's features with the mel basis of the installed librosa, and a context.

    Parameters
    ----------
    context : float
        How far back the statistics reach that follow the MFCCs [s]; 0 is EmoDJ's own way.

    Returns
    -------
    FeatureSpec
        ``librosa.feature.mfcc(y=window, sr=22050, n_mfcc=12)``, spelled out, and the statistics of the context.
    """
    from librosa.filters import mel

    basis = mel(sr=22050, n_fft=2048, n_mels=128, fmin=0.0, fmax=11025.0, htk=False, norm="slaney", dtype=np.float32)
    return FeatureSpec(mel_basis=basis, context=context)


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
        The features to compute.
    cache : Path, optional
        Folder that keeps features between runs; None keeps nothing.
    jobs : int
        Processes to use; -1 is one per core.
    progress : Progress, optional
        Where to show progress.

    Returns
    -------
    clips : list of Clip
        In the order of the songs.
    left_out : Counter
        What could not be used and how many times, as in `Dataset.left_out`.

    Raises
    ------
    DatasetError
        If not a single labeled window is left.
    EmodjError
        If the cache folder cannot be used.
    """
    progress = progress or Progress(quiet=True)
    digests = _digests(songs)
    results = _compute_all(digests, spec, open_cache(cache, spec) if cache else None, jobs, progress)
    clips, left_out = [], Counter[str]()
    for song in songs:
        result = results[digests[song.audio]]
        if isinstance(result, str):
            left_out["clips that cannot be decoded"] += 1
            progress.report(f"Left out: {result}")
        else:
            clips.append(Clip(song, digests[song.audio], result))
            left_out += _labels_after_the_end(clips[-1])
    _check_labeled(clips, songs)
    return clips, left_out


def _labels_after_the_end(clip: Clip) -> Counter[str]:
    n_late = int(np.count_nonzero(clip.song.window_indices >= len(clip.windows.levels)))
    return Counter(
        {
            "labels after the end of their clip": n_late,
            "songs whose clip ends before their first label": int(not clip.n_labeled),
        }
    )


def _check_labeled(clips: Sequence[Clip], songs: Sequence[Song]) -> None:
    if not any(clip.n_labeled for clip in clips):
        raise DatasetError(
            f"{songs[0].audio.parent}: none of {len(songs)} clips has a labeled window; is this the right audio?"
        )


def _compute_all(
    digests: Mapping[Path, str], spec: FeatureSpec, cache: FeatureCache | None, jobs: int, progress: Progress
) -> dict[str, ClipWindows | str]:
    """Return the windows of every content, or a sentence that says why it cannot be decoded."""
    paths = {digest: path for path, digest in digests.items()}
    work = (joblib.delayed(_compute_clip)(path, digest, spec, cache) for digest, path in paths.items())
    return dict(progress.counting(as_completed(work, jobs), len(paths), "clips"))


def _digests(songs: Sequence[Song]) -> dict[Path, str]:
    """Return the digest of every clip's content; a file with many links to it is read once."""
    true_paths = {song.audio: Path(os.path.realpath(song.audio)) for song in songs}
    known = {path: _digest(path) for path in dict.fromkeys(true_paths.values())}
    return {audio: known[path] for audio, path in true_paths.items()}


def _digest(path: Path) -> str:
    if not os.path.isfile(path):  # noqa: PTH113 (a pipe may wait for ever, and some devices never end)
        return f"unreadable {path}"  # `FileSource` will report why
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while content := file.read(_READ_BYTES):
                digest.update(content)
    except OSError:
        return f"unreadable {path}"
    return digest.hexdigest()


def _compute_clip(
    path: Path, digest: str, spec: FeatureSpec, cache: FeatureCache | None
) -> tuple[str, ClipWindows | str]:
    """Return a clip's digest with its windows, or with a sentence that says why it cannot be decoded."""
    if cache and (known := cache.load(digest)):
        return digest, known
    try:
        with _interrupts_deferred():
            windows = compute(path, spec)
    except SourceError as error:
        return digest, str(error)
    if cache:
        cache.store(digest, windows)
    return digest, windows


@contextmanager
def _interrupts_deferred() -> Iterator[None]:
    """Let Ctrl-C wait until the clip is done: inside libsndfile's read it would be taken for the end of the file."""
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
