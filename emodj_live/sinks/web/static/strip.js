// Small pictures of what was heard: the strip of moods along the song, and the curve of the last minute.

import { colorOf, css } from "./plane.js";

const LEAST = 0.2; // from the lowest to the highest value of a curve
const LAST = 300; // [s] that the strip shows of what has no end
const [QUIET, LOUD] = [-40, -6]; // [dBFS] of the lowest and the highest bar

/** Give a canvas as many pixels as the screen has for it; return its context and its size in CSS pixels. */
function prepared(canvas) {
  const scale = Math.min(2, devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = canvas;
  const size = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return [context, width, height];
}

/** Draw moods as bars, as high as the music was loud; return from when to when. */
export function drawStrip(canvas, emotions, length, theme) {
  const [context, width, height] = prepared(canvas);
  const newest = emotions.at(-1)?.time ?? 0;
  const end = length ? Math.max(length, newest) : Math.max(newest, LAST);
  const begin = length ? 0 : end - LAST;
  const count = Math.max(1, Math.floor(width / 4));
  const bars = Array.from({ length: count }, () => []);
  for (const one of emotions) {
    const bar = Math.ceil(((one.time - begin) / (end - begin)) * count) - 1;
    if (bar >= 0 && bar < count) bars[bar].push(one);
  }
  let before = emotions[0]?.time <= 1 ? emotions[0] : null; // which is about the time until then
  for (const [index, inside] of bars.entries()) {
    const start = begin + (index / count) * (end - begin);
    const known = inside.length ? inside : before && start < newest && newest - start < end - begin ? [before] : [];
    before = inside.at(-1) ?? before;
    const x = (index + 0.5) * (width / count);
    drawBar(context, x, height, start < newest ? known : [], theme);
  }
  return [begin, end];
}

function drawBar(context, x, height, inside, theme) {
  const mean = (name) => inside.reduce((sum, one) => sum + one[name], 0) / inside.length;
  const loudness = inside.length ? Math.min(1, Math.max(0, (mean("level") - QUIET) / (LOUD - QUIET))) : 0;
  const tall = inside.length ? Math.max(3, height * (0.12 + 0.88 * loudness)) : 3;
  context.fillStyle = inside.length
    ? css(colorOf(mean("valence"), mean("arousal")), inside.every((one) => one.is_silent) ? 0.3 : 1)
    : css(theme.foreground, 0.14);
  context.beginPath();
  context.roundRect(x - 1.25, (height - tall) / 2, 2.5, tall, 1.25);
  context.fill();
}

/** Draw one value of the last minute in the colors of the moods, as high as there is room, with a line at zero. */
export function drawCurve(canvas, emotions, name, seconds, theme) {
  const [context, width, height] = prepared(canvas);
  const newest = emotions.at(-1)?.time ?? 0;
  const [low, high] = reach(emotions.map((one) => one[name]));
  const level = (value) => 4 + ((high - value) / (high - low)) * (height - 8);
  const place = (one) => [width - 4 - ((newest - one.time) / seconds) * (width - 4), level(one[name])];
  context.fillStyle = css(theme.foreground, 0.16);
  context.fillRect(0, level(0) - 0.5, width, 1);
  if (emotions.length) fillToZero(context, emotions.map(place), level(0), css(shown(emotions.at(-1), theme), 0.14));
  context.lineWidth = 2;
  context.lineCap = "round";
  for (let index = 1; index < emotions.length; index++) {
    const [from, to] = [emotions[index - 1], emotions[index]];
    context.strokeStyle = css(shown(to, theme));
    context.beginPath();
    context.moveTo(...place(from));
    context.lineTo(...place(to));
    context.stroke();
  }
  if (!emotions.length) return;
  context.fillStyle = css(shown(emotions.at(-1), theme));
  context.beginPath();
  context.arc(...place(emotions.at(-1)), 3.5, 0, 2 * Math.PI);
  context.fill();
}

/** Return the lowest and the highest value of a curve's scale: zero and all values, but nothing is magnified without end. */
export function reach(values) {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const missing = Math.max(0, LEAST - (high - low));
  if (low === 0 && high === 0) return [-LEAST / 2, LEAST / 2];
  return high > -low ? [low, high + missing] : [low - missing, high];
}

/** Fill what lies between a curve and the line of zero. */
function fillToZero(context, places, zero, color) {
  if (places.length < 2) return;
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(places[0][0], zero);
  for (const place of places) context.lineTo(...place);
  context.lineTo(places.at(-1)[0], zero);
  context.fill();
}

/** Return the color of a thin line: stronger on a light background. */
function shown({ valence, arousal }, theme) {
  const color = colorOf(valence, arousal);
  return theme.isLight ? color.map((part) => part * 0.82) : color;
}
