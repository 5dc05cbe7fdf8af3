// Which part of the plane is on the screen: where its middle is, and how large. All lengths in CSS pixels.

const DEEPEST = 60; // times as large as when everything is shown
const WIDEST = 0.6;

export class View {
  constructor() {
    this.width = 1;
    this.height = 1;
    this.valence = 0;
    this.arousal = 0;
    this.scale = 200; // pixels for 1
    this.bounds = { left: -1, right: 1, bottom: -1, top: 1 };
    this.isWhole = true; // and stays so when the window's size changes
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    if (this.isWhole) this.showAll();
  }

  // Say where the songs lie.
  include(left, right, bottom, top) {
    this.bounds = { left, right, bottom, top };
    if (this.isWhole) this.showAll();
  }

  showAll() {
    const { left, right, bottom, top } = this.bounds;
    this.valence = (left + right) / 2;
    this.arousal = (bottom + top) / 2;
    this.scale = this.wholeScale;
    this.isWhole = true;
  }

  get wholeScale() {
    const { left, right, bottom, top } = this.bounds;
    const margin = Math.min(56, 0.1 * Math.min(this.width, this.height));
    const fit = Math.min((this.width - 2 * margin) / (right - left), (this.height - 2 * margin) / (top - bottom));
    return Math.max(10, fit);
  }

  get magnification() {
    return this.scale / this.wholeScale;
  }

  x(valence) {
    return this.width / 2 + (valence - this.valence) * this.scale;
  }

  y(arousal) {
    return this.height / 2 - (arousal - this.arousal) * this.scale;
  }

  pointAt(x, y) {
    return [this.valence + (x - this.width / 2) / this.scale, this.arousal - (y - this.height / 2) / this.scale];
  }

  pan(dx, dy) {
    this.isWhole = false;
    this.valence = clamp(this.valence - dx / this.scale, -1, 1);
    this.arousal = clamp(this.arousal + dy / this.scale, -1, 1);
  }

  // Zoom so that what lies at (x, y) stays there.
  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const [valence, arousal] = this.pointAt(x, y);
    const whole = this.wholeScale;
    this.isWhole = false;
    this.scale = clamp(this.scale * factor, WIDEST * whole, DEEPEST * whole);
    this.valence = clamp(valence - (x - this.width / 2) / this.scale, -1, 1);
    this.arousal = clamp(arousal + (y - this.height / 2) / this.scale, -1, 1);
  }

  show(valence, arousal) {
    const x = this.x(valence);
    const y = this.y(arousal);
    if (x > 20 && x < this.width - 20 && y > 20 && y < this.height - 20) return;
    this.isWhole = false;
    this.valence = valence;
    this.arousal = arousal;
  }
}

export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
