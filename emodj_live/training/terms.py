"""Who made the labels of the known data sets, and on what terms they may be used: for the model card."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """What a model card says about a kind of data set.

    Attributes
    ----------
    title : str
        Its name and its paper.
    labels : str
        Where the labels come from.
    license : str
        On what terms the audio and the labels, and therefore a model trained on them, may be used.
    limits : tuple of str
        What the scores against these labels do not show, one sentence each.
    """

    title: str
    labels: str
    license: str
    limits: tuple[str, ...] = ()


EMOMUSIC = Terms(
    title='emoMusic ("1000 songs for emotional analysis of music", Soleymani et al. 2013)',
    labels="Human: mean ratings of crowd workers while they listened, twice a second from 15 s on.",
    license="Annotations for research; the clips are Creative Commons tracks from the Free Music Archive.",
)
DEAM = Terms(
    title='DEAM (MediaEval; "Developing a benchmark for emotional analysis of music", Aljanaki et al. 2017)',
    labels="Human: mean ratings of workers while they listened, twice a second from 15 s on.",
    license="Annotations non-commercial, for research; the clips are Creative Commons tracks.",
    limits=(
        "DEAM contains the songs of emoMusic under the same ids: neither is an independent test for a model trained on "
        "the other.",
    ),
)
EMOTIFY = Terms(
    title="400 excerpts of the Emotify set (Aljanaki et al. 2016): classical, rock, electronic, pop",
    labels=(
        "**Derived, not human ratings of valence and arousal.** A MusiCNN embedding with a regression head that was "
        "trained on emoMusic estimated valence and arousal every second; the estimates were interpolated to 2 Hz, "
        "smoothed over 4.5 s and stretched to emoMusic's spread. Each song's level of valence was then blended, two to "
        "one, with a contrast of human votes on the GEMS emotions (joy, tenderness, half of calm and wonder against "
        "tension and sadness)."
    ),
    license=(
        "Non-commercial, share alike (in the manner of CC BY-NC-SA 4.0), for research; the same holds for the labels "
        "and for this model."
    ),
    limits=(
        "Scores against these labels measure agreement with derived labels, not with people.",
        "The model that produced the labels was trained on emoMusic, so a check of this model on emoMusic clips is not "
        "independent of it.",
        "The labels were checked against people: a regressor trained on mean MFCCs of these songs with these labels "
        "reaches r = 0.75 (arousal) and 0.47 (valence) on the human song ratings of 1802 other songs (DEAM); one "
        "trained on those ratings themselves reaches 0.78 and 0.47 in cross-validation.",
        "It is a stand-in for a model trained on all of emoMusic or DEAM, which anyone who has those data sets can "
        "train with the same command.",
    ),
)
UNKNOWN = Terms(
    title="a data set unknown to train.py",
    labels="Unknown to train.py; ask whoever trained this model.",
    license="Unknown to train.py; the terms of the data set apply.",
)
