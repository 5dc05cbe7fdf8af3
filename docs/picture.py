"""Make docs/dashboard.svg, the picture that the README opens with: the dashboard while it hears the demo piece.

It is a part of a real run, on a terminal in memory and with a clock of its own (`stage`). The picture has what the
terminal showed first, and for each moment after that the cells that changed. Time is cut into stretches, at whose ends
all that was drawn over is taken away, so that a viewer never has much to draw.
"""

from __future__ import annotations

from pathlib import Path

from stage import PIECE, Song, Stage

from emodj_live.sinks.terminal.frame import DEFAULT, GLYPH, INK
from emodj_live.sinks.terminal.svg import drawn, svg

SIZE = 100, 30
EVERY = 2, 3, 4, 5, 6  # pieces from one moment to the next: as few as the limit allows
STRETCH = 2.7  # [s]
SHOWN = 16.5, 53.5  # [s] of the piece: from the end of its calm part to its sad one
LIMIT = 2_000_000  # [bytes]
_END = "</g></svg>\n"


def moments(song, length):
    """Return what the terminal shows after each piece, and the dashboard's look."""
    stage = Stage(song, SIZE)
    with stage.dashboard:
        return [seen(cells) for cells in stage.play(length)], stage.look


def seen(cells):
    """Return cells without what cannot be seen: the ink of blanks."""
    cells = cells.copy()
    cells[INK][cells[GLYPH] == ord(" ")] = DEFAULT
    return cells


def changed(before, after, look):
    """Return the cells that differ, as SVG."""
    return drawn(after, look.background, look.foreground, (before != after).any(axis=0))


def shown(content, begin, end, count, seconds):
    """Return a group that is there from one moment to another."""
    times = [f"{moment / count:.4f}".rstrip("0").rstrip(".") for moment in (begin, end)]
    begins, values = (["0"], []) if begin == 0 else (["0", times[0]], ["none"])
    ends, after = ([], []) if end == count else ([times[1]], ["none"])
    animation = (
        f'<animate attributeName="display" calcMode="discrete" dur="{seconds:g}s" repeatCount="indefinite" '
        f'keyTimes="{";".join(begins + ends)}" values="{";".join([*values, "inline", *after])}"/>'
    )
    return f"<g>{animation}{content}</g>"


def moving(frames, look, seconds):
    """Return the picture as SVG."""
    count, stretches = len(frames), []
    stretch = round(STRETCH / seconds * count)
    for begin in range(0, count, stretch):
        end = min(count, begin + stretch)
        inside = [changed(frames[0], frames[begin], look)]
        for number in range(begin + 1, end):
            if content := changed(frames[number - 1], frames[number], look):
                inside.append(shown(content, number, end, count, seconds))
        stretches.append(shown("".join(inside), begin, end, count, seconds))
    title = "emodj-live follows the mood of its demo piece on the valence-arousal plane"
    still = svg(frames[0], look.background, look.foreground, title=title)
    return still.removesuffix(_END) + "".join(stretches) + _END


def main():
    song = Song()
    frames, look = moments(song, SHOWN[1])
    frames = frames[round(SHOWN[0] / PIECE) :]
    for every in EVERY:
        picture = moving(frames[::every], look, len(frames) * PIECE)
        size = len(picture.encode())
        print(f"{size / 1e6:.2f} MB, {1 / PIECE / every:.1f} moments a second for {len(frames) * PIECE:.1f} s")
        if size <= LIMIT:
            Path(__file__).with_name("dashboard.svg").write_text(picture, encoding="utf-8")
            return
    raise SystemExit("docs/dashboard.svg would be too large")


if __name__ == "__main__":
    main()
