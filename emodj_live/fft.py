"""SciPy's real Fourier transform without the rest of SciPy.

`scipy.fft.rfft` transforms several frames at once, which `numpy.fft` does not, and is half as fast again. Importing
`scipy.fft` takes 0.2 to 0.4 s, though, of which the transform itself needs 2 ms: it lives in an extension module that
depends on NumPy alone. That module is loaded by its file; where SciPy keeps it elsewhere, `scipy.fft` is imported.
"""

from __future__ import annotations

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


def _pocketfft() -> ModuleType | None:
    """Load SciPy's extension module by its file."""
    scipy = find_spec("scipy")
    if scipy is None or scipy.origin is None:
        return None
    for path in Path(scipy.origin).parent.glob("fft/_pocketfft/pypocketfft.*"):
        spec = spec_from_file_location("pypocketfft", path)
        if spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return module if hasattr(module, "r2c") else None
    return None


def _by_scipy(frames: NDArray[np.float32], spectrum: NDArray[np.complex64]) -> None:
    from scipy.fft import rfft

    spectrum[:] = rfft(frames)
