"""Pictures of the dashboard: every size, background and number of colors, to be looked at; a few go to docs/pictures.

``python docs/pictures.py FOLDER [SONG]`` draws them all into a folder; without one it makes those of the documentation.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cells import picture
from stage import Song, Stage

SIZES = ((30, 12), (60, 18), (80, 24), (120, 40), (160, 20), (200, 55))
DEPTHS = ("truecolor", "256", "standard", None)
SECOND = 18.7
HERE = Path(__file__).parent / "pictures"


def draw(song, size, depth, background, keys="", second=SECOND, **options):
    stage = Stage(song, size, color_system=depth, background=background, **options)
    song.position = 0.0
    with stage.dashboard:
        stage.go_to(second)
        for key in keys:
            stage.dashboard.press(key)
        stage.dashboard.draw()
        return picture(stage.cells, stage.look.background, stage.look.foreground)


DOCUMENTED = (((120, 40), "truecolor", "dark"), ((80, 24), "truecolor", "light"), ((80, 24), "256", "dark"))


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    song = Song(*sys.argv[2:3])
    folder.mkdir(parents=True, exist_ok=True)
    every = [(size, depth, background) for size in SIZES for depth in DEPTHS for background in ("dark", "light")]
    for size, depth, background in every if len(sys.argv) > 1 else DOCUMENTED:
        name = f"{size[0]}x{size[1]}-{background}-{depth or 'none'}.png"
        draw(song, size, depth, background).save(folder / name, optimize=True)


if __name__ == "__main__":
    main()
