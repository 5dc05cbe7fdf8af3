"""A whole music collection: scanned, found, put in order.

Importing the package imports nothing heavy; each name's module is imported when the name is first used. Live tracking
never imports it.
"""

from typing import TYPE_CHECKING

from emodj_live.lazy import lazy

if TYPE_CHECKING:
    from emodj_live.library.files import FoundMedia, Problem, find_media
    from emodj_live.library.index import Library, Stamp
    from emodj_live.library.scanning import ScanReport, scan
    from emodj_live.library.schema import default_database
    from emodj_live.library.song import Song

__all__ = ["FoundMedia", "Library", "Problem", "ScanReport", "Song", "Stamp", "default_database", "find_media", "scan"]

_HOMES = {
    "FoundMedia": "files",
    "Library": "index",
    "Problem": "files",
    "ScanReport": "scanning",
    "Song": "song",
    "Stamp": "index",
    "default_database": "schema",
    "find_media": "files",
    "scan": "scanning",
}

__getattr__, __dir__ = lazy(__name__, _HOMES)
