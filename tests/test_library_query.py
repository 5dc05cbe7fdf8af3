"""Filters and sorting, against the same songs in plain Python."""

import math

import numpy as np
import pytest
from made_songs import made_library, made_points, made_song

from emodj_live import Quadrant
from emodj_live.library import Query, query, select


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """Return songs, and an index of them."""
    random = np.random.default_rng(3)
    artists = [None, "Émile", "émile & Co", "Straße 7", "100% Pure", "A_B", "AxB", "Queen", "Queensrÿche", "The Who"]
    songs = [
        made_song(
            number,
            *point,
            path=f"/music/{'Ärger' if number % 3 else 'rock'}/{number:03d}.mp3".encode(),
            title=None if number % 7 == 0 else f"Title {random.integers(30)}",
            artist=artists[number % len(artists)],
            album=[None, "Blue", "blue", "Zoo"][random.integers(4)],
            duration=float(random.integers(100, 130)),
            certainty=None if number % 11 == 0 else float(random.integers(4, 9)) / 10,
            level=-float(random.integers(10, 20)),
            is_missing=number % 13 == 0,
            silence=1.0 if number % 17 == 0 else 0.0,
        )
        for number, point in enumerate(made_points(200, 8))
    ]
    with made_library(tmp_path_factory.mktemp("index") / "music.db", songs) as library:
        yield library, [song for song in songs if not song.is_missing]


def paths(songs):
    return [song.path for song in songs]


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        (Query(), lambda song: True),
        (Query(mood=Quadrant.SAD), lambda song: song.quadrant is Quadrant.SAD),
        (Query(min_valence=0.1, max_valence=0.2), lambda song: 0.1 <= song.valence <= 0.2),
        (Query(min_arousal=-0.1, max_arousal=0.0), lambda song: -0.1 <= song.arousal <= 0.0),
        (Query(min_certainty=0.7), lambda song: song.certainty is not None and song.certainty >= 0.7),
        (Query(min_duration=110, max_duration=112), lambda song: 110 <= song.duration <= 112),
        (Query(artist="queen"), lambda song: song.artist == "Queen"),  # the whole name, since there is one
        (Query(artist="quee"), lambda song: "Quee" in (song.artist or "")),
        (Query(artist="émile"), lambda song: song.artist == "émile" or "mile" in (song.artist or "")),
        (Query(artist="ÉMILE &"), lambda song: song.artist == "émile & Co"),
        (Query(artist="STRASSE 7 ß"), lambda song: False),
        (Query(artist="traße"), lambda song: song.artist == "Straße 7"),
        (Query(artist="0%"), lambda song: song.artist == "100% Pure"),
        (Query(artist="a_"), lambda song: song.artist == "A_B"),
        (Query(album="LU"), lambda song: (song.album or "").lower() == "blue"),
        (Query(text="title ROCK"), lambda song: song.title and b"rock" in song.path),
        (Query(text="ärger who"), lambda song: "Ärger".encode() in song.path and song.artist == "The Who"),
        (Query(text="019.mp3"), lambda song: song.path.endswith(b"019.mp3")),
        (Query(text="' OR 1 --"), lambda song: False),
    ],
    ids=range(19),
)
def test_a_filter_leaves_what_it_says(collection, asked, fits):
    library, songs = collection
    assert paths(select(library, asked, sort="id")) == [song.path for song in songs if fits(song)]


def by(name, *others):
    """Return what to sort by: unknown last, then the value, then what decides between equal ones."""

    def key(song, is_reversed):
        value = getattr(song, name)
        sign = -1 if is_reversed else 1
        rest = [getattr(song, other) for other in others]
        return (value is None, 0 if value is None else sign * value, *rest)

    return key


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize("sort", ["duration", "valence", "arousal", "certainty", "level"])
def test_numbers_are_sorted_and_the_unknown_comes_last(collection, sort, is_reversed):
    library, songs = collection
    expected = sorted(enumerate(songs), key=lambda each: (*by(sort)(each[1], is_reversed), each[0]))
    assert paths(select(library, sort=sort, is_reversed=is_reversed)) == [song.path for _, song in expected]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_titles_are_sorted_without_regard_to_case(tmp_path, is_reversed):
    titles = ["b", "A", None, "C", "a"]
    songs = [made_song(number, 0.0, 0.0, title=title) for number, title in enumerate(titles)]
    with made_library(tmp_path / "music.db", songs) as library:
        found = [song.title for song in select(library, sort="title", is_reversed=is_reversed)]
    assert found == (["C", "b", "A", "a", None] if is_reversed else ["A", "a", "b", "C", None])


def test_artists_are_sorted_with_their_albums(tmp_path):
    names = [("B", "z"), ("a", "y"), (None, "a"), ("A", "X"), ("a", None)]
    songs = [made_song(number, 0.0, 0.0, artist=artist, album=album) for number, (artist, album) in enumerate(names)]
    with made_library(tmp_path / "music.db", songs) as library:
        assert [song.id for song in select(library, sort="artist")] == [4, 2, 5, 1, 3]
        assert [song.id for song in select(library, sort="album")] == [3, 4, 2, 1, 5]


@pytest.mark.parametrize("sort", query.SORTS)
def test_every_sort_keeps_all_songs_and_can_be_cut(collection, sort):
    library, songs = collection
    every = paths(select(library, sort=sort))
    assert sorted(every) == sorted(paths(songs))
    assert paths(select(library, sort=sort, count=7)) == every[:7]


def test_by_default_songs_are_sorted_by_path(collection):
    library, songs = collection
    assert paths(select(library)) == sorted(paths(songs))
    assert paths(select(library, is_reversed=True)) == sorted(paths(songs), reverse=True)


def test_missing_songs_are_shown_when_asked_for(collection):
    library, _songs = collection
    assert [int(path[-7:-4]) for path in paths(select(library, is_missing=True, sort="id"))] == list(range(0, 200, 13))


def test_places_are_those_of_the_songs_that_sound(collection):
    library, songs = collection
    heard = [song for song in songs if song.silence < 1]
    assert query.places(library).tolist() == [[song.valence, song.arousal] for song in heard]
    calm = [song for song in heard if song.quadrant is Quadrant.CALM]
    assert len(query.places(library, Query(mood=Quadrant.CALM))) == len(calm)
    assert query.places(library, Query(text="nothing")).shape == (0, 2)


def test_places_come_in_pieces(collection, monkeypatch):
    library, _songs = collection
    every = query.places(library).tolist()
    monkeypatch.setattr(query, "_AT_ONCE", 7)
    assert query.places(library).tolist() == every


def test_the_box_of_a_query_holds_its_songs():
    asked = Query(mood=Quadrant.CALM, min_valence=-0.5, max_arousal=-0.2)
    assert asked.box == query.Box(left=0, top=-0.2)
    assert Query().box == query.Box(-math.inf, math.inf, -math.inf, math.inf)


@pytest.mark.parametrize("wrong", ["", "loudness", "path; DROP TABLE song"])
def test_an_unknown_sort_is_refused(collection, wrong):
    with pytest.raises(ValueError, match="sort must be one of"):
        select(collection[0], sort=wrong)
