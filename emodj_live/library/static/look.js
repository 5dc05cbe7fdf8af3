// Colors of the map and the strip, in light and in dark.

import { COLORS, QUADRANTS, SIZE } from "./colors.js";

export { QUADRANTS };

const VIVID = 2.5; // songs are near the middle, where colors are faint; colors are taken so much farther out
const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

export const isStill = () => still.matches;
export const onLookChange = (call) => dark.addEventListener("change", call);

const lattice = new Float32Array(3 * SIZE * SIZE);
for (let place = 0; place < lattice.length; place++) {
  lattice[place] = parseInt(COLORS.slice(2 * place, 2 * place + 2), 16);
}

// Write red, green and blue of a point into an array. On a light ground colors are darker, so that they can be seen.
export function paintInto(colors, place, valence, arousal) {
  const x = along(VIVID * valence);
  const y = along(VIVID * arousal);
  const left = Math.min(SIZE - 2, Math.floor(x));
  const low = Math.min(SIZE - 2, Math.floor(y));
  const [right, top] = [x - left, y - low];
  const start = 3 * (low * SIZE + left);
  const light = dark.matches ? 1 : 0.82;
  for (let part = 0; part < 3; part++) {
    const below = lattice[start + part] * (1 - right) + lattice[start + 3 + part] * right;
    const above = lattice[start + 3 * SIZE + part] * (1 - right) + lattice[start + 3 * SIZE + 3 + part] * right;
    colors[place + part] = light * (below * (1 - top) + above * top);
  }
}

const one = new Uint8Array(3);

export function colorAt(valence, arousal) {
  paintInto(one, 0, valence, arousal);
  return `rgb(${one[0]}, ${one[1]}, ${one[2]})`;
}

export function tokens() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  return {
    ground: value("--map"),
    line: value("--map-line"),
    ink: value("--ink"),
    faint: value("--faint"),
    font: getComputedStyle(document.body).fontFamily,
    isDark: dark.matches,
  };
}

function along(value) {
  return ((Math.min(1, Math.max(-1, value)) + 1) / 2) * (SIZE - 1);
}
