"""What can go wrong outside the program.

::

    EmodjError
    |-- SourceError     a file, stream or device cannot be opened or decoded, or stops
    |-- ModelError      a model file is missing, of another format, or damaged
    |-- SinkError       an output cannot be opened or written to
    |-- DatasetError    annotations or clips do not fit together
    `-- LibraryError    a collection's index, or what it should be made of, cannot be used

A programmer's mistake is a `ValueError` or `TypeError` instead. Each message is one sentence: what happened, to which
file or device, and what to do.
"""


class EmodjError(Exception):
    """Base class of every error that is not the calling program's own mistake.

    Its text is one line that is safe to print, whatever the name of the file in it.
    """

    def __str__(self) -> str:
        return one_line(super().__str__())


class SourceError(EmodjError):
    """A file, stream or device cannot be opened or decoded, or stops."""


class ModelError(EmodjError):
    """A model file is missing, of another format, or damaged."""


class SinkError(EmodjError):
    """An output cannot be opened or written to."""


class DatasetError(EmodjError):
    """The annotations and clips of a data set are missing or contradict each other."""


class LibraryError(EmodjError):
    """A collection's index, or what it should be made of, cannot be used."""


def one_line(text: str) -> str:
    """Return a text in which whatever could control a terminal is replaced by "?"; undecodable bytes are kept.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return "".join(c if c.isprintable() or "\udc80" <= c <= "\udcff" else "?" for c in text)
