// The valence-arousal plane on canvases: a soft field of the moods' colors, a halo of what may be, a point with its tail.
// Colors come from /colors.js, which the program makes, so a mood looks the same here as in every other output.
//
//   const plane = new Plane(element);                // an element with a size of its own; it gets the canvases
//   plane.draw({ point: [0.2, 0.3], tail: glide.tail(now), spread: [0.27, 0.33] });
//   plane.place([0.2, 0.3]);                         // -> [x, y] in CSS pixels within the element
//   plane.at(x, y);                                  // -> [valence, arousal]
//   plane.onlayout = () => {};                       // called when the size, the span or the colors have changed

import { COLORS, QUADRANTS, SIZE } from "./colors.js";
import { TAIL } from "./glide.js";

const LOW = 160; // pixels along the longer side of the halo's canvas: it is soft, so few are enough
export const FINE = 560; // the same for the field
const NEAR = 3; // [px] between corners of the tail that count as one
const PIECE = 7; // [px] of the tail that has one color
const LATTICE = Uint8Array.from(COLORS.match(/../g), (digits) => parseInt(digits, 16));

/** Return red, green and blue, 0 to 255, of an emotion; what is beyond the plane counts as its edge. */
export function colorOf(valence, arousal) {
  const x = ((Math.min(1, Math.max(-1, valence)) + 1) / 2) * (SIZE - 1);
  const y = ((Math.min(1, Math.max(-1, arousal)) + 1) / 2) * (SIZE - 1);
  const left = Math.min(Math.floor(x), SIZE - 2);
  const low = Math.min(Math.floor(y), SIZE - 2);
  const right = x - left;
  const up = y - low;
  const start = 3 * (low * SIZE + left);
  const color = [0, 0, 0];
  for (let part = 0; part < 3; part++) {
    const at = start + part;
    const lower = LATTICE[at] * (1 - right) + LATTICE[at + 3] * right;
    const upper = LATTICE[at + 3 * SIZE] * (1 - right) + LATTICE[at + 3 * SIZE + 3] * right;
    color[part] = lower * (1 - up) + upper * up;
  }
  return color;
}

/** Return a color for CSS. */
export function css([red, green, blue], alpha = 1) {
  return `rgb(${Math.round(red)} ${Math.round(green)} ${Math.round(blue)} / ${alpha})`;
}

/** Return a mix of two colors with so much of the second. */
export function blend(first, second, share) {
  return first.map((part, index) => part + (second[index] - part) * share);
}

/** Return an emotion's color, so much nearer to the foreground that it can be read on the background. */
export function inkOf(valence, arousal, theme, least = 4.5) {
  const color = colorOf(valence, arousal);
  const goal = theme.isLight ? [0, 0, 0] : [255, 255, 255];
  for (let step = 0; step < 10; step++) {
    const shade = blend(color, goal, step / 10);
    if (contrast(shade, theme.background) >= least) return shade;
  }
  return goal;
}

function contrast(first, second) {
  const [darker, lighter] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(color) {
  const [red, green, blue] = color.map((part) =>
    part > 10.3 ? ((part / 255 + 0.055) / 1.055) ** 2.4 : part / 255 / 12.92,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export const DARK = { isLight: false, background: [18, 18, 22], foreground: [230, 230, 234] };
export const LIGHT = { isLight: true, background: [251, 251, 248], foreground: [32, 32, 36] };

/** Call a function with the theme that the reader prefers, now and when that changes. */
export function onTheme(listener) {
  const query = matchMedia("(prefers-color-scheme: light)");
  const report = () => listener(query.matches ? LIGHT : DARK);
  query.addEventListener("change", report);
  report();
}

export class Plane {
  onlayout = () => {};
  #element;
  #theme = DARK;
  #span = 1;
  #size = [1, 1];
  #scale = 1;
  #canvases = {};
  #bright = document.createElement("canvas");
  #words = [];

  /** `words`: whether quadrants and axes have their names on it. */
  constructor(element, { words = true, theme = DARK } = {}) {
    this.#element = element;
    this.#theme = theme;
    element.classList.add("plane");
    for (const name of ["field", "halo", "front"]) {
      this.#canvases[name] = document.createElement("canvas");
      this.#canvases[name].className = `plane-${name}`;
      element.append(this.#canvases[name]);
    }
    if (words) this.#addWords();
    new ResizeObserver(() => this.#layout()).observe(element);
    this.#layout();
  }

  /** How far the plane reaches from its middle: 1 shows all of it. */
  get span() {
    return this.#span;
  }

  set span(span) {
    this.#span = span;
    this.#layout();
  }

  set theme(theme) {
    this.#theme = theme;
    this.#layout();
  }

  get theme() {
    return this.#theme;
  }

  /** Width and height in CSS pixels. */
  get size() {
    return this.#size;
  }

  place([valence, arousal]) {
    const [width, height] = this.#size;
    return [((valence / this.#span + 1) / 2) * width, ((1 - arousal / this.#span) / 2) * height];
  }

  at(x, y) {
    const [width, height] = this.#size;
    return [((2 * x) / width - 1) * this.#span, (1 - (2 * y) / height) * this.#span];
  }

  /** Draw what moves: `point` may be null, `tail` empty, and without `spread` there is no halo. */
  draw({ point = null, tail = [], spread = null }) {
    this.#drawHalo(point, spread);
    const front = this.#canvases.front.getContext("2d");
    front.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    front.clearRect(0, 0, ...this.#size);
    if (!point) return;
    const radius = Math.max(5, Math.min(...this.#size) * 0.013);
    this.#drawTail(front, tail, radius);
    this.#drawHead(front, this.#clipped(this.place(point)), radius, point);
  }

  #clipped([x, y]) {
    const [width, height] = this.#size;
    return [Math.min(width, Math.max(0, x)), Math.min(height, Math.max(0, y))];
  }

  #layout() {
    const { clientWidth: width, clientHeight: height } = this.#element;
    if (!width || !height) return;
    this.#size = [width, height];
    this.#scale = Math.min(2, devicePixelRatio || 1);
    const { front, halo } = this.#canvases;
    [front.width, front.height] = [Math.round(width * this.#scale), Math.round(height * this.#scale)];
    [halo.width, halo.height] = fitted(width, height, LOW);
    this.#paintField();
    this.#placeWords();
    this.onlayout();
  }

  #paintField() {
    const [width, height] = this.#size;
    const strength = this.#theme.isLight ? 0.3 : 0.2;
    const color = (x, y) => colorOf(x * this.#span, y * this.#span);
    paint(this.#canvases.field, fitted(width, height, FINE), (x, y) => {
      const edge = Math.max(0, 1 - (x * x + y * y) ** 2 / 4);
      return [color(x, y), strength * (0.5 + 0.5 * edge)];
    });
    paint(this.#bright, fitted(width, height, LOW), (x, y) => [color(x, y), 1]);
  }

  #drawHalo(point, spread) {
    const { halo } = this.#canvases;
    const context = halo.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalCompositeOperation = "copy";
    if (!point || !spread) {
      context.clearRect(0, 0, halo.width, halo.height);
      return;
    }
    context.drawImage(this.#bright, 0, 0);
    context.globalCompositeOperation = "destination-in";
    const [x, y] = this.#clipped(this.place(point));
    const [toX, toY] = [halo.width / this.#size[0], halo.height / this.#size[1]];
    context.setTransform(
      (spread[0] / this.#span / 2) * halo.width, 0, 0, (spread[1] / this.#span / 2) * halo.height, x * toX, y * toY,
    );
    const reach = 3;
    const light = context.createRadialGradient(0, 0, 0, 0, 0, reach);
    const most = this.#theme.isLight ? 0.42 : 0.55;
    for (let step = 0; step <= 12; step++) {
      const distance = (step / 12) * reach;
      const alpha = most * (Math.exp(-0.5 * distance * distance) - Math.exp(-0.5 * reach * reach));
      light.addColorStop(step / 12, `rgb(0 0 0 / ${Math.max(0, alpha).toFixed(4)})`);
    }
    context.fillStyle = light;
    context.fillRect(-100, -100, 200, 200);
  }

  #drawTail(context, tail, radius) {
    const places = smooth(tail.map(([valence, arousal, age]) => [...this.place([valence, arousal]), age]));
    context.lineCap = "round";
    const goal = this.#theme.isLight ? [16, 16, 24] : [255, 255, 255];
    for (let index = places.length - 1; index > 0; index--) {
      const [x, y, age] = places[index];
      const [toX, toY, toAge] = places[index - 1];
      const rest = 1 - (age + toAge) / 2 / TAIL;
      if (rest <= 0) continue;
      const [valence, arousal] = this.at((x + toX) / 2, (y + toY) / 2);
      context.lineWidth = radius * (0.3 + 1.3 * rest);
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(toX, toY);
      context.globalCompositeOperation = "destination-out"; // where pieces overlap, the newer one alone is seen
      context.strokeStyle = "#000";
      context.stroke();
      context.globalCompositeOperation = "lighter"; // which is exact at edges, too
      context.strokeStyle = css(blend(colorOf(valence, arousal), goal, 0.35 + 0.3 * rest), 0.9 * rest ** 1.2);
      context.stroke();
    }
    context.globalCompositeOperation = "source-over";
  }

  #drawHead(context, [x, y], radius, point) {
    const color = colorOf(...point);
    const ink = this.#theme.isLight ? [20, 20, 26] : [255, 255, 255];
    const glow = context.createRadialGradient(x, y, 0, x, y, 4 * radius);
    glow.addColorStop(0, css(blend(color, ink, 0.5), 0.55));
    glow.addColorStop(1, css(color, 0));
    context.fillStyle = glow;
    context.fillRect(x - 4 * radius, y - 4 * radius, 8 * radius, 8 * radius);
    context.fillStyle = css(ink);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }

  #addWords() {
    const add = (text, name) => {
      const word = document.createElement("span");
      word.textContent = text;
      word.className = `plane-word ${name}`;
      word.ariaHidden = "true";
      this.#element.append(word);
      return word;
    };
    for (const { name, valence, arousal } of QUADRANTS) {
      const corner = `${arousal > 0 ? "top" : "bottom"} ${valence > 0 ? "right" : "left"}`;
      this.#words.push([add(name, `plane-quadrant ${corner}`), valence, arousal]);
    }
    add("excited", "plane-axis up");
    add("calm", "plane-axis down");
    add("unpleasant", "plane-axis to-left");
    add("pleasant", "plane-axis to-right");
  }

  #placeWords() {
    for (const [word, valence, arousal] of this.#words) {
      word.style.color = css(inkOf(0.5 * valence, 0.5 * arousal, this.#theme));
    }
  }
}

/** Return a size of the same shape whose longer side is at most so many pixels. */
export function fitted(width, height, most) {
  const scale = Math.min(1, most / Math.max(width, height));
  return [Math.max(2, Math.round(width * scale)), Math.max(2, Math.round(height * scale))];
}

/** Paint a canvas softly: `shade` gets a place in [-1, 1] and returns a color and its strength. */
export function paint(canvas, [width, height], shade) {
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  let at = 0;
  for (let row = 0; row < height; row++) {
    const y = 1 - (2 * (row + 0.5)) / height;
    for (let column = 0; column < width; column++, at += 4) {
      const x = (2 * (column + 0.5)) / width - 1;
      const [color, strength] = shade(x, y);
      const grain = noise(row, column); // without it, steps between dark shades would show
      image.data[at] = color[0] + grain;
      image.data[at + 1] = color[1] + grain;
      image.data[at + 2] = color[2] + grain;
      image.data[at + 3] = 255 * strength + grain;
    }
  }
  context.putImageData(image, 0, 0);
}

function noise(row, column) {
  return ((row * 41 + column * 73 + ((row * column) % 29) * 17) % 64) / 64 - 0.5;
}

/** Return a smooth line through the corners of a tail: a Catmull-Rom spline, in pieces of a few pixels. */
function smooth(tail) {
  const corners = tail.filter((_, index) => index === 0 || index === tail.length - 1 || isApart(tail, index));
  const points = [];
  for (let index = 0; index + 1 < corners.length; index++) {
    const around = [index - 1, index, index + 1, index + 2].map((at) => corners[at] ?? corners[at < 0 ? 0 : index + 1]);
    const [, here, there] = around;
    const pieces = Math.max(1, Math.ceil(Math.hypot(there[0] - here[0], there[1] - here[1]) / PIECE));
    for (let piece = 0; piece < pieces; piece++) points.push(spline(around, piece / pieces));
  }
  if (corners.length) points.push(corners.at(-1));
  return points;
}

function isApart(tail, index) {
  const [x, y] = tail[index];
  return Math.hypot(x - tail[index - 1][0], y - tail[index - 1][1]) >= NEAR;
}

function spline([before, here, there, after], share) {
  return here.map((part, axis) => {
    if (axis === 2) return part + (there[axis] - part) * share; // ages are even
    const straight = there[axis] - before[axis];
    const bent = 2 * before[axis] - 5 * part + 4 * there[axis] - after[axis];
    const turned = 3 * part - before[axis] - 3 * there[axis] + after[axis];
    return part + 0.5 * share * (straight + share * (bent + share * turned));
  });
}
