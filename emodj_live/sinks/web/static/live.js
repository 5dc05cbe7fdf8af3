// The live page: shows what is heard, while it is heard. Texts are set as text, never as HTML.

import { Glide } from "./glide.js";
import { colorOf, css, DARK, inkOf, onTheme, Plane } from "./plane.js";
import { follow } from "./stream.js";
import { drawCurve, drawStrip } from "./strip.js";
import { clock, moodOf, REFUSED, signed } from "./words.js";

const MINUTE = 60; // [s] of the curves
const SPREAD = [0.15, 0.15]; // of a model that does not know better
const ZOOMED = 0.5;
const FLOOR = -60; // [dBFS]

const $ = (id) => document.getElementById(id);
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
const plane = new Plane($("plane"));
const glide = new Glide();

let theme = DARK;
let song = []; // emotions of what is heard now, in the order of its time
let recent = []; // those of the last minute, in the order in which they came
let state = { title: "", length: null, spread: null };
let isAway = true;
let isRefused = false;
let isDrawn = false;

const now = () => performance.now() / 1000;
const key = (one) => `${one.source}\n${one.title}`;

/** Take an emotion into what is remembered. */
function remember(emotion) {
  const before = recent.at(-1);
  if (before && key(before) !== key(emotion)) [song, recent] = [[], []];
  if (before && emotion.time <= before.time) {
    recent = [];
    song = song.filter((one) => one.time < emotion.time - 0.01 || one.time > before.time);
    song.sort((a, b) => a.time - b.time);
  }
  recent.push(emotion);
  while (emotion.time - recent[0].time > MINUTE) recent.shift();
  const last = song.at(-1);
  if (!last || emotion.time > last.time) song.push(emotion);
  else song.splice(song.findIndex((one) => one.time >= emotion.time), 0, emotion);
  if (!before || key(before) !== key(emotion)) glide.forget();
}

function onEmotion(emotion) {
  remember(emotion);
  const point = [emotion.valence, emotion.arousal];
  if (isCalm.matches) glide.jump(point, emotion.time, now());
  else glide.move(point, emotion.time, now());
  show(emotion);
}

function onHistory(emotions) {
  [song, recent] = [[], []];
  glide.forget();
  for (const emotion of emotions) remember(emotion);
  const newest = emotions.at(-1);
  if (!newest) return;
  glide.jump([newest.valence, newest.arousal], newest.time, now());
  show(newest);
}

/** Show an emotion's values; the plane is drawn with the next frames. */
function show(emotion) {
  const [sure, word] = emotion.is_silent && !emotion.valence && !emotion.arousal ? ["", "silence"] : moodOf(emotion);
  setText("sure", sure);
  setText("word", word);
  setText("valence", signed(emotion.valence));
  setText("arousal", signed(emotion.arousal));
  setText("level", `${emotion.level.toFixed(1).replace("-", "\u2212")} dBFS${emotion.is_clipped ? ", clipped" : ""}`);
  setText("position", clock(emotion.time));
  $("meter").ariaValueNow = Math.max(FLOOR, Math.round(emotion.level));
  $("bar").style.transform = `scaleX(${Math.min(1, Math.max(0, 1 - emotion.level / FLOOR))})`;
  document.title = [`${sure} ${word}`.trim(), emotion.title].filter(Boolean).join(" \u00b7 ");
  const [valence, arousal] = [signed(emotion.valence), signed(emotion.arousal)];
  $("plane").ariaLabel = `Plane of moods: ${sure} ${word}, valence ${valence}, arousal ${arousal}`;
  paint(emotion);
  drawPictures();
  isDrawn = false;
}

function setText(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text; // so that nothing is read aloud twice
}

/** Give the page the colors of an emotion. */
function paint(emotion) {
  const style = document.documentElement.style;
  const ink = inkOf(emotion.valence, emotion.arousal, theme);
  style.setProperty("--mood", css(colorOf(emotion.valence, emotion.arousal)));
  style.setProperty("--ink", css(ink));
}

function drawPictures() {
  const [, end] = drawStrip($("strip"), song, state.length, theme);
  setText("length", state.length ? `${state.is_length_exact ? "" : "~"}${clock(end)}` : "");
  drawCurve($("valence-curve"), recent, "valence", MINUTE, theme);
  drawCurve($("arousal-curve"), recent, "arousal", MINUTE, theme);
}

function onState(news) {
  state = news;
  setText("title", news.title || "emodj-live");
  setText("place", news.count > 1 ? `${news.number} of ${news.count}` : "");
  showStatus();
  drawPictures();
  isDrawn = false;
}

function showStatus() {
  const texts = [
    [isRefused, REFUSED],
    [isAway && state.is_over, "the program has ended"],
    [isAway, "reconnecting …"],
    [state.alarm, state.alarm],
    [state.is_connected === false, "no sound arrives"],
    [state.is_paused, "paused"],
    [state.is_over, "ended"],
  ];
  const found = texts.find(([holds]) => holds);
  setText("status", found ? found[1] : "");
  document.body.classList.toggle("is-away", isAway && !state.is_over);
}

function frame() {
  const time = now();
  if (!isDrawn || !glide.isAtRest(time)) {
    const tail = isCalm.matches ? [] : glide.tail(time);
    plane.draw({ point: glide.at(time), tail, spread: state.spread ?? SPREAD });
    isDrawn = isCalm.matches || glide.isAtRest(time);
  }
  requestAnimationFrame(frame);
}

function toggleZoom() {
  plane.span = plane.span === 1 ? ZOOMED : 1;
  $("zoom").ariaPressed = String(plane.span !== 1);
}

function toggleFull() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

$("zoom").onclick = toggleZoom;
$("full").onclick = toggleFull;
$("full").hidden = !document.fullscreenEnabled;
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "z") toggleZoom();
  if (event.key === "f") toggleFull();
});

plane.onlayout = () => {
  isDrawn = false;
};
onTheme((wanted) => {
  theme = wanted;
  plane.theme = wanted;
  if (recent.length) paint(recent.at(-1));
  drawPictures();
});
new ResizeObserver(drawPictures).observe($("strip"));
new ResizeObserver(drawPictures).observe($("panel"));
follow({
  emotion: onEmotion,
  history: onHistory,
  state: onState,
  link: (isConnected, wantsToken = false) => {
    [isAway, isRefused] = [!isConnected, wantsToken];
    showStatus();
  },
});
requestAnimationFrame(frame);
