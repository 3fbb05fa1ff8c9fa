// What was found in pictures, drawn over the small ones of a gallery.

import { ask, attempt, el } from "./studio.js";
import { drawn } from "./picture.js";

const MOST = 200;
const WORDS = 3;

/** The classes of some shapes with their numbers, the most frequent first. */
function counts(shapes) {
  const found = new Map();
  for (const one of shapes) {
    const name = `${one.origin === "imputed" ? "missing " : ""}${one.category}`;
    found.set(name, (found.get(name) ?? 0) + 1);
  }
  return [...found].sort((one, other) => other[1] - one[1]);
}

function words(shapes) {
  const found = counts(shapes).map(([name, n]) => (n > 1 ? `${n} ${name}` : name));
  return found.length > WORDS ? `${found.slice(0, WORDS).join(", ")} and more` : found.join(", ") || "nothing found";
}

export class Tiles {
  constructor() { Object.assign(this, { on: false, held: new Map(), cells: new Map(), later: 0 }); }

  /** Draw over a cell of a gallery, once it is known what. */
  decorate(cell, item) {
    cell.querySelectorAll(".over, .found").forEach((old) => old.remove());
    if (!this.on) return;
    const told = this.held.get(item.id);
    if (!told) { this.cells.set(cell, item.id); this.soon(); return; }
    const { size, picture, shapes } = told;
    if (size && shapes.length) {
      cell.querySelector(".picture").append(el("div", { class: picture ? "over" : "over blank" }, drawn("", size, shapes, { blank: false, tags: false })));
    }
    cell.querySelector(".caption").append(el("div", { class: "found", title: counts(shapes).map(([name, n]) => `${n} ${name}`).join(", ") }, words(shapes)));
  }

  soon() {
    if (this.later) return;
    this.later = setTimeout(async () => {
      this.later = 0;
      const wanted = [...this.cells].filter(([cell]) => cell.isConnected).slice(0, MOST);
      this.cells.clear();
      const ids = [...new Set(wanted.map(([, id]) => id))];
      const told = ids.length ? await attempt(() => ask("/api/tiles", { ids })) : null;
      if (!told) return;
      for (const [id, one] of Object.entries(told.tiles)) this.held.set(id, one);
      for (const [cell, id] of wanted) if (cell.item?.id === id && this.held.has(id)) this.decorate(cell, cell.item);
    }, 60);
  }
}
