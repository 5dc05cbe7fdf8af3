"""Who made the labels of the known data sets, and on what terms they may be used: for the model card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


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
_STATIC = "Human: one rating of the whole clip, from 1 to 9, by each of several workers; their mean, as (x - 5) / 4."
EMOMUSIC_STATIC = replace(EMOMUSIC, labels=_STATIC)
DEAM_STATIC = replace(
    DEAM,
    labels=_STATIC,
    limits=(
        *DEAM.limits,
        "DEAM's table of songs 1 to 2000 has emoMusic's ratings of emoMusic's songs (ids up to 1000) with the names of "
        "valence and arousal exchanged; the trainer recognizes the table and puts that right.",
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
_PREVIEWS = (
    "Non-commercial, for research. The audio is 30 s previews of commercial recordings: it is used for research alone "
    "and never redistributed, and neither are the tables."
)
_TAGS = "Quadrants: from experts' mood tags, validated by listeners. "
_QUADRANTS_ALONE = (
    "Each clip's quadrant stands for its values as +-0.3, so only the signs of valence and arousal were learned."
)
_ONE_QUADRANT = "There is one quadrant for a whole clip of 30 s, though music may move within it."
FOUR_Q = Terms(
    title="4Q Audio Emotion Dataset (Panda, Malheiro and Paiva, IEEE TAFFC 2018)",
    labels=(
        _TAGS
        + "Valence and arousal: **not ratings of the clip**, but the mean of the Warriner norms (people's ratings "
        "of 13 915 English words) of the clip's mood tags; they are graded."
    ),
    license=_PREVIEWS,
    limits=(
        _ONE_QUADRANT,
        "Values made from words are compressed, arousal most: they order clips better than they place them. Signs are "
        "judged by the quadrant.",
    ),
)
FOUR_Q_QUADRANTS = replace(FOUR_Q, labels=_TAGS + _QUADRANTS_ALONE, limits=(_ONE_QUADRANT,))
_MERGE_TAGS = "Quadrants: from experts' mood tags, selected in part by machine and validated by people. "
MERGE = replace(
    FOUR_Q,
    title="MERGE, the successor of the 4Q set (Louro et al. 2024)",
    labels=_MERGE_TAGS + "Valence and arousal: **not ratings of the clip**, but derived from its mood tags.",
    limits=(*FOUR_Q.limits, "MERGE has songs of 4Q: neither is an independent test for a model trained on the other."),
)
MERGE_QUADRANTS = replace(MERGE, labels=_MERGE_TAGS + _QUADRANTS_ALONE, limits=(_ONE_QUADRANT, MERGE.limits[-1]))
EMOPIA = Terms(
    title="EMOPIA, solo piano (Hung et al. 2021)",
    labels="EMOPIA: a quadrant for each clip by four annotators, written as +-0.3: only the signs were learned.",
    license="EMOPIA: CC BY-NC-SA 4.0, non-commercial, share alike.",
    limits=("EMOPIA's clips may be synthesized from its MIDI: recordings of solo piano may fare otherwise.",),
)
VGMIDI = Terms(
    title="VGMIDI, piano arrangements of video game music (Ferreira and Whitehead 2019)",
    labels="VGMIDI: human, the mean of about 30 raters for each measure.",
    license="VGMIDI: without a license file, so for research and non-commercial use only.",
    limits=(
        "VGMIDI's ratings are narrow (standard deviation .24 valence, .28 arousal) and noisy (raters differ by .2 to "
        ".45), so no model can follow them closely.",
        "VGMIDI is MIDI, so its audio is synthesized: recordings of solo piano may fare otherwise.",
    ),
)
UNKNOWN = Terms(
    title="a data set unknown to the trainer",
    labels="Unknown to the trainer; ask whoever trained this model.",
    license="Unknown to the trainer; the terms of the data set apply.",
)
_LABEL_TABLES = {"emopia": EMOPIA, "vgmidi": VGMIDI}


def of_label_table(paths: Iterable[str]) -> Terms:
    """Return the terms of a ``labels.csv`` by the folders in its paths: ``emopia/...`` and ``vgmidi/...`` are known.

    Parameters
    ----------
    paths : iterable of str
        As the table has them, with "/".

    Returns
    -------
    Terms
        `UNKNOWN` if a clip is in any other folder.
    """
    folders = sorted({path.casefold().rpartition("/")[0] for path in paths})
    known = [_LABEL_TABLES[folder] for folder in folders if folder in _LABEL_TABLES]
    if len(known) < len(folders) or not known:
        return UNKNOWN
    return Terms(
        title=" and ".join(terms.title for terms in known),
        labels=" ".join(terms.labels for terms in known),
        license=" ".join(terms.license for terms in known),
        limits=tuple(limit for terms in known for limit in terms.limits),
    )
