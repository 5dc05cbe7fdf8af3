"""From the start of the process to the first line of ``emodj-live --demo --json``, and where the time goes."""

from __future__ import annotations

import subprocess
import sys
import time

from measure import arguments, report

_COMMAND = [sys.executable, "-m", "emodj_live", "--demo", "--json"]
_STAGES = {
    "python_s": "pass",
    "and_numpy_s": "import numpy",
    "and_our_modules_s": "import emodj_live.session",
}
_HEAVY = {"librosa", "sklearn", "numba", "scipy", "joblib", "sounddevice", "rich"}
_STAGES["and_the_model_s"] = _STAGES["and_our_modules_s"] + "\nemodj_live.model.EmotionModel.load()"


def first_line() -> float:
    began = time.perf_counter()
    with subprocess.Popen(_COMMAND, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()  # noqa: S101
        elapsed = time.perf_counter() - began
        process.stdout.close()
    return elapsed


def run(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def loaded() -> set[str]:
    """Return what the demo has loaded at its end."""
    code = "import sys; from emodj_live.cli import main; main(['--demo', '-q']); print(*sys.modules)"
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    return set(lines[-1].split())


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    first_line()  # once, so that the files are in memory
    figures = {name: min(run(code) for _ in range(options.rounds)) for name, code in _STAGES.items()}
    figures["first_line_s"] = min(first_line() for _ in range(options.rounds))
    figures["heavy_imports"] = ", ".join(sorted(loaded() & _HEAVY)) or "none"
    report("start", figures, as_json=options.json)


if __name__ == "__main__":
    main()
