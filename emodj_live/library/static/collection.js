// The page of a collection: connects the map, the lists and the player.

import { ask, places } from "./api.js";
import { zoomBy } from "./gestures.js";
import { fill, markPlaying, Tabs, useArrows } from "./lists.js";
import { isStill } from "./look.js";
import { CollectionMap } from "./map.js";
import { Player } from "./player.js";
import { Way } from "./way.js";
import { signed } from "./words.js";

const find = (id) => document.getElementById(id);
const map = new CollectionMap(find("map"));
const player = new Player(find);
const lists = { found: [], similar: [] }; // what they show
const way = new Way(find, (songs, number) => player.play(songs, number), () => mark());
const tabs = new Tabs(document.querySelector(".tabs"), mark);
let size = 0; // of the collection
const known = new Map(); // songs that were asked for, by their numbers
window.collection = { map, player }; // for whoever measures

// ----------------------------------------------------------------------------------------------------------- the map

async function load() {
  try {
    const { songs, moods } = await ask("/collection");
    way.offer(moods);
    size = songs;
    for await (const portion of places()) map.add(portion);
    if (!songs) announce(await whyNone());
  } catch (error) {
    announce(error.message);
  }
}

// Say why the map is empty: lists have silent songs, too.
async function whyNone() {
  const { songs, has_more: hasMore } = await ask("/search");
  if (!songs.length) return "No songs yet; scan some with: emodj-library scan FOLDER, and reload this page.";
  if (songs.length === 1) return "1 song, silent: not on the map";
  return `${hasMore ? "More than " : ""}${songs.length} songs, all silent: not on the map`;
}

function announce(sentence) {
  find("hint").textContent = sentence;
  find("hint").hidden = false;
}

async function songOf(dot) {
  const id = map.ids[dot];
  if (!known.has(id)) known.set(id, await ask(`/songs/${id}`));
  return known.get(id);
}

let hovered = -1;
map.addEventListener("hover", async ({ detail }) => {
  if (detail.dot === hovered) return;
  hovered = detail.dot;
  map.mark({ hovered: hovered < 0 ? null : map.placeOf(hovered) });
  find("label").hidden = true;
  if (hovered < 0) return;
  const dot = hovered;
  await new Promise((after) => setTimeout(after, 60));
  if (dot !== hovered) return;
  const song = await songOf(dot).catch(() => null);
  if (song && dot === hovered) showLabel(song);
});

map.addEventListener("leave", () => {
  hovered = -1;
  find("label").hidden = true;
  map.mark({ hovered: null });
});

function showLabel(song) {
  const label = find("label");
  label.textContent = `${song.name}\n${song.mood}, valence ${signed(song.valence)}, arousal ${signed(song.arousal)}`;
  label.hidden = false;
  const [x, y] = [map.view.x(song.valence), map.view.y(song.arousal)];
  const { offsetWidth: width, offsetHeight: height } = label;
  label.style.left = `${Math.max(8, Math.min(map.view.width - width - 8, x - width / 2))}px`;
  label.style.top = `${y - height - 16 > 8 ? y - height - 16 : y + 16}px`;
}

let chosen = -1; // on the map, the last time
map.addEventListener("choose", async ({ detail }) => {
  if (way.isPicking) return way.take(detail.point);
  if (detail.dot < 0) return;
  const copies = map.copiesOf(detail.dot);
  chosen = copies[(copies.indexOf(chosen) + 1) % copies.length]; // the next one below, if one of them was chosen
  try {
    player.play([await songOf(chosen)], 0);
  } catch (error) {
    player.say(error.message);
  }
});

document.querySelectorAll("[data-zoom]").forEach((button) => {
  button.addEventListener("click", () => zoomBy(map, button.dataset.zoom));
});

// Mark on the map what the list that is shown has.
function mark(shown = tabs.shown) {
  const songs = lists[shown] ?? [];
  const near = songs.map((song) => [song.valence, song.arousal]);
  map.mark({ near, ...(shown === "playlist" ? way.marks : { ends: [], path: [] }) });
}

// ------------------------------------------------------------------------------------------------------------- search

let asking = null;
let waiting = 0;

async function search() {
  asking?.abort();
  asking = new AbortController();
  const words = find("words").value.trim();
  const panel = find("found");
  try {
    const { songs, has_more: hasMore } = await ask("/search", { q: words }, { signal: asking.signal });
    fill(panel.querySelector("ol"), songs, (number) => player.play([songs[number]], 0));
    panel.classList.remove("is-old");
    panel.querySelector(".note").textContent = told(words, songs.length, hasMore);
    lists.found = words ? songs : [];
    mark();
    markPlaying(player.song?.id);
  } catch (error) {
    if (error.name === "AbortError") return;
    panel.querySelector(".note").textContent = error.message;
    panel.classList.add("is-old"); // the songs below are an answer to other words
    lists.found = [];
    mark();
  }
}

function told(words, count, hasMore) {
  if (!words) return hasMore ? `The first ${count} of ${size.toLocaleString("en")}, by artist` : "";
  if (!count) return "Nothing has these words.";
  return hasMore ? `The first ${count}; more words find fewer` : `${count} found`;
}

find("words").addEventListener("input", () => {
  tabs.show("found");
  clearTimeout(waiting);
  waiting = setTimeout(search, 120);
});
find("search").addEventListener("submit", (event) => {
  event.preventDefault();
  find("found").querySelector("button.song")?.focus();
});
find("words").addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown") return;
  event.preventDefault();
  find("found").querySelector("button.song")?.focus();
});

// --------------------------------------------------------------------------------------------------------- the player

player.addEventListener("song", async ({ detail: song }) => {
  const place = [song.valence, song.arousal];
  way.playing = song.id;
  map.view.show(...place);
  map.mark({ chosen: place, playing: null });
  map.draw();
  markPlaying(song.id);
  const panel = find("similar");
  try {
    const { songs } = await ask(`/songs/${song.id}/similar`);
    if (player.song !== song) return;
    panel.querySelector(".note").textContent = `Nearest to ${song.title ?? song.file}`;
    fill(panel.querySelector("ol"), songs, (number) => player.play([songs[number]], 0));
    lists.similar = songs;
    mark();
  } catch (error) {
    panel.querySelector(".note").textContent = error.message;
  }
});

let following = 0;
player.addEventListener("state", () => {
  follow();
  if (!following && player.isPlaying) following = requestAnimationFrame(step);
});

function step() {
  following = 0;
  follow();
  if (player.isPlaying) following = requestAnimationFrame(step);
}

// Show where the song is now.
function follow() {
  const time = player.audio.currentTime;
  player.strip.move(time);
  const moment = isStill() ? Math.floor(time / player.strip.step) * player.strip.step : time;
  const point = player.song && player.strip.points.length ? player.strip.pointAt(moment) : null;
  map.mark({ playing: point && { point, tail: isStill() ? [] : player.strip.tail(moment) } });
}

// --------------------------------------------------------------------------------------------------------------- keys

for (const panel of document.querySelectorAll("[role=tabpanel]")) useArrows(panel);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && way.isPicking) return way.stop();
  const isTyping = event.target.matches("input, select");
  const isPressing = event.target.matches("button, a");
  const keys = {
    "/": () => find("words").focus(),
    n: () => player.go(1),
    p: () => player.go(-1),
    "+": () => zoomBy(map, "in"),
    "=": () => zoomBy(map, "in"),
    "-": () => zoomBy(map, "out"),
    0: () => zoomBy(map, "all"),
    ArrowLeft: () => player.jump(-10),
    ArrowRight: () => player.jump(10),
  };
  if (!isPressing) keys[" "] = () => player.toggle();
  if (isTyping || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

await load();
await search();
document.documentElement.dataset.ready = "yes";
