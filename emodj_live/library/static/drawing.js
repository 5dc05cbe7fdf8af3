// What is drawn below the dots (the plane) and above them (everything that is chosen, near, played or planned).

import { QUADRANTS } from "./colors.js";
import { colorAt, ground, ink, isStill, themeNow, wordColor } from "./look.js";
import { blend, colorOf, FINE, fitted, paint } from "./plane.js";

const TURN = 2 * Math.PI;
const MANY = 40; // songs
const FONT = "system-ui, sans-serif";
const NAMES = [
  { text: "pleasant", x: 1, y: 0 },
  { text: "unpleasant", x: -1, y: 0 },
  { text: "excited", x: 0, y: 1 },
  { text: "calm", x: 0, y: -1 },
];

const field = document.createElement("canvas");

// Fill a canvas with the soft field of the moods' colors, whose middle is at (x, y), for so many pixels for 1.
export function drawField(context, x, y, scale) {
  const { width, height } = context.canvas;
  const strength = themeNow().isLight ? 0.26 : 0.17;
  const [right, up] = [width / 2 / scale, height / 2 / scale]; // from the canvas's middle to its edges
  const [valence, arousal] = [right - x / scale, y / scale - up]; // of its middle
  paint(field, fitted(width, height, FINE), (toRight, toTop) => {
    const color = colorOf(valence + right * toRight, arousal + up * toTop);
    return [blend(themeNow().background, color, strength), 1];
  });
  context.drawImage(field, 0, 0, width, height);
}

export function drawAxes(context, { view, ratio }) {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const [x, y] = [view.x(0), view.y(0)];
  context.strokeStyle = ink(0.2);
  context.lineWidth = 1;
  context.beginPath();
  line(context, 0, y, view.width, y);
  line(context, x, 0, x, view.height);
  context.stroke();
  drawWords(context, view, x, y);
}

// Write the moods into the outer corners of what is seen of their quadrants, and the axes' names at their ends.
function drawWords(context, view, middle, level) {
  const margin = Math.max(10, Math.min(20, view.width / 40));
  const seen = { left: margin, right: view.width - margin, top: margin, bottom: view.height - margin };
  context.font = `600 ${Math.max(14, Math.min(22, view.width / 40))}px ${FONT}`;
  for (const { name, valence, arousal } of QUADRANTS) {
    const room = valence > 0 ? seen.right - middle : middle - seen.left;
    const depth = arousal > 0 ? level - seen.top : seen.bottom - level;
    if (room < 80 || depth < 40) continue;
    context.fillStyle = wordColor(valence, arousal);
    write(context, name, valence > 0 ? seen.right : seen.left, arousal > 0 ? seen.top : seen.bottom, valence, arousal);
  }
  context.font = `12px ${FONT}`;
  context.fillStyle = ink(0.62);
  for (const { text, x, y } of NAMES) {
    const isAcross = x !== 0;
    const isSeen = isAcross
      ? level > seen.top + 50 && level < seen.bottom - 50
      : middle > seen.left + 90 && middle < seen.right - 150;
    if (!isSeen) continue;
    if (isAcross) write(context, text, x > 0 ? seen.right : seen.left, level - 5, x, -1);
    else write(context, text, middle + 7, y > 0 ? seen.top : seen.bottom, -1, y);
  }
}

// Write a text so that it ends at a place on the right or at the top, or begins there.
function write(context, text, x, y, right, top) {
  context.textAlign = right > 0 ? "right" : "left";
  context.textBaseline = top > 0 ? "top" : "bottom";
  context.fillText(text, x, y);
}

export function drawMarks(context, map) {
  const { view, ratio, marks, radius } = map;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, view.width, view.height);
  const at = ([valence, arousal]) => [view.x(valence), view.y(arousal)];
  drawWay(context, marks, at, radius);
  for (const point of marks.near) ring(context, at(point), radius + 2, ink(marks.near.length > MANY ? 0.6 : 1), 1.25);
  if (marks.hovered) ring(context, at(marks.hovered), radius + 4, ink(), 1.5);
  if (marks.chosen) ring(context, at(marks.chosen), radius + 5, ink(), 2);
  if (marks.playing) drawPlaying(context, marks, at);
  marks.ends.forEach((end, number) => drawEnd(context, at(end), "AB"[number]));
  if (marks.cross) drawCross(context, at(marks.cross));
}

// Draw the songs of a playlist in their order, and the straight way that they follow.
function drawWay(context, marks, at, radius) {
  if (marks.ends.length === 2) {
    context.strokeStyle = ink(0.4);
    context.lineWidth = 1.5;
    context.setLineDash([2, 6]);
    trace(context, marks.ends.map(at));
    context.setLineDash([]);
  }
  context.strokeStyle = ink(0.55);
  context.lineWidth = 1.25;
  trace(context, marks.path.map(at));
  const larger = marks.path.length > MANY ? 0.5 : 2;
  for (const point of marks.path) {
    disc(context, at(point), radius + larger, colorAt(...point));
    ring(context, at(point), radius + larger, ink(), 1.25);
  }
}

// Draw where the song is at this moment, with a tail of the last seconds, and a line to where it is on the whole.
function drawPlaying(context, { playing, chosen }, at) {
  const { point, tail } = playing;
  const place = at(point);
  if (chosen) {
    context.strokeStyle = ink(0.45);
    context.lineWidth = 1;
    context.setLineDash([1, 4]);
    trace(context, [at(chosen), place]);
    context.setLineDash([]);
  }
  context.lineCap = "round";
  for (let part = 1; part < tail.length; part++) {
    const rest = part / tail.length;
    context.strokeStyle = colorAt(...tail[part], 0.85 * rest ** 1.3);
    context.lineWidth = 2 + 7 * rest;
    trace(context, [at(tail[part - 1]), at(tail[part])]);
  }
  context.lineCap = "butt";
  if (!isStill()) glow(context, place, point);
  disc(context, place, 8, ink());
  disc(context, place, 5, colorAt(...point));
}

function glow(context, [x, y], point) {
  const light = context.createRadialGradient(x, y, 0, x, y, 36);
  light.addColorStop(0, colorAt(...point, 0.6));
  light.addColorStop(1, colorAt(...point, 0));
  context.fillStyle = light;
  context.fillRect(x - 36, y - 36, 72, 72);
}

function drawEnd(context, [x, y], letter) {
  disc(context, [x, y], 11, ink());
  context.fillStyle = ground();
  context.font = `700 13px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(letter, x, y + 0.5);
}

function drawCross(context, [x, y]) {
  context.strokeStyle = ink();
  context.lineWidth = 1.5;
  context.beginPath();
  for (const way of [-1, 1]) {
    line(context, x + 5 * way, y, x + 14 * way, y);
    line(context, x, y + 5 * way, x, y + 14 * way);
  }
  context.stroke();
}

function line(context, fromX, fromY, toX, toY) {
  context.moveTo(Math.round(fromX) + 0.5, Math.round(fromY) + 0.5);
  context.lineTo(Math.round(toX) + 0.5, Math.round(toY) + 0.5);
}

function trace(context, places) {
  if (places.length < 2) return;
  context.beginPath();
  places.forEach(([x, y], number) => (number ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

function disc(context, [x, y], radius, color) {
  context.fillStyle = color;
  context.beginPath();
  context.arc(x, y, radius, 0, TURN);
  context.fill();
}

function ring(context, [x, y], radius, color, width) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.beginPath();
  context.arc(x, y, radius, 0, TURN);
  context.stroke();
}
