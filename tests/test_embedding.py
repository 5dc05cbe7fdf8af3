"""The tracker in other people's programs: the callback contract and the background.

Most of the contract is tested in ``test_tracker.py``; here is what is left of it.
"""

import dataclasses
import gc
import logging
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from emodj_live import BackgroundTracker, EmotionTracker, SourceError

WINDOW = 11025
PATIENCE = 30  # [s] after which something hangs


@pytest.fixture
def tracker(model):
    return EmotionTracker(model)


def endless(closed=None, block=WINDOW):
    """Yield noise for ever, and note when it is closed."""
    rng = np.random.default_rng(0)
    try:
        while True:
            yield rng.normal(0, 0.1, block).astype(np.float32)
    finally:
        if closed is not None:
            closed.append(threading.current_thread())


# --------------------------------------------------------------------------------------------------- the contract

CONTRACT = """
1. A sink is called once per emotion, in time order from one `Seek` to the next; sinks in the order given.
2. It runs on the thread that called `run`, never on the audio thread. It may block, allocate and print.
3. A slow sink delays the next emotion. Audio waits in the source's bounded queue; past that (5 s by default) the oldest
   block is dropped, counted, and reported. Nothing is lost silently and nothing grows without bound.
4. It gets an immutable value that it may keep; what it returns is ignored.
5. If it raises, `run` stops, the source is closed if it has `close()`, and the exception reaches the caller unchanged.
6. `tracker.stop()` ends a `run` or `track` in progress; it is safe from any thread, from inside a sink, and twice.
"""


def test_the_contract_stands_word_for_word_in_the_docstring():
    assert " ".join(CONTRACT.split()) in " ".join(EmotionTracker.run.__doc__.split())


def test_slow_sink_delays_and_loses_nothing(tracker, music):
    calls = []

    def slow(emotion):
        calls.append(("begins", emotion.time))
        time.sleep(0.05)
        calls.append(("ends", emotion.time))

    tracker.run([music(2.0)], slow, lambda emotion: calls.append(("next", emotion.time)))
    times = [0.5, 1.0, 1.5, 2.0]
    assert calls == [(what, moment) for moment in times for what in ("begins", "ends", "next")]


def test_emotions_can_be_kept_and_not_changed(tracker, music):
    kept = []
    tracker.run([music(2.0)], kept.append)
    before = [dataclasses.astuple(emotion) for emotion in kept]
    with pytest.raises(dataclasses.FrozenInstanceError):
        kept[0].valence = 1.0
    tracker.run([music(2.0, 1)])
    assert [dataclasses.astuple(emotion) for emotion in kept] == before


def test_two_trackers_run_at_once_and_a_stop_ends_only_its_own(model, music):
    first, second = EmotionTracker(model), EmotionTracker(model)
    seen = []
    emotions = first.track(endless())
    next(emotions)
    second.run([music(2.0)], seen.append, lambda emotion: emotion.time >= 1 and second.stop())
    assert len(seen) == 2
    assert next(emotions).time == 1.0
    emotions.close()


# ------------------------------------------------------------------------------------------------- the background


def test_background_says_what_the_callback_says(model, music):
    blocks, expected, found = np.array_split(music(6.0), 7), [], []
    EmotionTracker(model).run(blocks, expected.append)
    with BackgroundTracker(EmotionTracker(model), blocks, found.append) as background:
        assert background.wait(timeout=PATIENCE)
    assert found == expected
    assert background.latest == expected[-1]
    assert not background.is_running


def test_background_calls_back_on_one_thread_of_its_own(tracker, music):
    threads = []
    background = BackgroundTracker(tracker, [music(2.0)], lambda _: threads.append(threading.current_thread()))
    background.start()
    assert background.wait(timeout=PATIENCE)
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon


def test_latest_can_be_polled(tracker):
    background = BackgroundTracker(tracker, endless())
    assert background.latest is None
    with background:
        deadline = time.monotonic() + PATIENCE
        while (newest := background.latest) is None or newest.time < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert background.is_running
    assert not background.is_running
    assert background.latest.time >= newest.time


@pytest.mark.parametrize("times", [1, 2])
def test_stop_closes_the_source_and_is_idempotent(tracker, times):
    closed = []
    background = BackgroundTracker(tracker, endless(closed))
    background.start()
    thread = background._thread
    for _ in range(times):
        background.stop()
    assert not thread.is_alive()
    assert closed in ([thread], [])  # [] if it had not begun when the stop came
    assert not background.is_running


def test_stop_before_the_start_does_nothing(tracker, music):
    background = BackgroundTracker(tracker, [music(1.0)])
    background.stop()
    assert not background.is_running
    background.start()
    assert background.wait(timeout=PATIENCE)
    assert background.latest.time == 1.0


def test_stop_right_after_the_start_is_not_forgotten(model):
    """The tracker begins after the stop was asked for."""
    tracker, may_begin = EmotionTracker(model), threading.Event()
    begin = tracker.reset
    tracker.reset = lambda: (may_begin.wait(PATIENCE), begin())
    asked = []
    background = BackgroundTracker(tracker, (asked.append(n) or np.zeros(100, np.float32) for n in range(10**9)))
    background.start()
    stopping = threading.Thread(target=background.stop)
    stopping.start()
    while not background._stop.is_set():
        time.sleep(0.001)
    may_begin.set()
    stopping.join(PATIENCE)
    assert not background.is_running
    assert asked == []


def test_stop_from_inside_the_sink(tracker):
    seen, closed = [], []

    def sink(emotion):
        seen.append(emotion)
        background.stop()

    background = BackgroundTracker(tracker, endless(closed), sink)
    background.start()
    assert background.wait(timeout=PATIENCE)
    assert len(seen) == len(closed) == 1


def test_stop_from_many_threads_at_once(tracker):
    with BackgroundTracker(tracker, endless()) as background:
        threads = [threading.Thread(target=background.stop) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert not background.is_running


def test_two_that_stop_each_other_wait_for_nothing(model):
    meeting, took, decks = threading.Barrier(2), [], []

    def sink(_):
        meeting.wait(PATIENCE)
        took.append([deck.stop(timeout=PATIENCE) for deck in decks])
        meeting.wait(PATIENCE)  # neither has ended before both have asked

    decks += [BackgroundTracker(EmotionTracker(model), endless(), sink) for _ in range(2)]
    for deck in decks:
        deck.start()
    for deck in decks:
        assert deck.wait(timeout=PATIENCE)
        assert deck.stop()
    assert took == [[False, False]] * 2


def test_stop_while_it_starts(model):
    """With threads changing as often as can be, `stop` meets every moment of `start`."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(100):
            background = BackgroundTracker(EmotionTracker(model), endless())
            failures = []

            def stop(background=background, failures=failures):
                try:
                    background.stop()
                except RuntimeError as error:
                    failures.append(error)

            thread = threading.Thread(target=stop)
            thread.start()
            background.start()
            thread.join(PATIENCE)
            assert background.stop()
            assert failures == []
    finally:
        sys.setswitchinterval(interval)


def test_stop_after_the_end_leaves_others_alone(tracker, music):
    background = BackgroundTracker(tracker, [music(1.0)])
    background.start()
    assert background.wait(timeout=PATIENCE)
    seen = []
    tracker.run([music(2.0)], seen.append, lambda _: background.stop())
    assert len(seen) == 4


def test_block_that_is_none_is_an_error_as_everywhere(tracker):
    background = BackgroundTracker(tracker, [None])
    background.start()
    with pytest.raises(TypeError, match="floating-point"):
        background.wait(timeout=PATIENCE)


def test_restart_begins_anew(tracker, music):
    found = []
    background = BackgroundTracker(tracker, [music(2.0)], found.append)
    for _ in range(3):
        background.start()
        assert background.wait(timeout=PATIENCE)
    assert found[:4] == found[4:8] == found[8:]
    assert len(found) == 12


def test_start_while_it_runs_is_refused(tracker):
    with BackgroundTracker(tracker, endless()) as background, pytest.raises(RuntimeError, match="already running"):
        background.start()


def failing(error, after=1):
    for _ in range(after):
        yield np.full(WINDOW, 0.1, np.float32)
    raise error


@pytest.mark.parametrize("error", [SourceError("unplugged"), ValueError("its own"), SystemExit(3)])
@pytest.mark.parametrize("way", ["stop", "wait", "with"])
def test_error_is_delivered_unchanged_and_once(tracker, error, way, caplog):
    background = BackgroundTracker(tracker, failing(error))

    def ask():
        if way == "with":
            with background:
                background._thread.join(PATIENCE)
        else:
            background.start()
            background._thread.join(PATIENCE)
            getattr(background, way)()

    with pytest.raises(type(error)) as caught:
        ask()
    assert caught.value is error
    assert background.error is error
    background.stop()
    assert caplog.records == []


def test_error_can_be_polled_which_takes_nothing_away(tracker):
    error = SourceError("unplugged")
    background = BackgroundTracker(tracker, failing(error))
    assert background.error is None
    background.start()
    background._thread.join(PATIENCE)
    assert background.error is error
    with pytest.raises(SourceError, match="unplugged"):
        background.stop()
    assert background.error is error
    background.stop()


def test_error_of_a_sink_closes_the_source_and_is_delivered(tracker):
    closed = []

    def sink(emotion):
        raise ZeroDivisionError("in the sink")

    background = BackgroundTracker(tracker, endless(closed), sink)
    background.start()
    with pytest.raises(ZeroDivisionError, match="in the sink"):
        background.wait(timeout=PATIENCE)
    assert len(closed) == 1


def test_error_does_not_hide_that_of_the_with_statement(tracker, caplog):
    background = BackgroundTracker(tracker, failing(OSError("odd")))

    def program():
        with background:
            background._thread.join(PATIENCE)
            raise KeyError("the program's own")

    with pytest.raises(KeyError, match="the program's own"):
        program()
    assert "an error ended the background tracker: Traceback" in caplog.text
    assert "OSError: odd" in caplog.text


def test_error_that_nobody_asks_for_is_logged(tracker, caplog):
    background = BackgroundTracker(tracker, failing(SourceError("unplugged")))
    background.start()
    background._thread.join(PATIENCE)
    assert caplog.records == []
    del background
    gc.collect()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert caplog.records[0].message.endswith("SourceError: unplugged\n")


def test_error_that_a_restart_would_forget_is_logged(tracker, caplog):
    background = BackgroundTracker(tracker, failing(SourceError("unplugged")))
    background.start()
    background._thread.join(PATIENCE)
    background.start()
    assert len(caplog.records) == 1
    assert "SourceError: unplugged" in caplog.text
    background.stop()


def test_stop_does_not_hang_with_a_sink_that_does(tracker, caplog):
    is_in, may_go = threading.Event(), threading.Event()
    background = BackgroundTracker(tracker, endless(), lambda _: is_in.set() or may_go.wait(PATIENCE))
    background.start()
    assert is_in.wait(PATIENCE)
    assert not background.stop(timeout=0.05)
    assert background.is_running
    assert "did not end within 0.05 s" in caplog.text
    assert not background.wait(timeout=0.01)
    may_go.set()
    assert background.wait(timeout=PATIENCE)


@pytest.mark.slow
def test_stop_waits_for_a_sink_that_takes_two_seconds(tracker):
    is_in, is_done = threading.Event(), []
    background = BackgroundTracker(tracker, endless(), lambda _: is_in.set() or time.sleep(2) or is_done.append(1))
    background.start()
    assert is_in.wait(PATIENCE)
    background.stop()
    assert is_done == [1]
    assert not background.is_running


DYING = """
import sys
from emodj_live import BackgroundTracker, EmotionModel, EmotionTracker
import numpy as np, threading, time
is_heard = threading.Event()
def source():
    try:
        while True:
            yield np.zeros(11025, np.float32)
    finally:
        print("closed", flush=True)
def hanging():
    is_heard.set()
    time.sleep(1000)
    yield
def failing():
    raise OSError("unplugged")
    yield
which = sys.argv[2]
source = {"hangs": hanging, "fails": failing}.get(which, source)()
background = BackgroundTracker(EmotionTracker(EmotionModel.load(sys.argv[1])), source, lambda _: is_heard.set())
background.start()
if which == "fails":
    background._thread.join()
else:
    is_heard.wait()
if which == "raises":
    raise ZeroDivisionError
if which == "exits":
    sys.exit(3)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "code", "said", "told"),
    [
        ("ends", 0, "closed\n", ""),
        ("exits", 3, "closed\n", ""),
        ("raises", 1, "closed\n", "ZeroDivisionError"),
        ("hangs", 0, "", ""),
        ("fails", 0, "", "OSError: unplugged"),
    ],
)
def test_program_that_dies_without_stopping_ends(which, code, said, told, model_path, package):
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(model_path), which],
        env={"PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, said)
    assert told in done.stderr
    assert bool(told) == bool(done.stderr)
