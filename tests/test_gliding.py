"""The way between emotions, and the even pace at which it is looked at. The pacer's clock is made here."""

import threading
from itertools import pairwise

import pytest

from emodj_live.gliding import TAIL, UNEVEN, Glide, Pacer, next_deadline

# ----------------------------------------------------------------------------------------------------------- the way


def test_it_arrives_within_one_step():
    glide = Glide()
    glide.move((0.0, 0.0), 0.5, 0.0)
    for number in range(1, 8):
        target = (0.1 * number, -0.1 * number)
        glide.move(target, 0.5 + 0.5 * number, 0.5 * number)
        assert glide.at(0.5 * number + 0.25) == pytest.approx((target[0] - 0.048, target[1] + 0.048), abs=2e-3)
        assert glide.at(0.5 * number + 0.49) == pytest.approx(target)


def test_it_never_leaves_the_way_and_never_turns_back():
    glide, places = Glide(), []
    for number in range(20):
        glide.move((0.05 * number, 0.02 * number), number / 10, number / 10)
        places += [glide.at(number / 10 + part / 50) for part in range(5)]
    assert all(after[0] >= before[0] for before, after in pairwise(places))
    assert all(y == pytest.approx(0.4 * x) for x, y in places)


def test_an_emotion_that_comes_early_turns_the_point_where_it_is():
    glide = Glide()
    glide.move((0.0, 0.0), 0.5, 0.0)
    glide.move((1.0, 0.0), 1.0, 1.0)
    glide.move((0.0, 1.0), 1.5, 1.24)
    assert glide.at(1.24) == pytest.approx((0.5, 0.0))
    assert [corner[:2] for corner in glide.tail(1.3)][1] == pytest.approx((0.5, 0.0))


def test_the_tail_is_of_the_last_seconds():
    glide = Glide()
    for number in range(100):
        glide.move((0.01 * number, 0.0), 0.5 * number, 0.5 * number)
    tail = glide.tail(50.0)
    ages = [corner.age for corner in tail]
    assert ages[0] == 0
    assert ages == sorted(ages)
    assert TAIL <= ages[-1] <= TAIL + 1
    assert glide.at(50.0) == tail[0][:2]


def test_a_new_stream_begins_where_its_first_emotion_is():
    glide = Glide()
    glide.move((0.9, 0.9), 60.0, 0.0)
    glide.forget()
    assert glide.at(1.0) is None
    glide.move((-0.5, 0.0), 0.5, 1.0)
    assert glide.at(1.0) == (-0.5, 0.0)


def test_it_is_exactly_where_the_emotion_is_when_it_has_arrived():
    glide = Glide()
    for number, point in enumerate([(0.1, 0.7), (-0.3, 0.15), (1 / 3, -2 / 7)]):
        glide.move(point, 0.5 * number, 0.5 * number)
        assert glide.at(0.5 * number + 0.5) == point


@pytest.mark.parametrize("rate", [7.0, 30.0, 60.0])
@pytest.mark.parametrize("early", [0.0, UNEVEN])
def test_whoever_asks_at_a_rate_sees_every_emotion(rate, early):
    glide, targets = Glide(margin=1 / rate + UNEVEN), [(0.1 * n, 0.3 - 0.05 * n) for n in range(9)]
    seen, asked = set(), 0.011
    for number, target in enumerate(targets):
        glide.move(target, 0.5 * number, 0.5 * number)
        while asked < 0.5 * (number + 1) - early:
            seen.add(glide.at(asked))
            asked += 1 / rate
        asked = max(asked, 0.5 * (number + 1))
    assert seen >= set(targets)


def test_a_margin_that_is_longer_than_the_step_leaves_no_way():
    glide = Glide(margin=1.0)
    glide.move((0.0, 0.0), 0.5, 0.0)
    glide.move((1.0, 0.5), 1.0, 0.5)
    assert glide.at(0.5) == (1.0, 0.5)


# ---------------------------------------------------------------------------------------------------------- the pace


class Time:
    """Time that passes while somebody waits; it ends the waiting at a time."""

    def __init__(self, ends):
        self.now, self._ends = 100.0, 100.0 + ends

    def clock(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds
        return self.now >= self._ends


def calls(rate, ends, *, costs=lambda number: 0.0):
    """Return when a pacer calls, in made-up time since its beginning; each call may take some."""
    time, called = Time(ends), []

    def call():
        called.append(time.now - 100.0)
        time.now += costs(len(called))

    pacer = Pacer(call, rate, clock=time.clock, wait=time.wait)
    pacer.start()
    pacer._thread.join()
    pacer.close()
    return called


def test_calls_are_even_and_do_not_drift_whatever_they_cost():
    called = calls(30, 59.99, costs=lambda number: 0.001 * (number % 20))
    assert len(called) == 1800
    assert called == pytest.approx([number / 30 for number in range(1800)], abs=1e-9)


def test_a_late_call_is_not_made_up_for_in_a_burst():
    called = calls(10, 2.0, costs=lambda number: 0.55 if number == 5 else 0.0)
    assert called[:5] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert called[5:8] == pytest.approx([1.0, 1.1, 1.2])
    assert min(after - before for before, after in pairwise(called)) > 0.099


def test_deadlines_stay_on_their_grid():
    assert next_deadline(1.0, 1.0, 0.25) == 1.25
    assert next_deadline(1.0, 1.1, 0.25) == 1.25
    assert next_deadline(1.0, 3.1, 0.25) == 3.25


def test_a_pacer_calls_until_it_is_closed():
    enough, number = threading.Event(), 0

    def call():
        nonlocal number
        number += 1
        if number == 5:
            enough.set()

    with Pacer(call, 60) as pacer:
        assert enough.wait(30)
    after = number
    assert not pacer._thread.is_alive()
    pacer.close()
    assert number == after


def test_what_a_call_raises_comes_out_once():
    called = threading.Event()

    def call():
        called.set()
        raise ZeroDivisionError("of the call")

    pacer = Pacer(call, 60)
    pacer.start()
    assert called.wait(30)
    with pytest.raises(ZeroDivisionError, match="of the call"):
        pacer.close()
    pacer.close()


def test_a_pacer_that_never_began_can_be_closed():
    Pacer(print, 1).close()


@pytest.mark.parametrize("rate", [0, -1, 60.5, float("nan")])
def test_odd_rates_are_refused(rate):
    with pytest.raises(ValueError, match="at most 60 a second"):
        Pacer(print, rate)
