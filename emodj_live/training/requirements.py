"""What training needs beyond a plain install."""

from emodj_live.extras import require


def check_installed() -> None:
    """Check that the extra ``train`` is installed, without importing anything of it.

    Raises
    ------
    MissingExtraError
        If it is not; the message says what to install.
    """
    require("train", "training", librosa="librosa", sklearn="scikit-learn", scipy="SciPy")
