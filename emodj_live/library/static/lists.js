// Lists of songs, and the tabs that they lie behind. Whatever a file says of itself is text, never markup.

import { colorAt, readable } from "./look.js";
import { clock } from "./words.js";

// Show songs in a list; `choose` gets the number of the one that is clicked.
export function fill(list, songs, choose, isNumbered = false) {
  list.replaceChildren(
    ...songs.map((song, number) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "song";
      button.dataset.song = song.id;
      const dot = element("span", "dot", isNumbered ? String(number + 1) : "");
      if (isNumbered) dot.style.color = readable(song.valence, song.arousal);
      else dot.style.backgroundColor = colorAt(song.valence, song.arousal);
      const second = [song.artist, song.album].filter(Boolean).join(" - ") || (song.title ? song.file : song.mood);
      const names = element("span", "names");
      names.append(element("span", "title", song.title ?? song.file), element("span", "artist", second));
      button.append(dot, names, element("span", "length", clock(song.duration)));
      button.addEventListener("click", () => choose(number));
      item.append(button);
      return item;
    }),
  );
}

// Mark the song that plays, in every list.
export function markPlaying(id) {
  for (const button of document.querySelectorAll("button.song")) {
    const isIt = button.dataset.song === String(id);
    button.toggleAttribute("aria-current", isIt);
    if (isIt) button.setAttribute("aria-current", "true");
  }
}

// Let the arrow keys go up and down in a list.
export function useArrows(panel) {
  panel.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...panel.querySelectorAll("button.song")];
    const place = buttons.indexOf(document.activeElement);
    if (!step || place < 0) return;
    event.preventDefault();
    event.stopPropagation();
    buttons[Math.min(buttons.length - 1, Math.max(0, place + step))].focus();
  });
}

export class Tabs {
  constructor(bar, onshow) {
    this.onshow = onshow;
    this.tabs = [...bar.querySelectorAll("[role=tab]")];
    for (const tab of this.tabs) tab.addEventListener("click", () => this.show(tab.getAttribute("aria-controls")));
    bar.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const place = this.tabs.indexOf(document.activeElement);
      const tab = this.tabs[(place + step + this.tabs.length) % this.tabs.length];
      this.show(tab.getAttribute("aria-controls"));
      tab.focus();
    });
    this.show(this.tabs[0].getAttribute("aria-controls"));
  }

  show(name) {
    for (const tab of this.tabs) {
      const panel = tab.getAttribute("aria-controls");
      tab.setAttribute("aria-selected", panel === name);
      tab.tabIndex = panel === name ? 0 : -1;
      document.getElementById(panel).hidden = panel !== name;
    }
    this.shown = name;
    this.onshow(name);
  }
}

function element(kind, name, text = "") {
  const made = document.createElement(kind);
  made.className = name;
  made.textContent = text;
  return made;
}
