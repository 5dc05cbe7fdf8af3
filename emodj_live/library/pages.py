"""A collection over HTTP: its songs as JSON, their files for a player, playlists, and the page that shows all of it.

Songs are asked for by their number in the index, never by a path, and no whole path is sent but in a playlist, which is
made of them. Every question runs on a thread of its own with a connection of its own, so that a long one holds nobody
up.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from functools import wraps
from itertools import islice
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from emodj_live.arc import ARC_STEP
from emodj_live.colors import color_of
from emodj_live.emotion import Quadrant
from emodj_live.errors import EmodjError, one_line
from emodj_live.library.index import Library
from emodj_live.library.moods import survey
from emodj_live.library.neighbors import nearest
from emodj_live.library.order import Length, Place, walk
from emodj_live.library.playlist_file import as_m3u8
from emodj_live.library.query import PLAYABLE, Query, select
from emodj_live.library.readers import Readers
from emodj_live.library.song import Song, text
from emodj_live.library.song_file import SongFile

_PAGE = 20_000  # songs on the map in one answer
_MOST_FOUND = 100  # songs
_LONGEST_SEARCH = 200  # characters
_LONGEST_PLAYLIST = 600.0  # [min]
_HOUR = 60.0  # [min]
_LARGEST_ID = 2**63 - 1
_DIGITS = 4
_PLACES = f"""SELECT song.id, song.valence, song.arousal FROM song
    WHERE song.id > ? AND {PLAYABLE} ORDER BY song.id LIMIT ?"""  # noqa: S608 (a constant)


class _RefusalError(Exception):
    """A request that gets a sentence instead of an answer."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


_Answer = Callable[[Library, Request], ASGIApp]


def routes(readers: Readers) -> list[BaseRoute]:
    """Return the routes of a collection.

    ========================  ==========================================================================================
    ``/collection``           how many songs there are, and where the moods lie
    ``/songs?after=ID``       up to 20 000 songs after a number: columns ``ids``, ``valence`` and ``arousal``; ``next``
                              is the number to go on after, or null
    ``/songs/ID``             one song
    ``/songs/ID/arc``         its valence and arousal, one pair every ``step`` seconds, null where nothing is known
    ``/songs/ID/audio``       its file, whole or in parts
    ``/songs/ID/similar``     the ``n`` songs nearest to it
    ``/search?q=WORDS``       songs with these words in title, artist, album or path
    ``/playlist``             songs ``from=V,A`` ``to=V,A`` (or a mood's name) for so many ``minutes``
    ``/playlist.m3u8``        the same as a playlist file
    ========================  ==========================================================================================

    Whatever cannot be answered is refused with ``{"error": sentence}``.

    Parameters
    ----------
    readers : Readers
        Of the index.

    Returns
    -------
    list of BaseRoute
    """
    answers: dict[str, _Answer] = {
        "/collection": _collection,
        "/songs": _places,
        "/songs/{id}": _song,
        "/songs/{id}/arc": _arc,
        "/songs/{id}/audio": _audio,
        "/songs/{id}/similar": _similar,
        "/search": _search,
        "/playlist": _playlist,
        "/playlist.m3u8": _playlist_file,
    }
    return [Route(path, _endpoint(answer, readers)) for path, answer in answers.items()]


def _endpoint(answer: _Answer, readers: Readers) -> Callable[[Request], ASGIApp]:
    """Return what Starlette calls on a thread; whatever goes wrong becomes a sentence."""

    @wraps(answer)
    def endpoint(request: Request) -> ASGIApp:
        try:
            with readers.borrow() as library:
                return answer(library, request)
        except _RefusalError as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status)
        except EmodjError as error:
            return JSONResponse({"error": _without_place(error, readers)}, 503)

    return endpoint


def _without_place(error: EmodjError, readers: Readers) -> str:
    """Return what went wrong with the index, but not where it lies."""
    said = str(error).removeprefix(f"{readers.path}: ")
    return f"T{said[1:]}" if said.startswith("there is no index") else f"The index {said}"


# ---------------------------------------------------------------------------------------------------- what is asked for


def _number(request: Request) -> int:
    """Return the song's number; one that no index can have stands for all that are not there."""
    digits = request.path_params["id"]
    if digits.isascii() and digits.isdecimal() and len(digits) < len(str(_LARGEST_ID)):
        return int(digits)
    raise _RefusalError(404, "There is no such song.")


def _asked_song(library: Library, request: Request) -> Song:
    if song := library.song(_number(request)):
        return song
    raise _RefusalError(404, "There is no such song.")


def _value(request: Request, name: str, default: float, low: float, high: float) -> float:
    """Return a number of the query, within bounds."""
    given = request.query_params.get(name)
    value = default if given is None else _float(given)
    if not low <= value <= high:
        raise _RefusalError(400, f"{name} must be a number from {low:g} to {high:g}.")
    return value


def _float(given: str) -> float:
    try:
        return float(given)
    except ValueError:
        return math.nan


def _place(request: Request, name: str) -> Place:
    """Return a point of the plane, or the mood that is named."""
    given = request.query_params.get(name, "")
    if given in {mood.value for mood in Quadrant}:
        return Quadrant(given)
    numbers = [_float(part) for part in given.split(",")[:3]]
    if len(numbers) != 2 or not all(-1 <= number <= 1 for number in numbers):
        raise _RefusalError(400, f"{name} must be valence and arousal, each from -1 to 1, such as 0.3,-0.2, or a mood.")
    return numbers[0], numbers[1]


# -------------------------------------------------------------------------------------------------------------- answers


def _as_json(song: Song) -> dict[str, Any]:
    """Return what the page shows of a song: the name of its file, but not where that is."""
    values = song.as_dict()
    del values["path"]
    names = {"file": text(os.path.basename(song.path)), "name": one_line(song.name), "mood": song.mood}  # noqa: PTH119 (of bytes)
    return values | names | {"color": color_of(song.valence, song.arousal), "is_missing": song.is_missing}


def _listed(songs: Iterable[Song]) -> list[dict[str, Any]]:
    return [_as_json(song) for song in songs]


def _collection(library: Library, _request: Request) -> Response:
    count = int(library.query(f"SELECT count(*) FROM song WHERE {PLAYABLE}")[0][0])  # noqa: S608 (a constant)
    moods = {mood.value: point for mood, point in survey(library).moods.items()} if count else {}
    return JSONResponse({"songs": count, "moods": moods})


def _places(library: Library, request: Request) -> Response:
    after = int(_value(request, "after", 0, 0, 2**53))
    rows = library.query(_PLACES, (after, _PAGE + 1))
    shown = rows[:_PAGE]
    values = {
        "ids": [row[0] for row in shown],
        "valence": [round(row[1], _DIGITS) for row in shown],
        "arousal": [round(row[2], _DIGITS) for row in shown],
        "next": shown[-1][0] if len(rows) > _PAGE else None,
    }
    return JSONResponse(values)


def _song(library: Library, request: Request) -> Response:
    return JSONResponse(_as_json(_asked_song(library, request)))


def _arc(library: Library, request: Request) -> Response:
    points = library.arc(_asked_song(library, request).id or 0).tolist()
    known = [[round(value, _DIGITS) for value in point] if math.isfinite(sum(point)) else None for point in points]
    return JSONResponse({"step": ARC_STEP, "points": known})


def _audio(library: Library, request: Request) -> ASGIApp:
    song = _asked_song(library, request)
    try:
        return SongFile(song.path, request)
    except FileNotFoundError:
        sentence = f"{one_line(song.name)}: the file is gone; scan the collection again."
    except OSError as error:
        sentence = f"{one_line(song.name)}: the file cannot be read: {error.strerror or error}."
    raise _RefusalError(404, sentence)


def _similar(library: Library, request: Request) -> Response:
    song, count = _asked_song(library, request), int(_value(request, "n", 20, 1, _MOST_FOUND))
    near = nearest(library, (song.valence, song.arousal), at_once=count + 1)
    others = islice((each for each in near if each.song.id != song.id), count)
    return JSONResponse({"songs": [_as_json(each.song) | {"distance": each.distance} for each in others]})


def _search(library: Library, request: Request) -> Response:
    words = request.query_params.get("q", "")[:_LONGEST_SEARCH]
    found = list(select(library, Query(text=words), sort="artist", count=_MOST_FOUND + 1))
    return JSONResponse({"songs": _listed(found[:_MOST_FOUND]), "has_more": len(found) > _MOST_FOUND})


def _between(library: Library, request: Request) -> list[Song]:
    """Return the songs of the playlist that is asked for."""
    start, end = _place(request, "from"), _place(request, "to")
    minutes = _value(request, "minutes", _HOUR, 1, _LONGEST_PLAYLIST)
    return list(walk(library, start, end, Length(seconds=60 * minutes)))


def _playlist(library: Library, request: Request) -> Response:
    return JSONResponse({"songs": _listed(_between(library, request))})


def _playlist_file(library: Library, request: Request) -> Response:
    headers = {"content-disposition": 'attachment; filename="playlist.m3u8"'}
    return Response(as_m3u8(_between(library, request)), headers=headers, media_type="audio/x-mpegurl")
