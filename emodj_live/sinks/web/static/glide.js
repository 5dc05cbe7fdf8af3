// How the point moves between emotions: evenly, so that it arrives shortly before the next one comes.
// The same rules as in emodj_live/gliding.py, for a display that asks at its own rate. Times are in seconds.

export const TAIL = 7;
const SHARE = 0.96; // of a step, after which the point has arrived
const LONGEST = 1; // of gliding
const STEP = 0.5; // from one emotion to the next, before there are two

export class Glide {
  #legs = [];
  #time = null;

  /** Set out for a point [valence, arousal], of an emotion at `time` in its stream; `now` is the time here. */
  move(point, time, now) {
    const step = this.#time === null || time <= this.#time ? STEP : time - this.#time;
    const start = this.at(now) ?? point;
    this.#legs.push({ start, end: point, begun: now, duration: SHARE * Math.min(step, LONGEST) });
    this.#time = time;
    while (this.#legs.length && now - this.#legs[0].begun > TAIL + LONGEST) this.#legs.shift();
  }

  /** Be at a point at once. */
  jump(point, time, now) {
    this.#legs = [{ start: point, end: point, begun: now, duration: 0 }];
    this.#time = time;
  }

  /** Begin anew: the next point is the first. */
  forget() {
    this.#legs = [];
    this.#time = null;
  }

  /** Return where the point is; null before the first. */
  at(now) {
    const leg = this.#legs.at(-1);
    return leg ? along(leg, now) : null;
  }

  /** Return whether nothing moves any more, neither the point nor its tail. */
  isAtRest(now) {
    const leg = this.#legs.at(-1);
    return !leg || now > leg.begun + leg.duration + TAIL;
  }

  /** Return where it has been in the last seconds, newest first: [valence, arousal, age]. */
  tail(now) {
    const point = this.at(now);
    if (!point) return [];
    const corners = [[...point, 0]];
    let until = now;
    for (const leg of this.#legs.slice().reverse()) {
      const arrived = leg.begun + leg.duration;
      if (until >= arrived) corners.push([...leg.end, now - arrived]);
      corners.push([...leg.start, now - leg.begun]);
      until = leg.begun;
      if (corners.at(-1)[2] > TAIL) break;
    }
    return corners;
  }
}

function along({ start, end, begun, duration }, now) {
  const share = duration ? Math.min(1, Math.max(0, (now - begun) / duration)) : 1;
  return [start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share];
}
