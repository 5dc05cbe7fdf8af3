"""SciPy's real Fourier transform without the rest of SciPy.

`scipy.fft.rfft` transforms several frames at once, which `numpy.fft` does not, and is half as fast again. Importing
`scipy.fft` takes 0.2 to 0.4 s, though, of which the transform itself needs 2 ms: it lives in an extension module that
depends on NumPy alone. That module is loaded by its file; where SciPy keeps it elsewhere, `scipy.fft` is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

RealTransform = Callable[[NDArray[np.float32], NDArray[np.complex64]], object]


def real_transform() -> RealTransform:
    """Return a function that transforms the rows of its first argument into its second.

    Returns
    -------
    callable
        ``transform(frames, spectrum)`` with ``frames`` of shape (m, n) and ``spectrum`` of shape (m, 1 + n // 2): what
        ``spectrum[:] = scipy.fft.rfft(frames)`` does.
    """
    pocketfft = _pocketfft()
    if pocketfft is None:
        return _by_scipy
    r2c = pocketfft.r2c
    return lambda frames, spectrum: r2c(frames, (1,), True, 0, spectrum)


_PLACES = "fft/_pocketfft/pypocketfft", "fft/_duccfft/pyduccfft"  # the second since SciPy 1.18


def _pocketfft() -> ModuleType | None:
    """Load SciPy's extension module by its file, under SciPy's own name for it.

    So it is in a process once, whoever needs it first: loaded twice, it may crash the process at its end.
    """
    scipy = find_spec("scipy")
    if scipy is None or scipy.origin is None:
        return None
    for place in _PLACES:
        for path in Path(scipy.origin).parent.glob(f"{place}.*"):
            module = _load("scipy." + place.replace("/", "."), path)
            if hasattr(module, "r2c"):
                return module
    return None


def _load(name: str, path: Path) -> ModuleType | None:
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[name] = module
    return module


def _by_scipy(frames: NDArray[np.float32], spectrum: NDArray[np.complex64]) -> None:
    from scipy.fft import rfft

    spectrum[:] = rfft(frames)
