// Emotions in words, and times as people write them.

import { WORDS } from "./colors.js";

/** Return how sure the name of an emotion is, and the name: ["rather", "happy"]. */
export function moodOf({ quadrant, certainty }) {
  const [, words] = WORDS.find(([lowest]) => (certainty ?? 1) >= lowest);
  return [words.replace("{}", "").trim(), quadrant];
}

/** What to do when the server wants another token. */
export const REFUSED = "open the new link that the program prints";

/** Return a time as m:ss. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Return a value with its sign. */
export function signed(value) {
  const text = Math.abs(value).toFixed(2);
  return text === "0.00" ? text : `${value < 0 ? "\u2212" : "+"}${text}`;
}
