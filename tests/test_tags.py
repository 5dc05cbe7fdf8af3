"""Titles, artists, albums and covers as files say them, whatever the files are like."""

import io
import os
import shutil
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

from emodj_live.library.tags import SongTags, cover, read

mutagen = pytest.importorskip("mutagen")
from mutagen import flac, id3, mp3, oggopus, oggvorbis, wave  # noqa: E402
from PIL import Image  # noqa: E402

HEARD = SongTags("Für Elise", "Ludwig", "Piano")


def id3_frames(**frames):
    return [id3.Frames[name](encoding=3, text=text) for name, text in frames.items()]


def with_id3(path, kind=id3.ID3, version=4, **frames):
    tags = kind() if kind is id3.ID3 else kind(path)
    if kind is not id3.ID3:
        tags.add_tags()
    for frame in id3_frames(**(frames or {"TIT2": HEARD.title, "TPE1": HEARD.artist, "TALB": HEARD.album})):
        tags.tags.add(frame) if kind is not id3.ID3 else tags.add(frame)
    tags.save(path, v2_version=version)
    return path


def with_comments(path, kind):
    tags = kind(path)
    tags["title"], tags["ARTIST"], tags["Album"] = HEARD.title, HEARD.artist, HEARD.album
    tags.save()
    return path


@pytest.fixture
def song(write_audio, music):
    """``song(name, **options)``: a second of sound in a file without tags."""
    return lambda name, **options: write_audio(name, music(1.0, 0, 48_000), 48_000, **options)


@pytest.fixture
def m4a(song, tmp_path):
    """Return a file that ffmpeg encoded, with a title, an artist and an album."""
    if not shutil.which("ffmpeg"):
        pytest.skip("needs ffmpeg")
    path = tmp_path / "song.m4a"
    said = [f"{key}={value}" for key, value in zip(("title", "artist", "album"), fields(HEARD), strict=True)]
    options = [part for text in said for part in ("-metadata", text)]
    subprocess.run(["ffmpeg", "-v", "error", "-i", song("source.wav"), *options, path], check=True, timeout=60)
    return path


def fields(tags):
    return tags.title, tags.artist, tags.album


# ------------------------------------------------------------------------------------------------------------- texts


@pytest.mark.parametrize("version", [3, 4])
def test_id3(version, song):
    assert read(with_id3(song("song.mp3"), version=version)) == HEARD


def test_id3_of_version_2_2(song):
    path = song("song.mp3")
    frames = b"".join(
        name + struct.pack(">I", len(text) + 1)[1:] + b"\0" + text.encode("latin-1")
        for name, text in zip((b"TT2", b"TP1", b"TAL"), fields(HEARD), strict=True)
    )
    path.write_bytes(b"ID3\x02\0\0" + bytes([0, 0, 0, len(frames)]) + frames + path.read_bytes())
    assert read(path) == HEARD


def test_id3_version_1(song):
    path = song("song.mp3")
    text = b"".join(each.encode("latin-1").ljust(30, b"\0") for each in fields(HEARD))
    path.write_bytes(path.read_bytes() + (b"TAG" + text).ljust(128, b"\0"))
    assert read(path) == HEARD


def test_id3_version_1_adds_what_version_2_does_not_say(song):
    path = with_id3(song("song.mp3"), TIT2=HEARD.title)
    text = b"".join(each.encode("latin-1").ljust(30, b"\0") for each in ("other", *fields(HEARD)[1:]))
    path.write_bytes(path.read_bytes() + (b"TAG" + text).ljust(128, b"\0"))
    assert read(path) == HEARD


def test_id3_in_an_unsynchronized_tag(song):
    path = song("song.mp3")
    frame = b"TIT2\0\0\0\x07\0\0\x01\xff\xfeA\0\xff\x00"  # in UTF-16: "A" and U+00FF
    coded = frame.replace(b"\xff", b"\xff\x00")
    path.write_bytes(b"ID3\x03\0\x80" + bytes([0, 0, 0, len(coded)]) + coded + path.read_bytes())
    assert read(path).title == "A\xff"


def test_id3_chunk_of_wav(song):
    assert read(with_id3(song("song.wav"), wave.WAVE)) == HEARD


def test_id3_chunk_of_aiff(song):
    from mutagen.aiff import AIFF

    assert read(with_id3(song("song.aiff"), AIFF)) == HEARD


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("song.flac", flac.FLAC, {}),
        ("song.ogg", oggvorbis.OggVorbis, {}),
        ("song.opus", oggopus.OggOpus, {"format": "OGG", "subtype": "OPUS"}),
    ],
)
def test_vorbis_comments(name, kind, options, song):
    assert read(with_comments(song(name, **options), kind)) == HEARD


def test_flac_that_begins_with_id3(song):
    path = with_comments(song("song.flac"), flac.FLAC)
    with_id3(path, TIT2="another")
    assert read(path) == HEARD


def test_mp4(m4a):
    assert read(m4a) == HEARD


def test_paths_in_bytes_and_names_that_are_no_text(song, tmp_path):
    path = tmp_path / "\udcff.mp3"
    with_id3(song("song.mp3")).rename(path)
    assert read(os.fsencode(path)) == read(path) == HEARD


def test_several_artists_are_listed_once_each(song):
    assert read(with_id3(song("song.mp3"), TPE1=["A", "B", "A"])).artist == "A, B"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\r\ntwo\tthree ", "one two three"),
        ("\x1b[31mred\u202e", "?[31mred?"),
        (" \n", None),
        ("x" * 5000, "x" * 200),
    ],
)
def test_a_text_is_one_printable_line(text, line, song):
    assert read(with_id3(song("song.mp3"), TIT2=text)).title == line


def test_a_file_without_tags(song):
    assert read(song("song.mp3")) == read(song("song.wav")) == SongTags()


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "song.mp3")
    assert read(tmp_path / "song.mp3") == read(tmp_path) == SongTags()


def test_without_mutagen_nothing_is_known(run_python, song):
    code = "import sys; sys.modules['mutagen'] = None; from emodj_live.library.tags import *; print(read(sys.argv[1]))"
    assert run_python(code, with_id3(song("song.mp3"))).stdout.strip() == str(SongTags())


# ------------------------------------------------------------------------------------------------------- odd contents


@pytest.mark.parametrize("name", ["song.mp3", "song.flac", "song.ogg", "song.wav"])
def test_damaged_files_raise_no_error(name, song):
    kinds = {"song.flac": flac.FLAC, "song.ogg": oggvorbis.OggVorbis}
    path = song(name)
    path = with_comments(path, kinds[name]) if name in kinds else with_id3(path, mp3.MP3 if "3" in name else wave.WAVE)
    check_damaged(path)


def test_damaged_mp4_raises_no_error(m4a):
    check_damaged(m4a)


def check_damaged(path):
    """Change or leave out bytes where tags are, and see that a line or nothing comes of each."""
    assert read(path) == HEARD
    whole, random = path.read_bytes(), np.random.default_rng(0)
    place = max(0, whole.index("Für".encode()) - 200)
    differing = 0
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(3):
            at = int(random.integers(place, place + 400))
            data[at : at + int(random.integers(0, 2))] = random.bytes(int(random.integers(0, 3)))
        path.write_bytes(data)
        found = fields(read(path))
        assert all(text is None or (0 < len(text) <= 200 and text.isprintable()) for text in found)
        assert cover(path) is None
        differing += found != fields(HEARD)
    assert differing > 20


def growth(run_python, path):
    """Return by how much the memory of a fresh process grows while it reads a file [MB], and what it reads."""
    if not sys.platform.startswith("linux"):
        pytest.skip("needs /proc")
    code = """
import sys
from pathlib import Path
from emodj_live.library.tags import cover, read
def peak():
    return next(int(line.split()[1]) / 1e3 for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
read(sys.argv[2]), cover(sys.argv[2])
before = peak()
print(read(sys.argv[1]).title, cover(sys.argv[1]), peak() - before, sep="|")
"""
    small = with_cover(path.with_name("small.mp3"), image(9, 9))
    title, picture, peak = run_python(code, path, small).stdout.split("|")
    return float(peak), title, picture


def tag(frames, version=3):
    size = bytes(len(frames) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, 0]) + size + frames


def frame(name, content, flags=0):
    return name + struct.pack(">IH", len(content), flags) + content


TITLE = frame(b"TIT2", b"\0after")


@pytest.mark.slow
def test_a_large_frame_is_passed_over(run_python, song):
    path = song("song.mp3")
    picture = frame(b"APIC", b"\0image/png\0\3\0" + bytes(100_000_000))
    album = frame(b"TALB", b"\0" + b"x" * 50_000_000)
    path.write_bytes(tag(picture + album + TITLE) + path.read_bytes())
    peak, title, picture = growth(run_python, path)
    assert (title, picture) == ("after", "None")
    assert peak < 20


@pytest.mark.slow
def test_a_compressed_frame_is_not_unfolded(run_python, song):
    path = song("song.mp3")
    bomb = zlib.compress(bytes(300_000_000), 9)
    bombs = [frame(name, struct.pack(">I", 300_000_000) + bomb, 0x80) for name in (b"TALB", b"TXXX", b"APIC")]
    path.write_bytes(tag(b"".join(bombs) + TITLE) + path.read_bytes())
    peak, title, _ = growth(run_python, path)
    assert title == "after"
    assert peak < 20


@pytest.mark.slow
def test_very_many_comments_are_not_listed(run_python, song):
    path = song("song.flac")
    data, count = path.read_bytes(), 2_700_000
    comments = struct.pack("<II", 0, count) + b"\x02\0\0\0a=" * count
    path.write_bytes(data[:42] + b"\x04" + struct.pack(">I", len(comments))[1:] + comments + data[42:])
    peak, title, _ = growth(run_python, path)
    assert title == "None"
    assert peak < 80


@pytest.mark.slow
def test_very_many_frames_end_the_search(run_python, song):
    path = song("song.mp3")
    path.write_bytes(tag(TITLE + frame(b"TXXX", b"\0") * 500_000) + path.read_bytes())
    peak, title, _ = growth(run_python, path)
    assert title == "after"
    assert peak < 20


# ------------------------------------------------------------------------------------------------------------- covers


def image(width, height, kind="PNG", mode="RGB"):
    buffer = io.BytesIO()
    Image.new(mode, (width, height), (200, 30, 30) if mode == "RGB" else 1).save(buffer, kind)
    return buffer.getvalue()


def with_cover(path, data, kind=3, others=()):
    tags = id3.ID3()
    for number, (content, what) in enumerate([*others, (data, kind)]):
        tags.add(id3.APIC(encoding=0, mime="image/png", type=what, desc=str(number), data=content))
    tags.save(path)
    return path


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_a_cover_is_made_small(kind, song):
    found = cover(with_cover(song("song.mp3"), image(800, 400, kind)), side=100)
    assert (found.size, found.mode) == ((100, 50), "RGB")
    assert np.abs(np.asarray(found, int).mean(axis=(0, 1)) - (200, 30, 30)).max() < 6


def test_the_front_cover_goes_before_other_pictures(song):
    path = with_cover(song("song.mp3"), image(8, 8), others=[(image(4, 4), 4)])
    assert cover(path).size == (8, 8)
    assert cover(with_cover(path, image(4, 4), kind=4)).size == (4, 4)


def test_the_cover_of_flac_and_of_vorbis_comments(song):
    import base64

    picture = flac.Picture()
    picture.type, picture.data = 3, image(9, 9)
    block = flac.FLAC(song("song.flac"))
    block.add_picture(picture)
    block.save()
    ogg = oggvorbis.OggVorbis(song("song.ogg"))
    ogg["metadata_block_picture"] = base64.b64encode(picture.write()).decode()
    ogg.save()
    assert cover(block.filename).size == cover(ogg.filename).size == (9, 9)


def test_the_cover_of_mp4(m4a):
    from mutagen import mp4

    tags = mp4.MP4(m4a)
    tags["covr"] = [mp4.MP4Cover(image(7, 7))]
    tags.save()
    assert cover(m4a).size == (7, 7)


def test_a_file_without_cover(song):
    assert cover(song("song.mp3")) is cover(song("song.flac")) is cover(with_id3(song("song.mp3"))) is None


def test_a_picture_that_is_none(song):
    assert cover(with_cover(song("song.mp3"), b"\x89PNG\r\n\x1a\n nothing")) is None


@pytest.mark.slow
def test_a_picture_of_too_many_pixels_is_not_unfolded(run_python, song):
    path = with_cover(song("song.mp3"), image(12_000, 8_000, mode="1"))
    assert path.stat().st_size < 100_000
    peak, _, picture = growth(run_python, path)
    assert picture == "None"
    assert peak < 20
