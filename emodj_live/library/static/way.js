// The playlist from here to there: two places on the plane, or moods of the collection, and the songs between them.

import { ask } from "./api.js";
import { fill, markPlaying } from "./lists.js";
import { clock } from "./words.js";

const PURPOSE = "From here to there: songs in even steps from one point of the plane to another.";
const ADVICE = ["Click where the playlist begins", "Now click where it leads"];

export class Way {
  constructor(find, play, onchange) {
    Object.assign(this, { find, play, onchange, songs: [], ends: [], isPicking: false });
    find("pick").addEventListener("click", () => (this.isPicking ? this.stop() : this.pick()));
    find("way").addEventListener("submit", (event) => event.preventDefault());
    for (const name of ["from", "to"]) find(name).addEventListener("change", () => this.chooseMood(name));
    find("minutes").addEventListener("change", () => this.fetch());
    find("play-all").addEventListener("click", () => this.songs.length && play(this.songs, 0));
  }

  // Say which moods can be chosen: for each, where it lies in this collection.
  offer(moods) {
    this.moods = moods;
    for (const name of ["from", "to"]) {
      for (const mood of Object.keys(moods)) this.find(name).append(new Option(mood, mood));
    }
  }

  pick() {
    this.isPicking = true;
    this.ends = [];
    this.songs = [];
    this.showList();
    for (const name of ["from", "to"]) this.find(name).value = "";
    this.advise();
  }

  stop() {
    this.isPicking = false;
    this.advise();
  }

  advise() {
    const hint = this.find("hint");
    hint.hidden = !this.isPicking;
    hint.textContent = this.isPicking ? ADVICE[this.ends.length] : "";
    this.find("pick").setAttribute("aria-pressed", this.isPicking);
    this.find("pick").textContent = this.isPicking ? "Cancel" : "Choose two points on the map";
    this.find("map").classList.toggle("is-picking", this.isPicking);
    this.onchange();
  }

  // Take a place that was clicked.
  take(point) {
    const inside = point.map((value) => Math.min(1, Math.max(-1, value)));
    this.ends.push({ point: inside, name: inside.map((value) => value.toFixed(3)).join(",") });
    if (this.ends.length === 2) this.isPicking = false;
    this.advise();
    this.fetch();
  }

  chooseMood(name) {
    const mood = this.find(name).value;
    const number = name === "from" ? 0 : 1;
    if (this.isPicking) this.ends = [];
    this.isPicking = false;
    if (mood) this.ends[number] = { point: this.moods[mood], name: mood };
    else delete this.ends[number];
    this.advise();
    this.fetch();
  }

  // Return what belongs on the map.
  get marks() {
    const places = this.songs.map((song) => [song.valence, song.arousal]);
    return { ends: this.ends.filter(Boolean).map((end) => end.point), path: places };
  }

  // Ask for the songs, if both ends are known.
  async fetch() {
    const [from, to] = this.ends;
    if (!from || !to) return;
    const parameters = { from: from.name, to: to.name, minutes: this.find("minutes").value };
    this.find("save").href = `/playlist.m3u8?${new URLSearchParams(parameters)}`;
    try {
      const { songs } = await ask("/playlist", parameters);
      if (from !== this.ends[0] || to !== this.ends[1]) return;
      this.songs = songs;
      this.showList();
    } catch (error) {
      this.songs = [];
      this.showList(error.message);
    }
  }

  showList(trouble = "") {
    const seconds = this.songs.reduce((sum, song) => sum + song.duration, 0);
    const count = this.songs.length === 1 ? "1 song" : `${this.songs.length} songs`;
    const note = this.find("playlist").querySelector(".note");
    note.textContent = trouble || (this.songs.length ? `${count}, ${clock(seconds)}` : PURPOSE);
    this.find("done").hidden = !this.songs.length;
    fill(this.find("playlist").querySelector("ol"), this.songs, (number) => this.play(this.songs, number), true);
    markPlaying(this.playing);
    this.onchange();
  }
}
