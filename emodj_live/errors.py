"""What the world can do wrong.

::

    EmodjError
    |-- SourceError     a file, stream or device cannot be opened, decoded or kept going
    |-- ModelError      a model file is missing, foreign, damaged or does not fit
    |-- SinkError       an output cannot be opened or written to
    `-- DatasetError    annotations or clips do not fit together

A programmer's mistake is a `ValueError` or `TypeError` instead. Each message is one sentence: what happened, to which
file or device, and what to do about it.
"""


class EmodjError(Exception):
    """Base of everything that this package raises about the world outside it.

    Its text is one line that is safe to print, whatever the name of the file in it.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


class SourceError(EmodjError):
    """A file, stream or device cannot be opened, decoded or kept going."""


class ModelError(EmodjError):
    """A model file is missing, foreign, damaged or does not fit."""


class SinkError(EmodjError):
    """An output cannot be opened or written to."""


class DatasetError(EmodjError):
    """The annotations and clips of a data set are missing or contradict each other."""


def one_line(text: str) -> str:
    """Return a text with what could move a terminal's cursor replaced; bytes of odd file names stay.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return "".join(c if c.isprintable() or "\udc80" <= c <= "\udcff" else "?" for c in text)
