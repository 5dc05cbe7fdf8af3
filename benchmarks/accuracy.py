"""How well a model does on annotated music: `emodj-train evaluate`, by default with the bundled model.

For each data set: R2, r, CCC, MAE and RMSE beside those of a constant; by song the area under the ROC curve of both
signs and the quadrants that are right, with a confusion table and chance; whether valence follows arousal, how widely
predictions spread, how often the quadrant changes; and whether certainty comes true. Any annotated folder will do:
emoMusic, DEAM, 4Q, MERGE, or one with a labels.csv. With `--out-of-fold`, models like this one are fitted anew, each
without the songs that it is scored on. Other options are those of `emodj-train evaluate`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from measure import arguments, needs_training

needs_training()

from emodj_live.training.evaluate_command import main as evaluate

BUNDLED = Path(__file__).parents[1] / "models" / "emodj.npz"


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="holds a data set")
    parser.add_argument("--model", type=Path, default=BUNDLED, help="model file; by default the bundled one")
    options, others = parser.parse_known_args()
    return evaluate([str(options.model), *map(str, options.folders), *["--json"] * options.json, *others])


if __name__ == "__main__":
    sys.exit(main())
