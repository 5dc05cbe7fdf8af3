// The map: all songs as dots on the plane. The dots are painted once, on a layer larger than the screen; panning only
// shows another part of it. What moves lies on a second canvas above them.

import { Dots } from "./dots.js";
import { drawAxes, drawField, drawMarks } from "./drawing.js";
import { handle } from "./gestures.js";
import { onLookChange, vivid } from "./look.js";
import { View } from "./view.js";

const OVERSCAN = 0.25; // of the screen, on each side
const MOST_STRETCHED = 1.6; // that a layer is before it is painted anew
const REST = 120; // [ms]
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
    this.groundContext = this.below.getContext("2d", { alpha: false });
    this.marksContext = this.above.getContext("2d");
    this.dots = new Dots();
    this.layer = document.createElement("canvas");
    this.layerContext = this.layer.getContext("2d", { alpha: false });
    this.colors = new Uint8Array(0);
    this.painted = null; // where the layer lies
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

  // Return the dots that lie exactly where one does, itself among them: copies of one recording.
  copiesOf(dot) {
    const copies = [];
    for (let other = 0; other < this.count; other++)
      if (this.valence[other] === this.valence[dot] && this.arousal[other] === this.arousal[dot]) copies.push(other);
    return copies;
  }

  placeOf(dot) {
    return [this.valence[dot], this.arousal[dot]];
  }

  get radius() {
    const plain = this.count <= 500 ? 4.5 : this.count <= 3000 ? 3.4 : this.count <= 20000 ? 2.4 : 1.7;
    const room = Math.min(1.2, Math.sqrt(Math.min(this.view.width, this.view.height) / 700));
    return Math.min(8, room * plain * Math.max(1, this.view.magnification) ** 0.3);
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
    });
  }

  // Show the part of the layer that the view is on. While it zooms, that is stretched, and painted anew when it rests.
  drawGround() {
    const { view, ratio, groundContext: context } = this;
    if (!this.layerCovers()) this.paintLayer();
    const { valence, arousal, scale } = this.painted;
    const stretch = view.scale / scale;
    const { width, height } = this.layer;
    const left = view.x(valence) * ratio - (width / 2) * stretch;
    const top = view.y(arousal) * ratio - (height / 2) * stretch;
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (stretch === 1) context.drawImage(this.layer, Math.round(left), Math.round(top));
    else context.drawImage(this.layer, left, top, width * stretch, height * stretch);
    drawAxes(context, this);
    clearTimeout(this.resting);
    if (stretch !== 1) this.resting = setTimeout(() => this.repaint(), REST);
  }

  repaint() {
    this.painted = null;
    this.draw();
  }

  // Return whether the layer has all that is seen, and not much too large or small.
  layerCovers() {
    const { painted, view } = this;
    if (!painted) return false;
    const stretch = view.scale / painted.scale;
    if (stretch > MOST_STRETCHED || stretch < 1 / MOST_STRETCHED) return false;
    const reach = (0.5 + OVERSCAN) * stretch - 0.5;
    return (
      Math.abs(painted.valence - view.valence) * view.scale <= reach * view.width &&
      Math.abs(painted.arousal - view.arousal) * view.scale <= reach * view.height
    );
  }

  paintLayer() {
    const { view, ratio, count, layer } = this;
    const width = 2 * Math.round((0.5 + OVERSCAN) * view.width * ratio);
    const height = 2 * Math.round((0.5 + OVERSCAN) * view.height * ratio);
    if (layer.width !== width || layer.height !== height) [layer.width, layer.height] = [width, height];
    const xs = new Float32Array(count);
    const ys = new Float32Array(count);
    const scale = view.scale * ratio;
    const left = width / 2 - view.valence * scale;
    const top = height / 2 + view.arousal * scale;
    for (let dot = 0; dot < count; dot++) {
      xs[dot] = left + this.valence[dot] * scale;
      ys[dot] = top - this.arousal[dot] * scale;
    }
    drawField(this.layerContext, left, top, scale);
    this.dots.paint(xs, ys, this.colors, count, width, height, this.radius * ratio);
    this.layerContext.drawImage(this.dots.canvas, 0, 0);
    this.painted = { valence: view.valence, arousal: view.arousal, scale: view.scale };
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
