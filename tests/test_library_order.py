"""Playlists, against the same rules applied to all songs one by one."""

import math
from itertools import islice, pairwise

import numpy as np
import pytest
from made_songs import made_library, made_points, made_song

from emodj_live import LibraryError, Quadrant
from emodj_live.library import Length, Library, Picker, Query, around, chain, moods, survey, walk

CALM, HAPPY, SAD, TENSE = Quadrant.CALM, Quadrant.HAPPY, Quadrant.SAD, Quadrant.TENSE


@pytest.fixture(scope="module", params=range(2))
def collection(request, tmp_path_factory):
    """Return songs by a few artists, some of them copies of others, their contents, and an index of them."""
    random = np.random.default_rng(100 + request.param)
    songs = [
        made_song(
            number,
            *point,
            artist=[None, "Ann", "ANN", "Bea", "Cy"][random.integers(5)],
            duration=float(random.integers(100, 500)),
        )
        for number, point in enumerate(made_points(300, request.param))
    ]
    contents = [number.to_bytes(4, "big") for number in range(300)]
    for copy, original in random.integers(0, 300, (40, 2)):
        contents[copy] = contents[original]
    with made_library(tmp_path_factory.mktemp("index") / "music.db", songs, contents) as library:
        yield library, songs, contents


class PlainPicker:
    """The rules of a `Picker`, by looking at every song every time."""

    def __init__(self, songs, contents, *, varies_artists=True):
        self.songs, self.contents, self.varies_artists = songs, contents, varies_artists
        self.played, self.artist = set(), None

    def pick(self, point, longest=math.inf):
        left = [n for n in range(len(self.songs)) if self.contents[n] not in self.played]
        left = [n for n in left if self.songs[n].duration <= longest]
        distance = {n: math.dist(point, (self.songs[n].valence, self.songs[n].arousal)) for n in left}
        left.sort(key=lambda n: (distance[n] ** 2, n))
        if not left:
            return None
        chosen = left[0]
        if self.varies_artists and self.artist:
            near = [n for n in left[:100] if distance[n] <= distance[left[0]] + 0.1]
            chosen = next((n for n in near if (self.songs[n].artist or "").lower() != self.artist), chosen)
        return self.remember(chosen)

    def remember(self, number):
        self.played.add(self.contents[number])
        self.artist = (self.songs[number].artist or "").lower()
        return number + 1


def ids(songs):
    return [song.id for song in songs]


def place(song):
    return song.valence, song.arousal


@pytest.mark.parametrize("number", [1, 50, 299])
def test_the_chain_is_emodjs(collection, number):
    """Always the nearest song that was not played yet, whoever it is by, to the end of the collection."""
    library, songs, contents = collection
    picker = PlainPicker(songs, contents, varies_artists=False)
    expected = [picker.remember(number - 1)]
    while (following := picker.pick(place(songs[expected[-1] - 1]))) is not None:
        expected.append(following)
    assert len(expected) == len(set(contents))
    assert ids(chain(library, library.song(number), Length(songs=1000))) == expected
    assert ids(chain(library, library.song(number), Length(songs=7))) == expected[:7]


@pytest.mark.parametrize(("count", "start", "end"), [(2, CALM, HAPPY), (9, HAPPY, SAD), (40, (0.1, 0.5), (-0.3, -0.3))])
def test_a_walk_is_in_even_steps(collection, count, start, end):
    library, songs, contents = collection
    at = survey(library).moods
    first, last = (np.array(at.get(each, each)) for each in (start, end))
    picker = PlainPicker(songs, contents)
    expected = [picker.pick(tuple(first + (last - first) * step / (count - 1))) for step in range(count)]
    assert ids(walk(library, start, end, Length(songs=count))) == expected


def test_a_walk_of_one_song_is_at_its_start(collection):
    library, songs, contents = collection
    expected = PlainPicker(songs, contents).pick(survey(library).moods[TENSE])
    assert ids(walk(library, TENSE, CALM, Length(songs=1))) == [expected]


def test_around_a_mood(collection):
    library, songs, contents = collection
    picker, point = PlainPicker(songs, contents), survey(library).moods[CALM]
    expected = [picker.pick(point) for _ in range(len(set(contents)))]
    assert ids(around(library, CALM, Length(songs=1000))) == expected


def test_around_a_song_it_comes_first(collection):
    library, songs, contents = collection
    picker = PlainPicker(songs, contents)
    expected = [picker.remember(41)] + [picker.pick(place(songs[41])) for _ in range(20)]
    assert ids(around(library, library.song(42), Length(songs=21))) == expected


def test_a_time_is_kept_to_half_a_song(collection):
    library, _songs, _ = collection
    half = survey(library).duration / 2
    for minutes in (10, 25, 61, 240):
        for made in (
            walk(library, CALM, HAPPY, Length(seconds=60 * minutes)),
            around(library, SAD, Length(seconds=60 * minutes)),
            chain(library, library.song(1), Length(seconds=60 * minutes)),
        ):
            assert abs(sum(song.duration for song in made) - 60 * minutes) <= half


def test_a_walk_by_time_reaches_its_end(collection):
    """With the last song it is at the end, however long the songs were that came before."""
    library, songs, _contents = collection
    made = list(walk(library, CALM, TENSE, Length(seconds=3600)))
    end = survey(library).moods[TENSE]
    nearest = min(math.dist(place(song), end) for song in songs)
    assert math.dist(place(made[-1]), end) < nearest + 0.1
    assert len(made) > 10


def test_no_recording_comes_twice(collection):
    library, _songs, contents = collection
    for made in (walk(library, SAD, HAPPY, Length(songs=150)), around(library, CALM, Length(songs=150))):
        heard = [contents[song.id - 1] for song in made]
        assert len(heard) == len(set(heard)) == 150


def test_no_artist_twice_in_a_row_if_another_is_nearby(tmp_path):
    artists = ["Ann", "Ann", "ann", "Bea", "Ann", None, None]
    songs = [made_song(n, 0.01 * n, 0.0, artist=artist) for n, artist in enumerate(artists)]
    with made_library(tmp_path / "music.db", songs) as library:
        assert ids(around(library, (0.0, 0.0), Length(songs=7))) == [1, 4, 2, 6, 3, 7, 5]


def test_an_artist_comes_again_if_no_other_is_nearby(tmp_path):
    songs = [made_song(0, 0.0, 0.0, artist="Ann"), made_song(1, 0.01, 0.0, artist="Ann")]
    with made_library(tmp_path / "near.db", [*songs, made_song(2, 0.109, 0.0, artist="Bea")]) as library:
        assert ids(around(library, (0.0, 0.0), Length(songs=3))) == [1, 3, 2]
    with made_library(tmp_path / "far.db", [*songs, made_song(2, 0.111, 0.0, artist="Bea")]) as library:
        assert ids(around(library, (0.0, 0.0), Length(songs=3))) == [1, 2, 3]


def test_the_artists_are_not_looked_through_for_ever(tmp_path):
    """Behind a hundred songs of one artist nobody looks for another."""
    songs = [made_song(n, 0.0, 0.0, artist="Ann") for n in range(101)] + [made_song(200, 0.0, 0.0, artist="Bea")]
    with made_library(tmp_path / "music.db", songs) as library:
        assert ids(around(library, (0.0, 0.0), Length(songs=4))) == [1, 2, 102, 3]


def test_a_picker_can_be_steered(collection):
    library, songs, contents = collection
    picker, plain = Picker(library), PlainPicker(songs, contents)
    points = [(0.0, 0.0), (0.0, 0.0), (0.3, -0.2), (0.0, 0.0), (-1.0, -1.0), (0.3, -0.2), (0.3, -0.2)]
    for point in points:
        assert picker.pick(point).id == plain.pick(point)
    assert picker.pick((0.0, 0.0), longest=150).id == plain.pick((0.0, 0.0), longest=150)
    assert picker.pick((0.0, 0.0), longest=1) is None
    assert picker.pick((0.0, 0.0)).id == plain.pick((0.0, 0.0))


def test_a_picker_ends(tmp_path):
    with made_library(tmp_path / "music.db", [made_song(0, 0.1, 0.1), made_song(1, 0.2, 0.1)]) as library:
        picker = Picker(library)
        assert [picker.pick((0.0, 0.0)).id for _ in range(2)] == [1, 2]
        assert picker.pick((0.0, 0.0)) is None
        assert picker.pick((1.0, 0.0)) is None


def test_a_query_holds_for_playlists(collection):
    library, *_ = collection
    query = Query(artist="bea", max_duration=400)
    for made in (
        walk(library, SAD, HAPPY, Length(songs=10), query),
        around(library, CALM, Length(songs=10), query),
        islice(chain(library, library.song(1), Length(songs=11), query), 1, None),
    ):
        every = list(made)
        assert len(every) == 10
        assert all(song.artist == "Bea" and song.duration <= 400 for song in every)


def test_too_few_songs_walk_the_whole_way(tmp_path):
    songs = [made_song(n, valence, 0.0) for n, valence in enumerate([0.4, 0.0, 0.2, 0.4])]
    contents = [b"a", b"b", b"c", b"a"]
    with made_library(tmp_path / "music.db", songs, contents) as library:
        for length in (Length(songs=30), Length(seconds=7200)):
            assert ids(walk(library, (0.0, 0.0), (0.4, 0.0), length)) == [2, 3, 1]
            assert ids(walk(library, (0.4, 0.0), (0.0, 0.0), length)) == [1, 3, 2]


def test_few_recordings_come_in_the_direction_of_the_walk(tmp_path):
    """Copies do not make a collection large, and nothing is left for the end but what belongs there."""
    songs = [made_song(0, 0.0, 0.0), made_song(1, 0.3, 0.0), made_song(2, 0.1, -0.25)]
    songs += [made_song(number, 0.0, 0.0) for number in range(3, 23)]
    contents = [b"a", b"b", b"c", *[b"a"] * 20]
    with made_library(tmp_path / "music.db", songs, contents) as library:
        assert ids(walk(library, (0.0, 0.0), (0.4, 0.0), Length(songs=30))) == [1, 3, 2]
        assert ids(walk(library, (0.4, 0.0), (0.0, 0.0), Length(songs=30))) == [2, 3, 1]
        assert ids(walk(library, (0.0, 0.0), (0.4, 0.0), Length(songs=2))) == [1, 2]


def test_a_walk_through_a_small_collection_ends_where_it_leads(tmp_path):
    """Half an hour of music for an hour's walk: every song comes, the saddest first and the happiest last."""
    points = np.random.default_rng(3).uniform(-0.4, 0.4, (40, 2))
    songs = [made_song(number, *point, duration=45.0, artist="abc"[number % 3]) for number, point in enumerate(points)]
    with made_library(tmp_path / "music.db", songs) as library:
        walked = list(walk(library, Quadrant.SAD, Quadrant.HAPPY, Length(seconds=3600)))
        shorter = list(walk(library, Quadrant.SAD, Quadrant.HAPPY, Length(seconds=1200)))
    assert len(walked) == 40
    sums = np.array([song.valence + song.arousal for song in walked])
    assert np.sort(sums)[:8].mean() == pytest.approx(sums[:8].mean(), abs=0.05)
    assert np.sort(sums)[-8:].mean() == pytest.approx(sums[-8:].mean(), abs=0.05)
    assert all(one.artist != other.artist for one, other in pairwise(walked[:-3]))
    assert sum(song.duration for song in shorter) == pytest.approx(1200, abs=23)
    assert max(abs(song.valence - song.arousal) for song in shorter) < max(abs(p[0] - p[1]) for p in points)


def test_one_song(tmp_path):
    with made_library(tmp_path / "music.db", [made_song(0, -0.4, 0.1)]) as library:
        only = library.song(1)
        assert set(survey(library).moods.values()) == {(-0.4, 0.1)}
        for made in (
            walk(library, CALM, HAPPY, Length(seconds=3600)),
            around(library, only, Length(songs=5)),
            chain(library, only, Length(songs=5)),
        ):
            assert ids(made) == [1]


def test_long_songs_are_left_out_at_the_end(tmp_path):
    """An hour is not made of a mix of two hours while there are songs."""
    songs = [made_song(n, 0.0, 0.0, duration=7200.0 if n % 3 == 0 else 240.0) for n in range(40)]
    with made_library(tmp_path / "music.db", songs) as library:
        made = list(around(library, (0.0, 0.0), Length(seconds=3600)))
        assert [song.duration for song in made] == [240.0] * 15
        assert list(around(library, (0.0, 0.0), Length(seconds=60))) == []


def test_a_song_without_a_file_is_only_where_a_chain_begins(tmp_path):
    songs = [made_song(0, 0.1, 0.1, is_missing=True), made_song(1, 0.2, 0.1), made_song(2, 0.5, 0.1)]
    with made_library(tmp_path / "music.db", songs) as library:
        assert ids(chain(library, library.song(1), Length(songs=5))) == [2, 3]
        assert ids(around(library, made_song(9, 0.4, 0.1), Length(songs=5))) == [3, 2]


# ---------------------------------------------------------------------------------------------------------- moods


def test_moods_are_at_the_collections_own_quantiles(collection):
    library, songs, _ = collection
    points = np.array([place(song) for song in songs])
    low, high = np.quantile(points, [0.15, 0.85], axis=0)
    found = survey(library)
    assert found.moods[HAPPY] == tuple(high)
    assert found.moods[SAD] == tuple(low)
    assert found.moods[CALM] == (high[0], low[1])
    assert found.moods[TENSE] == (low[0], high[1])
    assert found.duration == np.median([song.duration for song in songs])


@pytest.mark.parametrize("seed", range(3))
def test_of_many_songs_a_sample_says_where_the_moods_are(tmp_path, monkeypatch, seed):
    """Even if the songs came folder by folder, those of each folder alike, and most of them are gone again."""
    monkeypatch.setattr(moods, "_MOST", 1000)
    monkeypatch.setattr(moods, "_SAMPLE", 400)
    random = np.random.default_rng(seed)
    points = np.sort(random.normal(-0.3, 0.1, (3000, 2)), axis=0)
    gone = [n % 3 == 0 for n in range(3000)]
    songs = [
        made_song(n, *(map(float, [0.9, 0.9] if gone[n] else p)), is_missing=gone[n]) for n, p in enumerate(points)
    ]
    with made_library(tmp_path / "music.db", songs) as library:
        found = survey(library)
    for axis in (0, 1):
        share = (points[:, axis] < found.moods[HAPPY][axis]).mean()
        assert share == pytest.approx(0.85, abs=0.02)


def test_no_songs_no_moods(tmp_path):
    songs = [made_song(0, 0.0, 0.0, silence=1.0), made_song(1, 0.0, 0.0, is_missing=True)]
    with made_library(tmp_path / "music.db", songs) as library, pytest.raises(LibraryError, match="no songs"):
        survey(library)


@pytest.mark.parametrize("wrong", [{}, {"songs": 3, "seconds": 60}, {"songs": 0}, {"seconds": math.nan}, {"songs": -1}])
def test_a_length_is_one_positive_number(wrong):
    with pytest.raises(ValueError, match="length"):
        Length(**wrong)


def test_even_steps_are_even():
    """What the walk adds up by what is left makes equal parts."""
    share, steps = 0.0, [0.0]
    for left in range(7, 0, -1):
        share += (1 - share) / left
        steps.append(share)
    assert np.allclose([b - a for a, b in pairwise(steps)], 1 / 7)


def test_playlists_need_no_more_than_reading(tmp_path):
    made_library(tmp_path / "music.db", [made_song(n, *p) for n, p in enumerate(made_points(50, 0))]).close()
    with Library(tmp_path / "music.db", read_only=True) as library:
        assert len(list(walk(library, CALM, HAPPY, Length(songs=5)))) == 5
