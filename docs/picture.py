"""Make docs/dashboard.svg from a real run: the demo in tmux, its screen captured, and drawn by Rich."""

import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

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
        text = Text.from_ansi(line, no_wrap=True)
        text.plain = text.plain.replace(" ", "\u00a0")  # which no viewer of the picture collapses
        console.print(text, soft_wrap=True)
    console.save_svg(str(Path(__file__).with_name("dashboard.svg")), title="emodj-live --demo")


if __name__ == "__main__":
    main()
