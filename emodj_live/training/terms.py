"""Who made the labels of the data sets that we know, and on what terms they may be used.

A model card must say it, so it has one home: here, in our own words, keyed by the kind of data set that was found.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """What a model card says about a kind of data set.

    Attributes
    ----------
    title : str
        Its name, and its paper.
    labels : str
        Where the labels come from.
    licence : str
        On what terms audio and labels, and so a model of them, may be used.
    limits : tuple of str
        What the scores against these labels do not show; one sentence each.
    """

    title: str
    labels: str
    licence: str
    limits: tuple[str, ...] = ()


EMOMUSIC = Terms(
    title='emoMusic ("1000 songs for emotional analysis of music", Soleymani et al. 2013)',
    labels="Human: crowd workers rated valence and arousal while they listened, averaged, twice a second from 15 s on.",
    licence="Annotations for research; the clips are Creative Commons tracks from the Free Music Archive.",
)
DEAM = Terms(
    title='DEAM (MediaEval; "Developing a benchmark for emotional analysis of music", Aljanaki et al. 2017)',
    labels="Human: workers rated valence and arousal while they listened, averaged, twice a second from 15 s on.",
    licence="Annotations non-commercial, for research; the clips are Creative Commons tracks.",
    limits=(
        "DEAM contains the songs of emoMusic under the same ids: neither is a fresh test for a model of the other.",
    ),
)
EMOTIFY = Terms(
    title="400 excerpts of the Emotify set (Aljanaki et al. 2016): classical, rock, electronic, pop",
    labels=(
        "**Derived, not human ratings of valence and arousal.** A MusiCNN embedding with a regression head that was "
        "trained on emoMusic gave valence and arousal every second; that was interpolated to 2 Hz, smoothed over 4.5 s "
        "and stretched to emoMusic's spread. The level of valence per song was then blended, two to one, with a "
        "contrast of human votes on the GEMS emotions (joy, tenderness, half of calm and wonder against tension and "
        "sadness)."
    ),
    licence=(
        "Non-commercial, share alike (in the manner of CC BY-NC-SA 4.0), research. So are the labels and this model."
    ),
    limits=(
        "Scores against these labels measure agreement with derived labels, not with people.",
        "The teacher behind the labels was trained on emoMusic: a check of this model on emoMusic clips is not "
        "independent of it.",
        "The labels were checked against people: a regressor on mean MFCCs of these songs with these labels reaches "
        "r = 0.75 (arousal) and 0.47 (valence) on the human song ratings of 1802 other songs (DEAM); one that is "
        "trained on those very ratings reaches 0.78 and 0.47 in cross-validation.",
        "It is a stand-in for a model trained on the whole of emoMusic or DEAM, which anyone who holds those sets "
        "builds with the same command.",
    ),
)
UNKNOWN = Terms(
    title="a data set that train.py does not know",
    labels="Not known to train.py: ask whoever trained this model.",
    licence="Not known to train.py: the terms of the data set apply.",
)
