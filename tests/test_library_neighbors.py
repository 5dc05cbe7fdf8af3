"""Neighbors in the plane, against the distances to all songs."""

import math
from itertools import islice

import numpy as np
import pytest
from made_songs import made_library, made_points, made_song

from emodj_live import Quadrant
from emodj_live.library import Library, Query, nearest, neighbors

ARTISTS = "Ann", "Bea", "Cy", None
POINTS = [(0.0, 0.0), (0.11, -0.23), (1.0, -1.0), (-0.9, 0.2), (3.0, 4.0), (-50.0, 0.0)]
QUERIES = [
    Query(),
    Query(mood=Quadrant.CALM),
    Query(mood=Quadrant.TENSE, max_arousal=0.1),
    Query(min_valence=0.15, max_arousal=-0.1),
    Query(min_valence=0.1, max_valence=0.05),
    Query(artist="bea"),
    Query(artist="an"),
    Query(album="LU", min_duration=120, max_duration=240),
    Query(min_certainty=0.9),
    Query(text="song 17"),
    Query(text="nothing like this"),
]


@pytest.fixture(scope="module", params=range(3))
def collection(request, tmp_path_factory):
    """Return songs that differ in all that can be asked for, some of them gone or silent, and an index of them."""
    random = np.random.default_rng(request.param)
    songs = [
        made_song(
            number,
            *point,
            artist=ARTISTS[random.integers(4)],
            album="Blue" if random.random() < 0.5 else None,
            duration=float(random.integers(60, 600)),
            certainty=float(random.random()) if random.random() < 0.9 else None,
            silence=1.0 if random.random() < 0.05 else 0.2,
            is_missing=bool(random.random() < 0.05),
        )
        for number, point in enumerate(made_points(400, request.param))
    ]
    with made_library(tmp_path_factory.mktemp("index") / "music.db", songs) as library:
        yield library, songs


def fits(song, query):
    """Return whether a song is what a query asks for, by its plain meaning."""
    words = [song.artist or "", song.title, song.album or "", song.path.decode()]
    bounds = [
        (song.valence, query.min_valence, query.max_valence),
        (song.arousal, query.min_arousal, query.max_arousal),
        (song.duration, query.min_duration, query.max_duration),
    ]
    return (
        not song.is_missing
        and song.silence < 1
        and (query.mood is None or song.quadrant is query.mood)
        and all((low is None or low <= x) and (high is None or x <= high) for x, low, high in bounds)
        and (query.min_certainty is None or (song.certainty is not None and song.certainty >= query.min_certainty))
        and query.artist.lower() in words[0].lower()
        and query.album.lower() in words[2].lower()
        and all(any(word in text.lower() for text in words) for word in query.text.split())
    )


def expected(songs, point, query):
    """Return ids and distances of the songs that fit, by distance and then id."""
    numbers = np.array([number for number, song in enumerate(songs, 1) if fits(song, query)], int)
    places = np.array([(songs[number - 1].valence, songs[number - 1].arousal) for number in numbers]).reshape(-1, 2)
    squares = ((places - point) ** 2).sum(axis=1)
    order = np.lexsort((numbers, squares))
    return numbers[order].tolist(), np.sqrt(squares[order]).tolist()


def found(library, point, query):
    every = list(nearest(library, point, query))
    return [neighbor.song.id for neighbor in every], [neighbor.distance for neighbor in every]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_all_songs_by_distance(collection, point, query):
    library, songs = collection
    assert found(library, point, query) == expected(songs, point, query)


@pytest.mark.parametrize("most", [0, 20, 100])
@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_a_look_at_every_song_goes_on_where_the_boxes_end(collection, query, most, monkeypatch):
    monkeypatch.setattr(neighbors, "_MOST", most)
    library, songs = collection
    for point in POINTS:
        assert found(library, point, query) == expected(songs, point, query)


@pytest.mark.parametrize("at_once", [1, 3, 400, 1000])
def test_however_many_are_looked_for_at_once(collection, at_once):
    library, songs = collection
    for point in POINTS:
        for query in QUERIES[:4]:
            every = nearest(library, point, query, at_once=at_once)
            assert [neighbor.song.id for neighbor in every] == expected(songs, point, query)[0]


def test_a_song_lies_at_its_own_place(collection):
    library, songs = collection
    for number in range(1, 400, 7):
        song = songs[number - 1]
        if fits(song, Query()):
            here = list(islice(nearest(library, (song.valence, song.arousal)), 1))
            assert here[0].distance == 0.0


def test_a_pile_of_equal_songs_comes_by_id(tmp_path):
    songs = [made_song(number, 0.25, 0.1) for number in range(200)] + [made_song(200, 0.2500001, 0.1)]
    with made_library(tmp_path / "music.db", songs) as library:
        assert [neighbor.song.id for neighbor in nearest(library, (0.3, 0.1))] == [201, *range(1, 201)]


def test_what_the_rtree_rounds_away_counts(tmp_path):
    """Coordinates are float32 there: these two cannot be told apart, but one is nearer."""
    songs = [made_song(0, 0.1 + 2e-10, 0.0), made_song(1, 0.1 + 1e-10, 0.0)]
    assert np.float32(songs[0].valence) == np.float32(songs[1].valence)
    with made_library(tmp_path / "music.db", songs) as library:
        assert [neighbor.song.id for neighbor in nearest(library, (0.1, 0.0))] == [2, 1]


class WatchedSearch(neighbors._Search):
    """A search that keeps the boxes out of which it takes songs."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.regions = []

    def _songs(self, wanted, boxes):
        self.regions.append(boxes)
        return super()._songs(wanted, boxes)


def test_few_songs_are_looked_at(tmp_path):
    """The first neighbors of 5000 songs come out of some dozens, wherever the point is."""
    songs = [made_song(number, *point) for number, point in enumerate(made_points(5000, 9))]
    with made_library(tmp_path / "music.db", songs) as library:
        for point in POINTS:
            search = WatchedSearch(library, point, Query())
            assert len(list(islice(search.neighbors(16), 10))) == 10
            for boxes in search.regions:
                assert len(library.query(*search._region(boxes))) < 250


def test_an_empty_index_has_no_neighbors(tmp_path):
    with made_library(tmp_path / "music.db", []) as library:
        assert list(nearest(library, (0.0, 0.0))) == []


@pytest.mark.parametrize("point", [(math.nan, 0.0), (0.0, math.inf)])
def test_a_point_is_finite(tmp_path, point):
    with Library(tmp_path / "music.db") as library, pytest.raises(ValueError, match="finite"):
        nearest(library, point)


def test_at_once_is_a_positive_number(tmp_path):
    with Library(tmp_path / "music.db") as library, pytest.raises(ValueError, match="at_once"):
        nearest(library, (0.0, 0.0), at_once=0)


def test_songs_that_are_added_meanwhile_disturb_nothing(tmp_path):
    path = tmp_path / "music.db"
    with made_library(path, [made_song(n, *p) for n, p in enumerate(made_points(100, 1))]) as library:
        coming = nearest(library, (0.0, 0.0))
        first = [neighbor.song.id for neighbor in islice(coming, 5)]
        made_library(path, [made_song(500, 0.0, 0.0)]).close()
        rest = [neighbor.song.id for neighbor in coming]
    assert len({*first, *rest}) == len(first) + len(rest) == 100
