// What is drawn below the dots (the plane) and above them (everything that is chosen, near, played or planned).

import { colorAt, isStill, QUADRANTS } from "./look.js";

const TURN = 2 * Math.PI;

export function drawGround(context, { view, ratio, look }) {
  const { width, height } = view;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = look.ground;
  context.fillRect(0, 0, width, height);
  const [left, right] = [view.x(-1), view.x(1)];
  const [top, bottom] = [view.y(1), view.y(-1)];
  const [x, y] = [view.x(0), view.y(0)];
  for (const quadrant of QUADRANTS) {
    const edge = quadrant.valence > 0 ? right : left;
    const side = quadrant.arousal > 0 ? top : bottom;
    context.fillStyle = quadrant.color;
    context.globalAlpha = look.isDark ? 0.055 : 0.085;
    context.fillRect(Math.min(x, edge), Math.min(y, side), Math.abs(edge - x), Math.abs(side - y));
  }
  context.globalAlpha = 1;
  context.strokeStyle = look.line;
  context.lineWidth = 1;
  context.beginPath();
  line(context, left, y, right, y);
  line(context, x, top, x, bottom);
  context.stroke();
  context.strokeRect(Math.round(left) + 0.5, Math.round(top) + 0.5, right - left, bottom - top);
  drawWords(context, view, look, { left, right, top, bottom, x, y });
}

// Write the moods into the outer corners of what is seen of their quadrants, and the axes at their ends.
function drawWords(context, view, look, edges) {
  const seen = {
    left: Math.max(0, edges.left) + 16,
    right: Math.min(view.width, edges.right) - 16,
    top: Math.max(0, edges.top) + 16,
    bottom: Math.min(view.height, edges.bottom) - 16,
  };
  const size = Math.max(13, Math.min(20, view.width / 42));
  context.font = `600 ${size}px ${look.font}`;
  for (const quadrant of QUADRANTS) {
    const isRight = quadrant.valence > 0;
    const isTop = quadrant.arousal > 0;
    const room = isRight ? seen.right - Math.max(edges.x, seen.left) : Math.min(edges.x, seen.right) - seen.left;
    const depth = isTop ? Math.min(edges.y, seen.bottom) - seen.top : seen.bottom - Math.max(edges.y, seen.top);
    if (room < 70 || depth < 40) continue;
    context.fillStyle = colorAt(quadrant.valence, quadrant.arousal);
    context.globalAlpha = 0.9;
    context.textAlign = isRight ? "right" : "left";
    context.textBaseline = isTop ? "top" : "bottom";
    context.fillText(quadrant.name, isRight ? seen.right : seen.left, isTop ? seen.top : seen.bottom);
  }
  context.globalAlpha = 1;
  context.fillStyle = look.faint;
  context.font = `12px ${look.font}`;
  if (edges.y > seen.top + 40 && edges.y < seen.bottom - 40) {
    context.textBaseline = "bottom";
    context.textAlign = "right";
    context.fillText("pleasant →", seen.right, edges.y - 5);
    context.textAlign = "left";
    context.fillText("← unpleasant", seen.left, edges.y - 5);
  }
  if (edges.x > seen.left + 60 && edges.x < seen.right - 90) {
    context.textAlign = "left";
    context.textBaseline = "top";
    context.fillText("↑ excited", edges.x + 7, seen.top);
    context.textBaseline = "bottom";
    context.fillText("↓ calm", edges.x + 7, seen.bottom);
  }
}

export function drawMarks(context, map) {
  const { view, ratio, marks, look } = map;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, view.width, view.height);
  const at = ([valence, arousal]) => [view.x(valence), view.y(arousal)];
  drawWay(context, marks, at, map);
  for (const point of marks.near) ring(context, at(point), map.radius + 3, look.ink, 1.25);
  if (marks.hovered) ring(context, at(marks.hovered), map.radius + 4, look.ink, 1.5);
  if (marks.chosen && !marks.playing) ring(context, at(marks.chosen), map.radius + 6, look.ink, 2);
  if (marks.playing) drawPlaying(context, marks, at, map);
  marks.ends.forEach((end, number) => drawEnd(context, at(end), "AB"[number], look));
  if (marks.cross) drawCross(context, at(marks.cross), look);
}

// Draw the songs of a playlist in their order, and the straight way that they follow.
function drawWay(context, marks, at, { look, radius }) {
  context.strokeStyle = look.ink;
  if (marks.ends.length === 2) {
    context.globalAlpha = 0.35;
    context.lineWidth = 1.5;
    context.setLineDash([2, 6]);
    trace(context, marks.ends.map(at));
    context.setLineDash([]);
  }
  context.globalAlpha = 0.55;
  context.lineWidth = 1.25;
  trace(context, marks.path.map(at));
  context.globalAlpha = 1;
  for (const point of marks.path) {
    disc(context, at(point), radius + 2.5, colorAt(...point));
    ring(context, at(point), radius + 2.5, look.ink, 1.25);
  }
}

// Draw where the song is at this moment, with a tail of the last seconds, and a line to where it is on the whole.
function drawPlaying(context, marks, at, { look, radius }) {
  const { point, tail } = marks.playing;
  const color = colorAt(...point);
  if (marks.chosen) {
    context.globalAlpha = 0.5;
    context.strokeStyle = look.ink;
    context.lineWidth = 1;
    context.setLineDash([1, 4]);
    trace(context, [at(marks.chosen), at(point)]);
    context.setLineDash([]);
    context.globalAlpha = 1;
    ring(context, at(marks.chosen), radius + 5, look.ink, 2);
  }
  context.lineCap = "round";
  for (let part = 1; part < tail.length; part++) {
    context.globalAlpha = 0.75 * (part / tail.length);
    context.strokeStyle = colorAt(...tail[part]);
    context.lineWidth = 1.5 + 3 * (part / tail.length);
    trace(context, [at(tail[part - 1]), at(tail[part])]);
  }
  context.lineCap = "butt";
  const place = at(point);
  if (!isStill()) {
    context.globalAlpha = 0.22;
    disc(context, place, 20, color);
    context.globalAlpha = 0.3;
    disc(context, place, 14, color);
  }
  context.globalAlpha = 1;
  disc(context, place, 8, color);
  ring(context, place, 8, look.ground, 2);
  ring(context, place, 9.5, look.ink, 1);
}

function drawEnd(context, [x, y], letter, look) {
  disc(context, [x, y], 10, look.ink);
  context.fillStyle = look.ground;
  context.font = `700 12px ${look.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(letter, x, y + 0.5);
}

function drawCross(context, [x, y], look) {
  context.strokeStyle = look.ink;
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
