"""A whole music collection: scanned, found, put in order.

Importing the package imports nothing heavy; each name's module is imported when the name is first used. Live tracking
never imports it.
"""

from typing import TYPE_CHECKING

from emodj_live.lazy import lazy

if TYPE_CHECKING:
    from emodj_live.library.files import FoundMedia, Problem, find_media
    from emodj_live.library.index import Library, Stamp
    from emodj_live.library.locating import locate
    from emodj_live.library.moods import Survey, survey
    from emodj_live.library.neighbors import Neighbor, nearest
    from emodj_live.library.order import Length, around, chain, walk
    from emodj_live.library.picker import Picker
    from emodj_live.library.playlist_file import as_m3u8, write_playlist
    from emodj_live.library.query import Query, select
    from emodj_live.library.scanning import ScanReport, scan
    from emodj_live.library.schema import default_database
    from emodj_live.library.song import Song

__all__ = [
    "FoundMedia",
    "Length",
    "Library",
    "Neighbor",
    "Picker",
    "Problem",
    "Query",
    "ScanReport",
    "Song",
    "Stamp",
    "Survey",
    "around",
    "as_m3u8",
    "chain",
    "default_database",
    "find_media",
    "locate",
    "nearest",
    "scan",
    "select",
    "survey",
    "walk",
    "write_playlist",
]

_HOMES = {
    "FoundMedia": "files",
    "Length": "order",
    "Library": "index",
    "Neighbor": "neighbors",
    "Picker": "picker",
    "Problem": "files",
    "Query": "query",
    "ScanReport": "scanning",
    "Song": "song",
    "Stamp": "index",
    "Survey": "moods",
    "around": "order",
    "as_m3u8": "playlist_file",
    "chain": "order",
    "default_database": "schema",
    "find_media": "files",
    "locate": "locating",
    "nearest": "neighbors",
    "scan": "scanning",
    "select": "query",
    "survey": "moods",
    "walk": "order",
    "write_playlist": "playlist_file",
}

__getattr__, __dir__ = lazy(__name__, _HOMES)
