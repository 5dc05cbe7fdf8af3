"""Train a model: ``python train.py DATASET [DATASET ...]``; ``--help`` lists the options."""

from emodj_live.training.command import console

if __name__ == "__main__":
    console()
