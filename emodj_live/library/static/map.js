// The map: all songs as dots on the plane. The dots are painted once, on a layer larger than the screen; panning only
// shows another part of it. What moves lies on a second canvas above them.

import { Dots } from "./dots.js";
import { drawGround, drawMarks } from "./drawing.js";
import { handle } from "./gestures.js";
import { onLookChange, vivid } from "./look.js";
import { View } from "./view.js";

const OVERSCAN = 0.2; // of the screen, on each side
const NEAR = 14; // [px] from a dot that is pointed at

export class CollectionMap extends EventTarget {
  constructor(section) {
    super();
    this.view = new View();
    this.marks = { near: [], path: [], ends: [], chosen: null, hovered: null, cross: null, playing: null };
    this.count = 0;
    this.ids = new Int32Array(0);
    this.valence = new Float32Array(0);
    this.arousal = new Float32Array(0);
    [this.below, this.above] = section.querySelectorAll("canvas");
    this.groundContext = this.below.getContext("2d");
    this.marksContext = this.above.getContext("2d");
    this.layer = new Dots();
    this.colors = new Uint8Array(0);
    this.painted = null; // where the layer lies
    this.frames = 0; // that were drawn, for whoever measures
    this.isDue = { ground: true, marks: true };
    new ResizeObserver(() => this.fit(section)).observe(section);
    onLookChange(() => this.recolor());
    handle(this, this.above);
    this.fit(section);
  }

  fit(section) {
    const { width, height } = section.getBoundingClientRect();
    this.ratio = Math.min(3, window.devicePixelRatio || 1);
    for (const canvas of [this.below, this.above]) {
      canvas.width = Math.round(width * this.ratio);
      canvas.height = Math.round(height * this.ratio);
    }
    this.view.resize(Math.max(1, width), Math.max(1, height));
    this.painted = null;
    this.draw();
  }

  // Add songs, given as columns.
  add({ ids, valence, arousal }) {
    this.ids = joined(Float64Array, this.ids, ids);
    this.valence = joined(Float32Array, this.valence, valence);
    this.arousal = joined(Float32Array, this.arousal, arousal);
    this.count = this.ids.length;
    this.view.include(...reachOf(this.valence, this.arousal));
    this.recolor();
  }

  recolor() {
    this.colors = new Uint8Array(3 * this.count);
    for (let dot = 0; dot < this.count; dot++) this.colors.set(vivid(this.valence[dot], this.arousal[dot]), 3 * dot);
    this.painted = null;
    this.draw();
  }

  // Return the number in the arrays of the dot nearest to a place on the screen; -1 if there is none so near.
  dotAt(x, y, near = NEAR) {
    const [valence, arousal] = this.view.pointAt(x, y);
    let [found, least] = [-1, (near / this.view.scale) ** 2];
    for (let dot = 0; dot < this.count; dot++) {
      const square = (this.valence[dot] - valence) ** 2 + (this.arousal[dot] - arousal) ** 2;
      if (square < least) [found, least] = [dot, square];
    }
    return found;
  }

  placeOf(dot) {
    return [this.valence[dot], this.arousal[dot]];
  }

  get radius() {
    const plain = this.count <= 500 ? 4.5 : this.count <= 3000 ? 3.4 : this.count <= 20000 ? 2.4 : 1.7;
    return Math.min(8, plain * Math.max(1, this.view.magnification) ** 0.3);
  }

  // Show other marks than before: those that are named.
  mark(changes) {
    Object.assign(this.marks, changes);
    this.draw(false);
  }

  // Draw at the next frame: everything, or only the marks.
  draw(isAll = true) {
    this.isDue.ground ||= isAll;
    if (this.request) return;
    this.request = requestAnimationFrame(() => {
      this.request = null;
      if (this.isDue.ground) this.drawGround();
      this.isDue.ground = false;
      drawMarks(this.marksContext, this);
      this.frames++;
    });
  }

  drawGround() {
    const context = this.groundContext;
    drawGround(context, this);
    if (!this.layerFits()) this.paintLayer();
    const { x, y } = this.painted;
    const left = Math.round((this.view.x(x) - this.view.x(0)) * this.ratio);
    const top = Math.round((this.view.y(y) - this.view.y(0)) * this.ratio);
    const middle = [this.view.x(0) * this.ratio, this.view.y(0) * this.ratio].map(Math.round);
    const { width, height } = this.layer.canvas;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.layer.canvas, middle[0] + left - Math.round(width / 2), middle[1] + top - Math.round(height / 2));
  }

  layerFits() {
    const painted = this.painted;
    if (!painted || painted.scale !== this.view.scale) return false;
    const reach = OVERSCAN - 0.01;
    return (
      Math.abs(painted.x - this.view.valence) * this.view.scale < reach * this.view.width &&
      Math.abs(painted.y - this.view.arousal) * this.view.scale < reach * this.view.height
    );
  }

  paintLayer() {
    const { view, ratio, count } = this;
    const width = Math.round((1 + 2 * OVERSCAN) * view.width * ratio);
    const height = Math.round((1 + 2 * OVERSCAN) * view.height * ratio);
    const xs = new Float32Array(count);
    const ys = new Float32Array(count);
    const scale = view.scale * ratio;
    const left = Math.round(width / 2) - view.valence * scale;
    const top = Math.round(height / 2) + view.arousal * scale;
    for (let dot = 0; dot < count; dot++) {
      xs[dot] = left + this.valence[dot] * scale;
      ys[dot] = top - this.arousal[dot] * scale;
    }
    this.layer.paint(xs, ys, this.colors, count, width, height, this.radius * ratio);
    this.painted = { x: view.valence, y: view.arousal, scale: view.scale };
  }
}

function joined(Kind, before, more) {
  const all = new Kind(before.length + more.length);
  all.set(before);
  all.set(more, before.length);
  return all;
}

// Return left, right, bottom and top of what is shown at first: all songs, and the middle of the plane.
function reachOf(valence, arousal) {
  let [left, right, bottom, top] = [-0.1, 0.1, -0.1, 0.1];
  for (let dot = 0; dot < valence.length; dot++) {
    left = Math.min(left, valence[dot]);
    right = Math.max(right, valence[dot]);
    bottom = Math.min(bottom, arousal[dot]);
    top = Math.max(top, arousal[dot]);
  }
  return [left, right, bottom, top];
}
