"""``python -m emodj_live``: the same as the console script."""

from emodj_live.cli import console

if __name__ == "__main__":
    console()
