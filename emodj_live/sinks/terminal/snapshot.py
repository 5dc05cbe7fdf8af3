"""Save what the screen shows as a picture."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from pathlib import Path

from emodj_live.sinks.terminal.frame import Cells
from emodj_live.sinks.terminal.look import Look
from emodj_live.sinks.terminal.svg import svg


def save(cells: Cells, look: Look, title: str, folder: Path | None = None) -> str:
    """Write a picture of the screen to the working directory, under a name that is not taken.

    Parameters
    ----------
    cells : ndarray of int32, shape (4, height, width)
        What the screen shows.
    look : Look
    title : str
        Of the song.
    folder : Path, optional
        Where to write instead.

    Returns
    -------
    str
        What to say about it: under which name it was saved, or why it was not.
    """
    stem = f"emodj-live-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    for number in count(1):
        path = (folder or Path()) / f"{stem}{f'-{number}' * (number > 1)}.svg"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(svg(cells, look.background, look.foreground, title=title))
        except FileExistsError:
            continue
        except OSError as error:
            return f"{path}: cannot be written: {error.strerror or error}."
        return f"saved {path}"
    raise AssertionError("there is always another number")
