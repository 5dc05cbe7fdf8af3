"""Train a model: ``python train.py DATASET [DATASET ...]``; see ``--help``."""

from emodj_live.training.command import console

if __name__ == "__main__":
    console()
