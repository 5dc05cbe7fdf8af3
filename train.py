"""Train a model: ``python train.py FOLDER [FOLDER ...]``, the same as the installed ``emodj-train``."""

from emodj_live.training.command import console

if __name__ == "__main__":
    console()
