"""Computed features, kept on disk between runs.

An entry is found by the audio's content, the feature spec with its mel basis, and the code and libraries that turn the
one into the other: when any of these changes, the old entry is not found. It is a file of plain arrays, never a
pickle, and begins with a digest of its name and content. An entry whose digest does not match is ignored: the features
are computed again, and the entry is replaced.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import platformdirs
import soundfile
import soxr

import emodj_live
from emodj_live.atomic_file import replaced
from emodj_live.errors import EmodjError
from emodj_live.features import FeatureSpec
from emodj_live.training.clip_windows import ClipWindows

_NAMES = tuple(field.name for field in fields(ClipWindows))
_DIGEST_BYTES = hashlib.sha256().digest_size


def default_cache() -> Path:
    """Return the folder that features are kept in between runs: ``emodj-live`` in the user's cache folder."""
    return platformdirs.user_cache_path("emodj-live", appauthor=False)


def open_cache(folder: Path, spec: FeatureSpec) -> FeatureCache:
    """Return the cache in a folder, which is made if it does not exist.

    Parameters
    ----------
    folder : Path
    spec : FeatureSpec
        The features to keep.

    Returns
    -------
    FeatureCache

    Raises
    ------
    EmodjError
        If the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmodjError(_unusable(folder, error)) from error
    return FeatureCache(folder, fingerprint(spec))


def _unusable(folder: Path, error: BaseException) -> str:
    why = getattr(error, "strerror", None) or error
    return f"{folder}: cannot be used as cache: {why}; choose another folder with --cache."


@dataclass(frozen=True, slots=True)
class FeatureCache:
    """The features of clips, by the digest of their audio.

    Safe to use from several processes at once: an entry is replaced in one step.

    Attributes
    ----------
    folder : Path
        Where the entries are.
    fingerprint : str
        Of everything but the audio that decides the features.
    """

    folder: Path
    fingerprint: str

    def load(self, audio_digest: str) -> ClipWindows | None:
        """Return the features of a clip, or None if there is no valid entry for it."""
        name = self._name(audio_digest)
        try:
            entry = self._path(name).read_bytes()
        except OSError:
            return None
        content = entry[_DIGEST_BYTES:]
        if entry[:_DIGEST_BYTES] != _seal(name, content):
            return None
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return ClipWindows(**{name: arrays[name] for name in _NAMES})

    def store(self, audio_digest: str, windows: ClipWindows) -> None:
        """Keep the features of a clip, whole or not at all.

        Raises
        ------
        EmodjError
            If they cannot be written.
        """
        name = self._name(audio_digest)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **{name: getattr(windows, name) for name in _NAMES})
        content = buffer.getvalue()
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replaced(path) as file:
                file.write(_seal(name, content) + content)
        except (OSError, EmodjError) as error:
            raise EmodjError(_unusable(self.folder, error.__cause__ or error)) from error

    def _name(self, audio_digest: str) -> str:
        return hashlib.sha256(f"{self.fingerprint} {audio_digest}".encode()).hexdigest()

    def _path(self, name: str) -> Path:
        return self.folder / "features" / name[:2] / name


def _seal(name: str, content: bytes) -> bytes:
    """Return the digest that an entry begins with: of its name too, so that exchanged entries do not match."""
    return hashlib.sha256(name.encode() + content).digest()


def fingerprint(spec: FeatureSpec) -> str:
    """Return a digest of everything but the audio that decides the features.

    It covers all code of the live path, not only what is known to matter: computing features again costs a minute,
    while features of other code would go unnoticed.

    Parameters
    ----------
    spec : FeatureSpec

    Returns
    -------
    str
    """
    digest = hashlib.sha256(json.dumps(spec.parameters(), sort_keys=True).encode())
    digest.update(np.ascontiguousarray(spec.mel_basis).tobytes())
    for path in code_files():
        digest.update(path.read_bytes())
    versions = np.__version__, soxr.__version__, soxr.__libsoxr_version__, soundfile.__libsndfile_version__
    digest.update(repr(versions).encode())
    return digest.hexdigest()


def code_files() -> list[Path]:
    """Return the source files that features may depend on."""
    package = Path(emodj_live.__file__).parent
    files = [*package.glob("*.py"), *package.glob("sources/*.py"), *package.glob("training/clip_windows.py")]
    return sorted(files)
