"""The context in plain words and slow loops, for tests to compare with. PYTEST_DONT_REWRITE: it has no asserts."""

import numpy as np

MAJOR = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]
MINOR = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]


def members(times, is_silent, number, reach):
    """Return which windows count for one of them, the newest first.

    Each is at least half a second older than the one before it, and as a whole within `reach` seconds.
    """
    chosen, latest = [number], times[number]
    for earlier in range(number - 1, -1, -1):
        if times[earlier] <= latest - 0.5 + 1e-6 and times[earlier] - 0.5 >= times[number] - reach - 1e-6:
            latest = times[earlier]
            if not is_silent[earlier]:
                chosen.append(earlier)
    return chosen


def best_key(chroma, profile):
    """Return the best correlation of a chroma with a key's profile over the twelve tonics; 0 if the chroma is flat."""
    if np.std(chroma) < 1e-6:
        return 0.0
    return max(np.corrcoef(chroma, np.roll(profile, tonic))[0, 1] for tonic in range(12))


def statistics(mfcc, contrast, chroma, onset):
    """Return the 72 numbers of a context, given lists of its windows' quantities, a frame in a column."""
    over_frames = [np.concatenate(windows, axis=1) for windows in (mfcc, contrast)]
    window_chroma = np.array([window.mean(axis=1) for window in chroma])
    mean_chroma = window_chroma.mean(axis=0)
    major, minor = best_key(mean_chroma, MAJOR), best_key(mean_chroma, MINOR)
    return np.concatenate(
        [
            *(frames.mean(axis=1) for frames in over_frames),
            *(frames.std(axis=1) for frames in over_frames),
            sorted(mean_chroma),
            [major, minor, major - minor],
            [window_chroma.std(axis=0).mean()],
            [np.mean([window.mean() for window in onset]), np.mean([window.std() for window in onset])],
        ]
    )


def from_sums(rows):
    """Return the same, given what each window of a context adds to it: its 68 sums."""
    mean, variance = rows[:, :27], rows[:, 39:66]
    chroma = rows[:, 27:39]
    major, minor = best_key(chroma.mean(axis=0), MAJOR), best_key(chroma.mean(axis=0), MINOR)
    return np.concatenate(
        [
            mean.mean(axis=0),
            np.sqrt(variance.mean(axis=0) + mean.var(axis=0)),
            sorted(chroma.mean(axis=0)),
            [major, minor, major - minor, chroma.std(axis=0).mean()],
            rows[:, 66:].mean(axis=0),
        ]
    )
