// Colors of the map and the strip in light and in dark: those of the plane, but told apart where songs lie.

import { colorOf, css, DARK, inkOf, onTheme } from "./plane.js";

const VIVID = 2.2; // songs are near the middle, where colors are faint; colors are taken so much farther out
const STRONGER = 0.82; // colors on a light ground

const still = matchMedia("(prefers-reduced-motion: reduce)");
let theme = DARK;
const listeners = [];

onTheme((chosen) => {
  theme = chosen;
  for (const call of listeners) call();
});

export const isStill = () => still.matches;
export const themeNow = () => theme;
export const onLookChange = (call) => listeners.push(call);

/** Return red, green and blue of a song's dot. */
export function vivid(valence, arousal) {
  const color = colorOf(VIVID * valence, VIVID * arousal);
  return theme.isLight ? color.map((part) => part * STRONGER) : color;
}

export function colorAt(valence, arousal, alpha = 1) {
  return css(vivid(valence, arousal), alpha);
}

/** Return the color of a mood's name, which can be read on the ground. */
export function wordColor(valence, arousal) {
  return css(inkOf(0.5 * valence, 0.5 * arousal, theme));
}

/** Return a song's color, made so strong that it can be read on the ground. */
export function readable(valence, arousal) {
  return css(inkOf(VIVID * valence, VIVID * arousal, theme));
}

/** Return the ink of lines and rings, so strong. */
export function ink(alpha = 1) {
  return css(theme.foreground, alpha);
}

export function ground(alpha = 1) {
  return css(theme.background, alpha);
}
