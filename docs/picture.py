"""Make docs/dashboard.svg from a real run: the demo in tmux, its screen captured, and drawn by Rich."""

import re
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

_CELL = 12.2  # width of a character in Rich's pictures
_LEADING_SPACES = re.compile(r'x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"([^>]*)>((?:&#160;)+)')


def _moved(text):
    """Move a text to the right by the spaces that it begins with, which some viewers drop."""
    x, y, length, rest, spaces = text.groups()
    shift = _CELL * len(spaces) / len("&#160;")
    return f'x="{float(x) + shift:.1f}" y="{y}" textLength="{float(length) - shift:.1f}"{rest}>'


WIDTH, HEIGHT, SECONDS = 100, 30, 20


def tmux(*arguments):
    command = ["tmux", "-L", "emodj-live-picture", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    tmux("new-session", "-d", "-x", WIDTH, "-y", HEIGHT, f"COLORTERM=truecolor {sys.executable} -m emodj_live --demo")
    try:
        tmux("set", "-g", "default-terminal", "tmux-256color")
        time.sleep(SECONDS)
        screen = tmux("capture-pane", "-e", "-p", "-N")
    finally:
        tmux("kill-server")
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, color_system="truecolor")
    for line in screen.splitlines():
        console.print(Text.from_ansi(line, no_wrap=True), soft_wrap=True)
    picture = _LEADING_SPACES.sub(_moved, console.export_svg(title="emodj-live --demo"))
    Path(__file__).with_name("dashboard.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
