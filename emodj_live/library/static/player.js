// Plays one song after the other from a queue, and says where it is.

import { ask, whyNoAudio } from "./api.js";
import { Strip } from "./arc.js";
import { clock, signed } from "./words.js";

const PATIENCE = 2500; // [ms] how long a sentence about a song can be read before the next one begins

export class Player extends EventTarget {
  constructor(find) {
    super();
    this.find = find;
    this.audio = find("audio");
    this.strip = new Strip(find("strip"));
    this.queue = [];
    this.place = -1;
    this.heard = new Set();
    this.strip.addEventListener("seek", (event) => this.seek(event.detail));
    this.audio.addEventListener("ended", () => this.go(1, true));
    this.audio.addEventListener("error", () => this.explain());
    for (const kind of ["play", "pause", "playing", "loadedmetadata", "seeked", "timeupdate"]) {
      this.audio.addEventListener(kind, () => this.tell());
    }
    find("toggle").addEventListener("click", () => this.toggle());
    find("previous").addEventListener("click", () => this.go(-1));
    find("next").addEventListener("click", () => this.go(1));
    this.useMediaKeys();
  }

  get song() {
    return this.queue[this.place] ?? null;
  }

  get isPlaying() {
    return !this.audio.paused && !this.audio.ended;
  }

  // Play a song of a list, and then those after it.
  async play(queue, place) {
    this.queue = queue;
    this.place = place;
    const song = this.song;
    clearTimeout(this.waiting);
    this.heard.add(song.id);
    this.say("");
    this.find("player").classList.add("has-song");
    this.strip.show([], 0.5, song.duration);
    this.audio.src = `/songs/${song.id}/audio`;
    this.audio.play().catch(() => this.tell()); // why it does not play is told by the event "error"
    this.name(song);
    this.dispatchEvent(new CustomEvent("song", { detail: song }));
    try {
      const { points, step } = await ask(`/songs/${song.id}/arc`);
      if (this.song === song) this.strip.show(points, step, song.duration);
    } catch (error) {
      this.say(error.message);
    }
    this.tell();
  }

  // Play the next song or the one before; beyond the list's end, the nearest one that was not heard yet.
  async go(way, isByItself = false) {
    if (!this.song) return;
    if (way < 0 && (this.audio.currentTime > 3 || this.place === 0)) return this.seek(0);
    if (this.queue[this.place + way]) return this.play(this.queue, this.place + way);
    if (isByItself) return this.tell();
    try {
      const { songs } = await ask(`/songs/${this.song.id}/similar`, { n: 100 });
      const next = songs.find((song) => !this.heard.has(song.id));
      if (next) this.play([...this.queue.slice(0, this.place + 1), next], this.place + 1);
    } catch (error) {
      this.say(error.message);
    }
  }

  toggle() {
    if (!this.song) return;
    if (this.isPlaying) this.audio.pause();
    else this.audio.play().catch(() => this.tell());
  }

  seek(time) {
    if (!this.song || !this.audio.seekable.length) return;
    this.audio.currentTime = time;
    this.tell();
  }

  jump(seconds) {
    this.seek(Math.max(0, Math.min(this.audio.currentTime + seconds, this.strip.duration)));
  }

  // Say why a song cannot be played, and go on with the list.
  async explain() {
    const song = this.song;
    if (!song || !this.audio.error) return;
    const reason = await whyNoAudio(song.id);
    if (this.song !== song) return;
    this.say(reason || `${song.file}: this browser cannot decode it; play it with: emodj-library play --near ${song.id} -n 1`);
    this.tell();
    if (this.queue[this.place + 1]) this.waiting = setTimeout(() => this.go(1), PATIENCE);
  }

  say(sentence) {
    const trouble = this.find("trouble");
    trouble.textContent = sentence;
    trouble.hidden = !sentence;
  }

  name(song) {
    this.find("title").textContent = song.title ?? song.file;
    this.find("artist").textContent = [song.artist, song.album].filter(Boolean).join(" - ");
    this.find("mood").textContent = `${song.mood} overall`;
    this.find("values").textContent = `valence ${signed(song.valence)}, arousal ${signed(song.arousal)}`;
    document.title = `${song.name} - emodj-live`;
    if (!("mediaSession" in navigator)) return;
    const { name: title, artist, album } = song;
    navigator.mediaSession.metadata = new MediaMetadata({ title, artist: artist ?? "", album: album ?? "" });
  }

  tell() {
    const toggle = this.find("toggle");
    toggle.setAttribute("aria-label", this.isPlaying ? "Pause" : "Play");
    toggle.classList.toggle("is-playing", this.isPlaying);
    if (this.song) this.find("time").textContent = `${clock(this.audio.currentTime)} / ${clock(this.song.duration)}`;
    this.dispatchEvent(new CustomEvent("state"));
  }

  useMediaKeys() {
    if (!("mediaSession" in navigator)) return;
    navigator.mediaSession.setActionHandler("nexttrack", () => this.go(1));
    navigator.mediaSession.setActionHandler("previoustrack", () => this.go(-1));
  }
}
