// The whole song as a strip: colored by mood, as high as it is excited. It is also where one seeks.

import { colorAt, ink, onLookChange } from "./look.js";
import { clock } from "./words.js";

const JUMP = 10; // [s]
const BAR = 5; // [px]
const LEAST = 0.3; // of arousal that fills the height: smaller changes look smaller

export class Strip extends EventTarget {
  constructor(canvas) {
    super();
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.points = [];
    this.duration = 0;
    this.time = 0;
    this.drawn = -1;
    new ResizeObserver(() => this.fit()).observe(canvas);
    onLookChange(() => this.paint());
    this.listen();
    this.fit();
  }

  listen() {
    const seek = (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.seek(((event.clientX - box.left) / box.width) * this.duration);
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (this.canvas.hasPointerCapture(event.pointerId)) seek(event);
    });
    this.canvas.addEventListener("keydown", (event) => {
      const places = {
        ArrowLeft: this.time - JUMP,
        ArrowDown: this.time - JUMP,
        ArrowRight: this.time + JUMP,
        ArrowUp: this.time + JUMP,
        Home: 0,
        End: this.duration,
      };
      if (!(event.key in places)) return;
      event.preventDefault();
      event.stopPropagation();
      this.seek(places[event.key]);
    });
  }

  seek(time) {
    if (!this.duration) return;
    this.dispatchEvent(new CustomEvent("seek", { detail: Math.min(this.duration, Math.max(0, time)) }));
  }

  // Show a song: its arc, and how long it is [s].
  show(points, step, duration) {
    Object.assign(this, { points, step, duration, time: 0 });
    this.canvas.setAttribute("aria-valuemax", Math.round(duration));
    this.paint();
  }

  fit() {
    this.ratio = Math.min(3, window.devicePixelRatio || 1);
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * this.ratio));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * this.ratio));
    this.paint();
  }

  // Paint the strip twice, pale and strong, so that a moment needs only two copies.
  paint() {
    this.pale = this.picture(0.38);
    this.strong = this.picture(1);
    this.drawn = -1;
    this.move(this.time);
  }

  picture(alpha) {
    const { width, height } = this.canvas;
    const picture = document.createElement("canvas");
    [picture.width, picture.height] = [width, height];
    const context = picture.getContext("2d");
    const { low, high } = this.span();
    const count = Math.max(1, Math.floor(width / this.ratio / BAR));
    const [each, wide] = [width / count, 0.66 * BAR * this.ratio];
    for (let bar = 0; bar < count && this.duration; bar++) {
      const point = this.mean((bar / count) * this.duration, ((bar + 1) / count) * this.duration);
      const tall = height * (point ? 0.16 + (0.84 * (point[1] - low)) / (high - low) : 0.08);
      context.fillStyle = point ? colorAt(...point, alpha) : ink(0.3 * alpha);
      context.beginPath();
      context.roundRect((bar + 0.5) * each - wide / 2, (height - tall) / 2, wide, tall, wide / 2);
      context.fill();
    }
    return picture;
  }

  // Return the lowest and the highest arousal that the strip has room for.
  span() {
    const heights = this.points.filter(Boolean).map((point) => point[1]);
    const low = heights.reduce((least, height) => Math.min(least, height), Infinity);
    const high = heights.reduce((most, height) => Math.max(most, height), -Infinity);
    const middle = heights.length ? (low + high) / 2 : 0;
    return { low: Math.min(low, middle - LEAST / 2), high: Math.max(high, middle + LEAST / 2) };
  }

  // Return the mean of what is known between two times.
  mean(begin, end) {
    if (!this.points.length) return null;
    const first = Math.floor(begin / this.step);
    const last = Math.max(first + 1, Math.ceil(end / this.step));
    const known = this.points.slice(first, last).filter(Boolean);
    if (!known.length) return null;
    const sum = known.reduce(([x, y], [dx, dy]) => [x + dx, y + dy], [0, 0]);
    return sum.map((value) => value / known.length);
  }

  // Show a time [s].
  move(time) {
    this.time = time;
    const { width, height } = this.canvas;
    const x = this.duration ? Math.round((Math.min(1, time / this.duration)) * width) : 0;
    if (x === this.drawn) return;
    this.drawn = x;
    const context = this.context;
    context.clearRect(0, 0, width, height);
    context.drawImage(this.pale, 0, 0);
    if (x > 0) context.drawImage(this.strong, 0, 0, x, height, 0, 0, x, height);
    if (!this.duration) return;
    context.fillStyle = getComputedStyle(this.canvas).color;
    context.fillRect(x - this.ratio, 0, 2 * this.ratio, height);
    this.canvas.setAttribute("aria-valuenow", Math.round(time));
    this.canvas.setAttribute("aria-valuetext", clock(time));
  }

  // Return where the song is at a time, between the points of its arc; null where nothing is known.
  pointAt(time) {
    const place = Math.min(this.points.length - 1, Math.max(0, time / this.step - 0.5));
    const [before, after] = [this.points[Math.floor(place)], this.points[Math.ceil(place)]];
    if (!before || !after) return before ?? after ?? null;
    const share = place - Math.floor(place);
    return [0, 1].map((axis) => before[axis] + (after[axis] - before[axis]) * share);
  }

  // Return where it was in the last seconds, the oldest first.
  tail(time, seconds = 7) {
    const points = [];
    for (let then = Math.max(0, time - seconds); then < time; then += this.step / 2) points.push(this.pointAt(then));
    return [...points, this.pointAt(time)].filter(Boolean);
  }
}
