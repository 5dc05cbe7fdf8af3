// The overlay for a video mixer: any of plane, word, bar and color, as ?show= names them.

import { Glide } from "./glide.js";
import { colorOf, css, DARK, inkOf, Plane } from "./plane.js";
import { follow } from "./stream.js";
import { drawStrip } from "./strip.js";
import { moodOf, REFUSED } from "./words.js";

const PARTS = ["plane", "word", "bar", "color"];
const SPREAD = [0.15, 0.15];
const MINUTE = 60;

const $ = (id) => document.getElementById(id);
const asked = (new URLSearchParams(location.search).get("show") ?? "").split(",").map((part) => part.trim());
const known = PARTS.filter((part) => asked.includes(part));
const shown = known.length ? known : ["plane", "word"];
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
const glide = new Glide();
const now = () => performance.now() / 1000;

for (const part of shown) $(part).hidden = false;
$("color").classList.toggle("alone", shown.join() === "color");
const plane = shown.includes("plane") ? new Plane($("plane")) : null;
let spread = SPREAD;
let recent = [];

function remember(emotion) {
  const before = recent.at(-1);
  if (before && emotion.time <= before.time) recent = [];
  recent.push(emotion);
  while (emotion.time - recent[0].time > MINUTE) recent.shift();
}

function show(emotion) {
  const [sure, word] = moodOf(emotion);
  const small = document.createElement("small");
  small.textContent = sure ? `${sure} ` : "";
  if ($("word").textContent !== small.textContent + word) $("word").replaceChildren(small, word);
  $("word").style.color = css(inkOf(emotion.valence, emotion.arousal, DARK, 7));
  document.documentElement.style.setProperty("--mood", css(colorOf(emotion.valence, emotion.arousal)));
  if (shown.includes("bar")) {
    const begin = recent.at(-1).time - MINUTE;
    drawStrip($("bar"), recent.map((one) => ({ ...one, time: one.time - begin })), MINUTE, DARK);
  }
}

function frame() {
  const time = now();
  plane.draw({ point: glide.at(time), tail: isCalm.matches ? [] : glide.tail(time), spread });
  requestAnimationFrame(frame);
}

follow({
  emotion: (emotion) => {
    remember(emotion);
    const move = isCalm.matches ? "jump" : "move";
    glide[move]([emotion.valence, emotion.arousal], emotion.time, now());
    show(emotion);
  },
  history: (emotions) => {
    recent = [];
    for (const emotion of emotions) remember(emotion);
    const newest = emotions.at(-1);
    if (!newest) return;
    glide.jump([newest.valence, newest.arousal], newest.time, now());
    show(newest);
  },
  state: (state) => {
    spread = state.spread ?? SPREAD;
  },
  link: (_, isRefused = false) => {
    $("status").textContent = isRefused ? REFUSED : ""; // nothing else: a video should not show that it reconnects
  },
});
if (plane) requestAnimationFrame(frame);
