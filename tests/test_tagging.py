"""Fields are changed in tags of every kind, and every other byte that matters stays."""

import io
import json
import re
import shutil
import struct
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from emodj_live import Quadrant
from emodj_live.library.tagging.edits import Edit, TagsError, edited
from emodj_live.library.tagging.fields import NAMES, fields, has_own_mood, to_remove, to_write
from emodj_live.library.tagging.id3 import Tag, header
from emodj_live.library.tagging.id3_fields import Id3Tags
from emodj_live.library.tagging.kinds import open_tags

mutagen = pytest.importorskip("mutagen")

CHANGES = dict(zip(NAMES, ("calm", "0.1234", "-0.2", "0.6"), strict=True))
REMOVAL = dict.fromkeys(NAMES)


def changed(data, changes=CHANGES, name="song"):
    """Return the bytes of a file with some changes."""
    file = io.BytesIO(data)
    return b"".join(edited(file, open_tags(file, name).edits(changes)))


def ours(data, name="song"):
    """Return what our fields say in the bytes of a file; each value once."""
    found = open_tags(io.BytesIO(data), name).found
    return {key: ", ".join(dict.fromkeys(found[key])) for key in NAMES if key in found}


def check_round_trip(data, name="song"):
    """Write, write again, and remove: the second time changes nothing, and the last one restores the file."""
    assert ours(data, name) == {}
    written = changed(data, name=name)
    assert ours(written, name) == CHANGES
    assert changed(written, name=name) == written
    assert changed(written, REMOVAL, name) == data
    return written


# ------------------------------------------------------------------------------------------------- with another program


def ffmpeg(*options):
    """Run ffmpeg, or skip the test where there is none."""
    if not shutil.which("ffmpeg"):
        pytest.skip("needs ffmpeg")
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-nostdin", *map(str, options)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def probed(path):
    """Return every tag of a file and of its streams and chapters, as ffprobe has them."""
    shown = "format_tags:stream_tags:chapter_tags:stream=codec_name"
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", shown, "-show_chapters", "-of", "json", path],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


def sound(path):
    """Return digests of a file's packets and of its decoded sound."""
    packets = ffmpeg("-i", path, "-map", "0", "-c", "copy", "-f", "md5", "-")
    return packets, ffmpeg("-i", path, "-map", "0:a", "-f", "md5", "-")


def without_ours(tags):
    """Leave our fields out of what ffprobe says, and return them too."""
    found = {}

    def rest(value):
        if isinstance(value, list):
            return [rest(each) for each in value]
        if not isinstance(value, dict):
            return value
        found.update({key: text for key, text in value.items() if key in (*NAMES, "TMOO")})
        return {key: rest(each) for key, each in value.items() if key not in (*NAMES, "TMOO") and rest(each) != {}}

    return rest(tags), found


CHAPTERS = """;FFMETADATA1
title=Bøk
[CHAPTER]
TIMEBASE=1/1000
START=0
END=500
title=One
[CHAPTER]
TIMEBASE=1/1000
START=500
END=2000
title=Two
"""
SAID = ("-metadata", "title=Tïtle", "-metadata", "artist=A", "-metadata", "comment=two\nlines", "-metadata", "x=y")
COVERED = ("-map", "0", "-map", "1", "-c:v", "mjpeg", "-disposition:v", "attached_pic")
BARE = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")
ENCODED = {
    "v24.mp3": SAID,
    "v23.mp3": (*SAID, "-id3v2_version", "3", "-write_id3v1", "1"),
    "none.mp3": ("-id3v2_version", "0"),
    "cover.mp3": (*SAID, *COVERED),
    "raw.aac": ("-f", "adts"),
    "song.flac": SAID,
    "cover.flac": (*SAID, *COVERED),
    "song.ogg": (*SAID, "-c:a", "libvorbis"),
    "flac.oga": (*SAID, "-c:a", "flac"),
    "song.spx": (*SAID, "-c:a", "libspeex", "-ar", "16000"),
    "song.opus": SAID,
    "end.m4a": SAID,
    "front.m4a": (*SAID, "-movflags", "+faststart"),
    "cover.m4a": (*SAID, *COVERED),
    "lossless.m4a": (*SAID, "-c:a", "alac", "-movflags", "+faststart"),
    "bare.m4a": BARE,
    "song.mov": SAID,
    "song.aiff": (*SAID, "-write_id3v2", "1"),
}


@pytest.fixture
def encoded(tmp_path, write_audio, music):
    """``encoded(name)``: two seconds of sound as ffmpeg encodes them by the table above."""

    def encode(name, *options):
        source = write_audio("source.wav", music(2.0, 0, 48_000), 48_000)
        picture = ("-f", "lavfi", "-i", "testsrc=s=64x64:d=0.04") if COVERED[0] in ENCODED.get(name, ()) else ()
        ffmpeg("-i", source, *picture, *(options or ENCODED[name]), tmp_path / name)
        return tmp_path / name

    return encode


def check_against_ffmpeg(path):
    """Write and remove; sound, packets and all other tags are the same for ffmpeg."""
    tags, digests = probed(path), sound(path)
    path.write_bytes(check_round_trip(path.read_bytes(), path.name))
    rest, found = without_ours(probed(path))
    assert rest == without_ours(tags)[0]
    assert {key: found[key] for key in NAMES} == CHANGES
    assert sound(path) == digests


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCODED)
def test_ffprobe_reads_what_was_written_and_everything_else_is_the_same(name, encoded):
    check_against_ffmpeg(encoded(name))


@pytest.mark.slow
@pytest.mark.parametrize("flags", ["+faststart", "-faststart"])
def test_an_audio_book(flags, encoded, tmp_path):
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(CHAPTERS, encoding="utf-8")
    path = encoded("book.m4b", "-i", chapters, "-map_metadata", "1", "-map_chapters", "1", "-movflags", flags)
    assert len(probed(path)["chapters"]) == 2
    check_against_ffmpeg(path)


@pytest.mark.slow
def test_ogg_with_a_picture_stream_beside_the_sound(encoded):
    video = ("-f", "lavfi", "-i", "testsrc=s=64x64:r=5:d=2", "-map", "0", "-map", "1", "-c:v", "libtheora")
    path = encoded("film.ogv", *video, "-c:a", "libvorbis", *SAID)
    assert len(probed(path)["streams"]) == 2
    check_against_ffmpeg(path)


@pytest.mark.slow
def test_mp3_of_version_2_4_has_the_frame_for_moods(encoded):
    path = encoded("v24.mp3")
    path.write_bytes(changed(path.read_bytes()))
    assert without_ours(probed(path))[1] == {**CHANGES, "TMOO": "calm"}


def test_wav_is_read_by_mutagen(write_audio, music):
    from mutagen.wave import WAVE

    path = write_audio("song.wav", music(1.0))
    data = check_round_trip(path.read_bytes())
    path.write_bytes(data)
    assert {key: WAVE(path).tags[f"TXXX:{key}"].text for key in NAMES} == {key: [text] for key, text in CHANGES.items()}
    assert np.array_equal(sound_of(path), sound_of(write_audio("same.wav", music(1.0))))


def sound_of(path):
    import soundfile

    return soundfile.read(path)[0]


def test_a_fragmented_mp4_file_is_refused(encoded):
    path = encoded("parts.m4a", *SAID, "-movflags", "frag_keyframe+empty_moov")
    with pytest.raises(TagsError, match="fragmented"):
        open_tags(io.BytesIO(path.read_bytes()), path.name)


def test_other_kinds_of_files_are_refused(encoded):
    path = encoded("song.wma", *SAID)
    with pytest.raises(TagsError, match="files of its kind cannot be tagged"):
        open_tags(io.BytesIO(path.read_bytes()), path.name)


# ---------------------------------------------------------------------------------------------------------------- ID3

SOUND = b"\xff\xfb\x90\x00" + bytes(range(256)) * 8


def frame(name, content, version=4, flags=0):
    size = len(content)
    if version == 2:
        return name[:3].encode() + struct.pack(">I", size)[1:] + content
    digits = bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) if version == 4 else struct.pack(">I", size)
    return name.encode() + digits + struct.pack(">H", flags) + content


def id3(body, version=4, flags=0, footer=b""):
    return header(version, flags, len(body)) + body + footer + SOUND


def frames(version):
    """Return frames of all sorts: long ones, binary ones, two of a name, one that is not known, one that is empty."""
    picture = frame("APIC", b"\0image/png\0\3\0" + bytes(range(256)) * 3, version)
    named = [("TIT2", b"\1\xff\xfeA\0"), ("TXXX", b"\3MOOD2\0x"), ("XABC", b"\xff\xe0\0"), ("TXXX", b"\3MOOD2\0y")]
    return picture + b"".join(frame(name, content, version) for name, content in named)


@pytest.mark.parametrize("padding", [0, 1, 7, 1000])
@pytest.mark.parametrize("version", [2, 3, 4])
def test_id3_keeps_version_frames_and_padding(version, padding):
    body = frames(version)
    data = id3(body + bytes(padding), version)
    written = check_round_trip(data)
    tag = Tag(io.BytesIO(written))
    assert (tag.version, tag.flags) == (version, 0)
    assert written[10:].startswith(body)
    assert written.endswith(bytes(padding) + SOUND)


@pytest.mark.parametrize("version", [2, 3])
def test_an_unsynchronized_tag_stays_one(version):
    body = frames(version)
    coded = re.sub(rb"\xff(?=[\0\xe0-\xff])", b"\xff\0", body)
    assert coded != body
    written = check_round_trip(id3(coded, version, 0x80))
    assert Tag(io.BytesIO(written)).flags == 0x80
    assert written[10:].startswith(coded)


def test_frames_of_version_2_4_are_coded_one_by_one():
    coded = frame("TXXX", b"\0\0\0\x0f" + b"\1\xff\0\xfeE\0\0\0\xff\0\xfeA\0", 4, 3)
    data = id3(coded + frame("TIT2", b"\3x"), 4, 0x80)
    assert open_tags(io.BytesIO(data), "").found == {"E": ["A"]}
    check_round_trip(data)


@pytest.mark.parametrize(("version", "extension"), [(3, b"\0\0\0\6\0\0\0\0\0\5"), (4, b"\0\0\0\6\1\0")])
def test_an_extended_header_stays(version, extension):
    data = id3(extension + frame("TIT2", b"\0x", version) + bytes(5), version, 0x40)
    assert check_round_trip(data)[10:].startswith(extension)


@pytest.mark.parametrize(
    ("version", "extension"), [(3, b"\0\0\0\x0a\x80\0\0\0\0\5\1\2\3\4"), (4, b"\0\0\0\x0c\1\x20\5\1\2\3\4\5")]
)
def test_a_checksum_is_refused(version, extension):
    data = id3(extension + frame("TIT2", b"\0x", version), version, 0x40)
    with pytest.raises(TagsError, match="checksum"):
        changed(data)


def test_a_footer_repeats_the_header():
    body = frame("TIT2", b"\0x")
    written = check_round_trip(id3(body, 4, 0x10, b"3DI" + header(4, 0x10, len(body))[3:]))
    end = written.index(b"3DI")
    assert written[end + 3 : end + 10] == written[3:10]
    assert Tag(io.BytesIO(written)).end == end + 10


def test_sizes_that_are_written_in_the_manner_of_version_2_3():
    large = b"\0" + b"x" * 300
    body = b"TIT2" + struct.pack(">IH", len(large), 0) + large + frame("TALB", b"\0y")
    assert [each.name for each in Tag(io.BytesIO(id3(body))).frames] == ["TIT2", "TALB"]
    check_round_trip(id3(body))


def test_a_new_tag_has_version_2_3_and_goes_with_its_last_frame():
    assert Tag(io.BytesIO(check_round_trip(SOUND))).version == 3
    assert Tag(io.BytesIO(check_round_trip(b"\0" + SOUND, "song.MP3"))).version == 3
    with pytest.raises(TagsError, match="of its kind"):
        open_tags(io.BytesIO(b"\0" + SOUND), "song")


def test_a_tag_of_padding_stays():
    check_round_trip(id3(bytes(20)))


@pytest.mark.parametrize(
    "data",
    [
        id3(frame("TIT2", b"\0x") + b"junk junk junk"),
        id3(frame("TIT2", b"\0x")[:-1], 3),
        header(4, 0, 5000) + frame("TIT2", b"\0x"),
        b"ID3\5\0\0\0\0\0\0" + SOUND,
    ],
)
def test_a_damaged_tag_is_refused(data):
    with pytest.raises(TagsError, match="its ID3 tag is damaged"):
        open_tags(io.BytesIO(data), "song.mp3")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\0mood\0Dark", {"MOOD": ["Dark"]}),
        (b"\1\xff\xfeM\0o\0o\0d\0\0\0\xff\xfeD\0", {"MOOD": ["D"]}),
        (b"\1\xfe\xff\0M\0o\0o\0d\0\0\xfe\xff\0D\0\0", {"MOOD": ["D"]}),
        (b"\2\0M\0\0\0D", {"M": ["D"]}),
        (b"\3MOOD\0\xc3\xa9\0b\0", {"MOOD": ["é", "b"]}),
        (b"\3MOOD", {"MOOD": []}),
        (b"\7MOOD\0x", {}),
        (b"", {}),
    ],
)
def test_texts_of_all_encodings_are_understood(content, found):
    assert open_tags(io.BytesIO(id3(frame("TXXX", content) + frame("TIT2", b"\0x"))), "").found == found


def test_a_mood_frame_is_a_mood():
    data = id3(frame("TMOO", b"\3Dark") + frame("TIT2", b"\0x"))
    assert open_tags(io.BytesIO(data), "").found == {"MOOD": ["Dark"]}
    assert ours(changed(data)) == CHANGES
    assert b"Dark" not in changed(data)


def test_a_compressed_field_is_not_ours():
    data = id3(frame("TXXX", b"\0\0\0\x09" + b"x" * 9, 4, 9) + frame("TIT2", b"\0x"))
    assert open_tags(io.BytesIO(data), "").found == {}
    check_round_trip(data)


def test_mutagen_has_the_same_frames_before_and_after(tmp_path):
    from mutagen.id3 import COMM, GEOB, ID3, POPM, PRIV, TDRC, TXXX, USLT

    path = tmp_path / "song.mp3"
    for version in (3, 4):
        path.write_bytes(SOUND)
        tags = ID3()
        tags.add(COMM(encoding=1, lang="eng", desc="d", text="long\ntext" * 50))
        tags.add(USLT(encoding=3, lang="deu", desc="", text="wörds"))
        tags.add(GEOB(encoding=0, mime="a/b", filename="f", desc="Serato", data=bytes(range(256))))
        tags.add(POPM(email="me", rating=196, count=3))
        tags.add(PRIV(owner="TRAKTOR4", data=b"\xff\xe0\0"))
        tags.add(TDRC(encoding=0, text="1999-02-03"))
        tags.add(TXXX(encoding=3, desc="Mood", text=["Dark", "Wild"]))
        tags.update_to_v23() if version == 3 else None
        tags.save(path, v2_version=version)
        before = ID3(path, translate=False)
        path.write_bytes(changed(path.read_bytes()))
        after = ID3(path, translate=False)
        for name in [*after]:
            if name in ("TMOO", *(f"TXXX:{each}" for each in NAMES)):
                assert after.pop(name).text == [CHANGES.get(name[5:], "calm")]
        del before["TXXX:Mood"]
        assert after == before
        assert after.version == before.version == (2, version, 0)


# --------------------------------------------------------------------------------------------------------------- FLAC


def block(kind, content, *, is_last=False):
    return bytes([kind | 128 * is_last]) + struct.pack(">I", len(content))[1:] + content


def comments(*texts, vendor=b"v"):
    sized = [struct.pack("<I", len(text)) + text for text in texts]
    return struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(texts)) + b"".join(sized)


STREAM = block(0, bytes(34))
SAME = b"Artist=a", b"no sign", b"title=\xff\xfe", b"MOODS=x", b"=", b"Artist=b"


@pytest.mark.parametrize(
    "blocks",
    [
        STREAM + block(1, bytes(9)) + block(4, comments(*SAME)) + block(6, b"picture") + block(1, b"", is_last=True),
        STREAM + block(4, comments(*SAME) + b"rest", is_last=True),
        STREAM + block(4, comments(vendor=b"emodj-live") + b"\0") + block(1, bytes(40), is_last=True),
        STREAM + block(1, bytes(40), is_last=True),
        block(0, bytes(34), is_last=True),
    ],
)
@pytest.mark.parametrize("before", [b"", header(3, 0, 17) + frame("TIT2", b"\0x", 3) + bytes(5)])
def test_flac_keeps_all_blocks_and_comments(blocks, before):
    check_round_trip(before + b"fLaC" + blocks + SOUND)


def test_a_changed_comment_is_the_last_one():
    data = b"fLaC" + STREAM + block(4, comments(b"mood=Dark", *SAME, b"MOOD=Wild"), is_last=True) + SOUND
    assert open_tags(io.BytesIO(data), "").found["MOOD"] == ["Dark", "Wild"]
    wanted = comments(*SAME, *(f"{key}={text}".encode() for key, text in CHANGES.items()))
    assert changed(data) == b"fLaC" + STREAM + block(4, wanted, is_last=True) + SOUND


@pytest.mark.parametrize(
    "blocks",
    [
        STREAM + block(4, comments(*SAME)[:-1], is_last=True),
        STREAM + block(4, b"\xff\xff\xff\xff", is_last=True),
        STREAM + block(4, b"", is_last=True),
        STREAM + block(1, bytes(9)),
        block(4, comments(), is_last=True),
        b"",
    ],
)
def test_damaged_flac_is_refused(blocks):
    with pytest.raises(TagsError, match="damaged"):
        open_tags(io.BytesIO(b"fLaC" + blocks), "")


# ---------------------------------------------------------------------------------------------------------------- Ogg


def vorbis(tmp_path, music, *, serial=1, **said):
    """Return the bytes of an Ogg file with some comments, in pages that are as full as they can be."""
    import soundfile
    from mutagen.ogg import OggPage
    from mutagen.oggvorbis import OggVorbis

    path = tmp_path / "made.ogg"
    soundfile.write(path, music(2.0, 0), 22_050)
    tags = OggVorbis(path)
    tags.update(said)
    tags.save(padding=lambda _: 0)
    found = pages(path.read_bytes())
    first_sound = next(number for number, page in enumerate(found) if page.position > 0)
    headers = OggPage.to_packets(found[1:first_sound])
    found[1:first_sound] = OggPage.from_packets(headers, default_size=255 * 255, wiggle_room=0)
    for number, page in enumerate(found):
        page.serial, page.sequence = serial, number
    return b"".join(page.write() for page in found)


def pages(data):
    """Return the pages in the bytes of an Ogg file, as mutagen has them; the checksums must be right."""
    from mutagen.ogg import OggPage

    file, found = io.BytesIO(data), []
    while file.tell() < len(data):
        begin = file.tell()
        page = OggPage(file)
        assert page.write() == data[begin : file.tell()]
        found.append(page)
    return found


def packets(data):
    from mutagen.ogg import OggPage

    return OggPage.to_packets(pages(data))


@pytest.mark.parametrize("size", [10, 50_000, 66_000, 140_000])
def test_ogg_pages_grow_in_place_if_they_can(size, tmp_path, music):
    data = vorbis(tmp_path, music, note="x" * size)
    written = check_round_trip(data)
    assert len(pages(written)) == len(pages(data))
    old, new = packets(data), packets(written)
    assert new[0] == old[0]
    assert new[2:] == old[2:]


def full(tmp_path, music):
    """Return an Ogg file whose comments and what follows them leave 5 bytes of a page."""
    plain = vorbis(tmp_path, music, note="")
    missing = 255 * (255 - len(lacing(plain))) + (250 - len(packets(plain)[1])) % 255
    data = vorbis(tmp_path, music, note="x" * missing)
    assert len(lacing(data)) == 255
    assert len(pages(data)) == len(pages(plain))
    return data


def test_a_full_ogg_page_is_followed_by_another_one(tmp_path, music):
    data = full(tmp_path, music)
    written = changed(data)
    assert ours(written) == CHANGES
    assert len(pages(written)) == len(pages(data)) + 1
    assert [page.sequence for page in pages(written)] == list(range(len(pages(written))))
    assert packets(written)[2:] == packets(data)[2:]
    assert [page.position for page in pages(written)][3:] == [page.position for page in pages(data)][2:]
    assert [page.position for page in pages(written)][1:3] == [0, 0]
    assert pages(written)[2].continued
    removed = changed(written, REMOVAL)
    assert packets(removed) == packets(data)
    assert changed(changed(removed), REMOVAL) == removed


def test_pages_that_are_not_needed_any_more_go(tmp_path, music):
    data = vorbis(tmp_path, music, mood="x" * 200_000)
    written = changed(data)
    assert len(pages(written)) < len(pages(data))
    assert [page.sequence for page in pages(written)] == list(range(len(pages(written))))
    assert packets(written)[2:] == packets(data)[2:]


def lacing(data):
    """Return the lacing values of the second page of an Ogg file."""
    begin = data.index(b"OggS", 4)
    return data[begin + 27 : begin + 27 + data[begin + 26]]


def test_chained_streams_keep_their_own_comments(tmp_path, music):
    first, second = vorbis(tmp_path, music), vorbis(tmp_path, music, serial=2, title="other")
    assert check_round_trip(first + second).endswith(second)


@pytest.mark.parametrize("serial", [1, 2])
def test_a_chain_is_numbered_anew_up_to_its_next_stream(serial, tmp_path, music):
    first, second = full(tmp_path, music), vorbis(tmp_path, music, serial=serial)
    written = changed(first + second)
    assert len(pages(written)) == len(pages(first + second)) + 1
    assert written.endswith(second)


def test_other_streams_between_the_pages_stay(tmp_path, music):
    first, second = pages(full(tmp_path, music)), pages(vorbis(tmp_path, music, serial=2, mood="theirs"))
    mixed = [page for pair in zip(first, second, strict=True) for page in pair]
    mixed = b"".join(page.write() for page in mixed)
    written = changed(mixed)
    assert b"".join(page.write() for page in pages(written) if page.serial == 2) == b"".join(
        page.write() for page in second
    )
    assert [page.sequence for page in pages(written) if page.serial == 1] == list(range(len(first) + 1))


def test_a_page_that_was_cut_off_stays(tmp_path, music):
    data = full(tmp_path, music)[:-50]
    assert changed(data).endswith(data[-1000:])


def test_damaged_ogg_is_refused(tmp_path, music):
    data = vorbis(tmp_path, music, title="x")
    wrong_sum = data.replace(b"title=x", b"title=y", 1)
    for damaged in (data[:40], data[:58] + b"NotO" + data[62:], data.replace(b"\1vorbis", b"\1forbis", 1), wrong_sum):
        assert damaged != data
        with pytest.raises(TagsError):
            open_tags(io.BytesIO(damaged), "")


def test_a_page_with_a_wrong_checksum_is_not_given_a_right_one(tmp_path, music):
    data = full(tmp_path, music)
    with pytest.raises(TagsError, match="its Ogg pages are damaged"):
        changed(data[:-5] + b"other")


# ---------------------------------------------------------------------------------------------------------------- MP4


def box(kind, *contents):
    content = b"".join(contents)
    return struct.pack(">I", 8 + len(content)) + kind + content


def large_box(kind, *contents):
    content = b"".join(contents)
    return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content


HANDLER = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
ITEM = box(b"\xa9nam", box(b"data", b"\0\0\0\1\0\0\0\0", b"title"))


def free_item(name, value, mean=b"com.apple.iTunes"):
    data = box(b"data", b"\0\0\0\1\0\0\0\0", value)
    return box(b"----", box(b"mean", bytes(4), mean), box(b"name", bytes(4), name), data)


def movie(*inside, places=(), letter="I", kind=box):
    table = box(
        b"stco" if letter == "I" else b"co64", bytes(4), struct.pack(f">I{len(places)}{letter}", len(places), *places)
    )
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stsd", bytes(8)), table))))
    return kind(b"moov", box(b"mvhd", bytes(20)), track, *inside)


META = box(b"meta", bytes(4), HANDLER, box(b"ilst", ITEM, free_item(b"OTHER", b"x")), box(b"free", bytes(30)))
MEDIA = b"chunk one.chunk two."
TOP = box(b"ftyp", b"M4A \0\0\0\0")


def with_places(*inside, is_front, letter="I", kind=box):
    """Return a file whose table of places leads to both chunks."""
    media = box(b"mdat", MEDIA)
    length = len(movie(*inside, places=(0, 0), letter=letter, kind=kind))
    begin = len(TOP) + 8 + (length if is_front else 0)
    film = movie(*inside, places=(begin, begin + 10), letter=letter, kind=kind)
    return TOP + (film + media if is_front else media + film)


def chunks(data, letter="I"):
    """Return what the table of places leads to."""
    begin = data.index(b"stco" if letter == "I" else b"co64") + 12
    return [data[place : place + 10] for place in struct.unpack_from(f">2{letter}", data, begin)]


@pytest.mark.parametrize("letter", ["I", "Q"])
@pytest.mark.parametrize("is_front", [True, False])
@pytest.mark.parametrize(
    "inside",
    [
        (),
        (box(b"udta", META),),
        (box(b"udta", box(b"name", b"x"), META, bytes(4)), box(b"free", bytes(50))),
        (box(b"udta", box(b"meta", HANDLER, box(b"ilst", ITEM))),),
        (box(b"udta", box(b"meta", bytes(4), HANDLER, box(b"ilst"))),),
        (box(b"udta", box(b"name", b"x"), bytes(4)),),
    ],
)
def test_mp4_boxes_grow_and_chunks_are_found(inside, is_front, letter):
    data = with_places(*inside, is_front=is_front, letter=letter)
    assert chunks(check_round_trip(data), letter) == [MEDIA[:10], MEDIA[10:]]


def test_mp4_boxes_of_64_bits():
    data = with_places(box(b"udta", META), is_front=True, kind=large_box)
    assert chunks(check_round_trip(data)) == [MEDIA[:10], MEDIA[10:]]


def test_a_box_that_goes_to_the_end_of_the_file():
    data = with_places(box(b"udta", META), is_front=False)
    begin = data.index(b"moov") - 4
    check_round_trip(data[:begin] + bytes(4) + data[begin + 4 :])


def test_mutagen_has_the_same_items_before_and_after(tmp_path):
    from mutagen.mp4 import MP4Tags
    from mutagen.mp4._atom import Atoms

    def items(data):
        file = io.BytesIO(data)
        return dict(MP4Tags(Atoms(file), file))

    data = with_places(box(b"udta", META), is_front=True)
    after = items(changed(data))
    assert {after.pop(f"----:com.apple.iTunes:{name}")[0].decode() for name in NAMES} == {*CHANGES.values()}
    assert after == items(data)


def test_items_of_another_maker_are_not_ours():
    item = free_item(b"MOOD", b"Dark", mean=b"org.example")
    data = with_places(box(b"udta", box(b"meta", bytes(4), HANDLER, box(b"ilst", item))), is_front=True)
    assert b"Dark" in check_round_trip(data)


def test_an_item_is_replaced_whatever_its_case():
    listed = box(b"ilst", free_item(b"Mood", b"Dark"), ITEM)
    data = with_places(box(b"udta", box(b"meta", bytes(4), HANDLER, listed)), is_front=True)
    written = changed(data)
    assert ours(written) == CHANGES
    assert b"Dark" not in written
    assert chunks(written) == [MEDIA[:10], MEDIA[10:]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (TOP + box(b"mdat", MEDIA), "damaged"),
        (TOP + movie() + movie(), "damaged"),
        (TOP + movie()[:-1], "damaged"),
        (TOP + box(b"moov", struct.pack(">I4s", 3, b"udta")), "damaged"),
        (TOP + movie(box(b"udta", box(b"meta", bytes(4), HANDLER, struct.pack(">I4s", 99, b"ilst")))), "damaged"),
        (TOP + movie() + box(b"moof"), "fragmented"),
        (TOP + movie(box(b"free"), bytes(8)), "damaged"),
        (TOP + movie(box(b"udta", box(b"meta", bytes(4), box(b"hdlr", bytes(8), b"mdta")))), "QuickTime"),
    ],
)
def test_odd_mp4_is_refused(data, reason):
    with pytest.raises(TagsError, match=reason):
        changed(data)


def test_a_place_beyond_32_bits_is_refused():
    data = TOP + movie(box(b"udta", META), places=(2**32 - 5,)) + box(b"mdat", MEDIA)
    with pytest.raises(TagsError, match="too large"):
        changed(data)


# ------------------------------------------------------------------------------------------------------- WAV and AIFF


def iff(magic, kind, *chunks, trailing=b""):
    order = "<" if magic == b"RIFF" else ">"
    content = kind + b"".join(
        name + struct.pack(order + "I", len(data)) + data + bytes(len(data) % 2) for name, data in chunks
    )
    return magic + struct.pack(order + "I", len(content)) + content + trailing


TAGGED = id3(frame("TIT2", b"\0x") + bytes(3))[: -len(SOUND)]


@pytest.mark.parametrize(("magic", "kind"), [(b"RIFF", b"WAVE"), (b"FORM", b"AIFF"), (b"FORM", b"AIFC")])
@pytest.mark.parametrize("chunks", [[], [(b"id3 ", TAGGED)], [(b"ID3 ", TAGGED), (b"LIST", b"more")]])
@pytest.mark.parametrize("trailing", [b"", b"after the end"])
def test_chunks_keep_their_order_and_sizes(magic, kind, chunks, trailing):
    before = [(b"fmt ", bytes(16)), (b"data", b"odd")]
    written = check_round_trip(iff(magic, kind, *before, *chunks, trailing=trailing))
    size = int.from_bytes(written[4:8], "little" if magic == b"RIFF" else "big")
    assert written[8 + size :] == trailing
    assert size % 2 == 0


def test_a_wav_file_that_does_not_know_its_length_is_refused():
    data = iff(b"RIFF", b"WAVE", (b"data", b"more"))
    for size in (b"\xff\xff\xff\xff", struct.pack("<I", 999)):
        with pytest.raises(TagsError, match="its length is not what it says"):
            open_tags(io.BytesIO(data[:4] + size + data[8:]), "")
    with pytest.raises(TagsError):
        open_tags(io.BytesIO(b"RIFF" + data[4:8] + b"AVI " + data[12:]), "")


def test_chunks_that_do_not_fit_in_are_refused():
    data = iff(b"FORM", b"AIFF", (b"SSND", b"more"))
    for damaged in (data[:16] + struct.pack(">I", 6) + data[20:], data[:4] + struct.pack(">I", 17) + data[8:] + b"x"):
        with pytest.raises(TagsError, match="its chunks are damaged"):
            open_tags(io.BytesIO(damaged), "")


def test_a_damaged_chunk_is_refused():
    for tag in (TAGGED[:-4], b"none at all"):
        with pytest.raises(TagsError, match="its ID3 tag is damaged"):
            open_tags(io.BytesIO(iff(b"RIFF", b"WAVE", (b"id3 ", tag))), "")


# --------------------------------------------------------------------------------------------------- damaged in any way


@pytest.mark.parametrize("kind", ["id3", "flac", "ogg", "mp4", "iff"])
def test_a_damaged_file_is_refused_or_changed_rightly(kind, tmp_path, music):
    whole = {
        "id3": id3(frames(3) + bytes(9), 3),
        "flac": b"fLaC" + STREAM + block(4, comments(*SAME)) + block(1, bytes(9), is_last=True) + SOUND,
        "ogg": vorbis(tmp_path, music, title="x")[:9000],
        "mp4": with_places(box(b"udta", META), is_front=True),
        "iff": iff(b"RIFF", b"WAVE", (b"fmt ", bytes(16)), (b"id3 ", TAGGED)),
    }[kind]
    random, refused = np.random.default_rng(0), 0
    for _ in range(300):
        data = bytearray(whole)
        at = int(random.integers(0, min(len(data), 600)))
        data[at : at + int(random.integers(0, 5))] = random.bytes(int(random.integers(0, 5)))
        try:
            written = changed(bytes(data), name="song.mp3")
        except TagsError:
            refused += 1
        else:
            assert ours(written, "song.mp3") == CHANGES
    assert 20 < refused < 300


# -------------------------------------------------------------------------------------------------------------- edits


def test_edits_take_out_and_put_in():
    edits = [Edit(0, 0, b"a"), Edit(1, 3), Edit(3, 4, b"DD"), Edit(6, 6, b"z")]
    assert b"".join(edited(io.BytesIO(b"012345"), edits)) == b"a0DD45z"
    with pytest.raises(ValueError, match="in order"):
        b"".join(edited(io.BytesIO(b"012345"), edits[::-1]))


def test_a_long_text_is_a_mistake():
    with pytest.raises(ValueError, match="text must be short"):
        Id3Tags(None).edits({"MOOD": "x" * 200})


# --------------------------------------------------------------------------------------------------------------- plans


def song(valence=0.1234567, arousal=-0.2, certainty=0.6):
    quadrant = Quadrant.of(valence, arousal)
    return SimpleNamespace(valence=valence, arousal=arousal, certainty=certainty, quadrant=quadrant)


def as_found(values):
    return {name: [value] for name, value in values.items() if value is not None}


OURS = as_found({"MOOD": "calm", "EMODJ_VALENCE": "0.1235", "EMODJ_AROUSAL": "-0.2", "EMODJ_CERTAINTY": "0.6"})


def test_the_values_have_four_digits_and_their_signs():
    assert as_found(fields(song())) == OURS
    assert fields(song(-1e-9, 0.0, None)) == {
        "MOOD": "tense",
        "EMODJ_VALENCE": "-1e-09",
        "EMODJ_AROUSAL": "0",
        "EMODJ_CERTAINTY": None,
    }


def test_what_is_there_is_not_written_again():
    assert to_write(OURS, song()).changes == {}
    assert to_write({**OURS, "TITLE": ["x"], "MOOD": ["calm", "calm"]}, song()).changes == {}


def test_only_what_differs_is_changed():
    assert to_write({**OURS, "EMODJ_AROUSAL": ["-0.3"]}, song()).changes == {"EMODJ_AROUSAL": "-0.2"}
    assert to_write(OURS, song(certainty=None)).changes == {"EMODJ_CERTAINTY": None}
    assert to_write(OURS, song(-0.4)).changes == {"MOOD": "sad", "EMODJ_VALENCE": "-0.4"}


def test_somebody_elses_mood_stays_unless_forced():
    found = {"MOOD": ["Dark", "Wild"]}
    plan = to_write(found, song())
    assert [*plan.changes] == [*NAMES[1:]]
    assert plan.others_mood == "Dark, Wild"
    assert str(plan).endswith(", its own MOOD Dark, Wild stays")
    assert to_write(found, song(), is_forced=True).changes == fields(song())


@pytest.mark.parametrize(
    ("change", "is_own"),
    [
        ({}, True),
        ({"MOOD": ["Calm"]}, False),
        ({"MOOD": ["happy"]}, False),
        ({"MOOD": ["calm", "Dark"]}, False),
        ({"MOOD": []}, False),
        ({"EMODJ_VALENCE": []}, False),
        ({"EMODJ_VALENCE": ["0.1", "0.2"]}, False),
        ({"EMODJ_VALENCE": ["much"]}, False),
        ({"EMODJ_AROUSAL": ["0.1"]}, False),
        ({"EMODJ_CERTAINTY": []}, True),
    ],
)
def test_a_mood_is_ours_if_it_names_the_values_beside_it(change, is_own):
    found = {**OURS, **change}
    assert has_own_mood(found) == is_own
    assert ("MOOD" in to_remove(found).changes) == is_own
    assert {*NAMES[1:]} <= {*to_remove(found).changes}


def test_nothing_of_others_is_removed():
    assert to_remove({"TITLE": ["x"], "MOOD": ["calm"]}).changes == {}
    assert to_remove({"MOOD": ["calm"]}).others_mood == "calm"
