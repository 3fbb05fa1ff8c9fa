// A gallery that draws only what is in sight, and asks for a page at a time.

import { ask, attempt, counted, el, isTyping, marks, pageOf, pictureOf, say } from "./studio.js";

const PAGE = 100;
const GAP = 10;
const MOST = 10000;
const FRAME = /-\d+-\w+\.\w+$/;

export class Grid {
  /**
   * @param {HTMLElement} place Has the address of the pages in data-source.
   * @param {object} how caption(item) gives lines of text or elements; open(item); failed(error) says
   *   what was refused; onkey(event, item, grid) returns whether it took the key; decorate(cell, item);
   *   width, extra: px; returns: whether somebody who comes back finds the place where they left, by
   *   a link too where left() gives what leaving(place) was told.
   */
  constructor(place, how = {}) {
    Object.assign(this, { place, how, total: 0, at: 0, pages: new Map(), cells: new Map() });
    this.source = place.dataset.source;
    this.version = 0;
    this.prepared = new Set();
    place.addEventListener("keydown", (event) => this.key(event));
    addEventListener("scroll", () => this.soon(), { passive: true });
    new ResizeObserver(() => this.layout()).observe(place);
    marks.watch(() => this.redraw());
    if (how.returns) {
      history.scrollRestoration = "manual";
      addEventListener("pagehide", () => this.leave());
    }
  }

  /** Note the place in this entry of the history. */
  leave() {
    if (!this.how.returns) return;
    const place = { at: this.at, top: scrollY };
    history.replaceState({ ...history.state, place }, "");
    this.how.leaving?.(place);
  }

  /** Go back to the place that was left, once. */
  comeBack() {
    const place = history.state?.place ?? this.how.left?.();
    if (!this.how.returns || this.returned) return false;
    this.returned = true;
    if (!place) return false;
    this.at = Math.max(0, Math.min(place.at, this.total - 1));
    this.layout();
    scrollTo(0, place.top);
    return true;
  }

  /** Show what another address gives. */
  async load(source = this.source, keep = false) {
    this.source = source;
    const version = ++this.version;
    this.pages.clear();
    let first = null;
    try {
      first = await this.page(0);
    } catch (error) {
      if (version !== this.version) return;
      this.place.classList.add("stale");
      (this.how.failed ?? ((told) => say(told.message, true)))(error);
    }
    if (!first || version !== this.version) return;
    this.place.classList.remove("stale");
    this.total = first.total;
    if (!keep) this.at = 0;
    this.at = Math.max(0, Math.min(this.at, this.total - 1));
    for (const cell of this.cells.values()) cell.remove();
    this.cells.clear();
    if (!this.comeBack()) this.layout();
    this.how.loaded?.(first);
  }

  page(number) {
    if (!this.pages.has(number)) {
      const joint = this.source.includes("?") ? "&" : "?";
      const address = `${this.source}${joint}offset=${number * PAGE}&limit=${PAGE}`;
      const version = this.version;
      const asked = ask(address).then((told) => {
        if (version === this.version) asked.items = told.items;
        return told;
      });
      asked.catch(() => version === this.version && this.pages.delete(number));
      this.pages.set(number, asked);
    }
    return this.pages.get(number);
  }

  item(at) {
    return this.pages.get(Math.floor(at / PAGE))?.items?.[at % PAGE];
  }

  layout() {
    const width = this.place.clientWidth;
    if (!width) return;
    const wanted = Math.min(this.how.width ?? 190, (width - GAP) / 2);
    this.columns = Math.max(1, Math.floor((width + GAP) / (wanted + GAP)));
    this.cellWidth = (width + GAP) / this.columns - GAP;
    this.cellHeight = this.cellWidth * 0.75 + (this.how.extra ?? 46);
    const rows = Math.ceil(this.total / this.columns);
    this.place.style.height = `${Math.max(rows * (this.cellHeight + GAP), 32)}px`;
    this.place.setAttribute("aria-rowcount", rows);
    this.place.setAttribute("aria-colcount", this.columns);
    this.draw();
  }

  soon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw(); });
  }

  range() {
    const top = this.place.getBoundingClientRect().top;
    const step = this.cellHeight + GAP;
    const first = Math.max(0, Math.floor(-top / step) - 1);
    const last = Math.ceil((innerHeight - top) / step) + 1;
    return [first * this.columns, Math.min(this.total, Math.max(0, last) * this.columns)];
  }

  draw() {
    if (!this.columns) return;
    const [start, stop] = this.range();
    for (const [at, cell] of this.cells) {
      const keep = at === this.at && cell === document.activeElement;
      if ((at < start || at >= stop) && !keep) { cell.remove(); this.cells.delete(at); }
    }
    this.prepare(start, stop);
    for (let at = start; at < stop; at++) this.put(at);
    if (this.total && !this.cells.has(this.at)) this.put(this.at);
  }

  /** Have frames of videos in sight decoded in one go; asked for one by one they take longer. */
  prepare(start, stop) {
    if (this.how.picture) return;
    const ids = [];
    for (let at = start; at < stop; at++) {
      const id = this.item(at)?.id;
      if (id && FRAME.test(id) && !this.prepared.has(id)) ids.push(id);
    }
    for (const id of ids) this.prepared.add(id);
    if (ids.length > 1) ask("/api/pictures", { ids: ids.slice(0, 200) }).catch(() => {});
  }

  put(at) {
    let cell = this.cells.get(at);
    if (!cell) {
      cell = el("div", { class: "cell", role: "gridcell", tabindex: "-1" });
      cell.addEventListener("click", (event) => this.click(event, at));
      cell.addEventListener("focus", () => this.reach(at, false));
      this.cells.set(at, cell);
      this.place.append(cell);
    }
    cell.tabIndex = at === this.at ? 0 : -1;
    const row = Math.floor(at / this.columns);
    const style = cell.style;
    style.left = `${(at % this.columns) * (this.cellWidth + GAP)}px`;
    style.top = `${row * (this.cellHeight + GAP)}px`;
    style.width = `${this.cellWidth}px`;
    style.height = `${this.cellHeight}px`;
    cell.setAttribute("aria-rowindex", row + 1);
    cell.setAttribute("aria-colindex", (at % this.columns) + 1);
    this.fill(cell, at);
  }

  fill(cell, at) {
    const item = this.item(at);
    if (!item) {
      const version = this.version;
      this.page(Math.floor(at / PAGE)).then(() => {
        if (version !== this.version || this.cells.get(at) !== cell || !this.item(at)) return;
        this.prepare(...this.range());
        this.fill(cell, at);
      }, () => {});
      return;
    }
    if (cell.item !== item) {
      cell.item = item;
      cell.setAttribute("aria-label", item.id);
      cell.title = item.id;
      const lines = this.how.caption?.(item) ?? [];
      cell.replaceChildren(
        el("div", { class: "picture" },
          el("img", { src: this.how.picture?.(item) ?? pictureOf(item.id), alt: "", loading: "lazy", decoding: "async", draggable: "false" })),
        el("div", { class: "caption" },
          el("div", { class: "name" }, el("bdi", {}, item.id)),
          ...lines.map((line) => el("div", { class: line.className?.includes("reason") ? "reason" : null }, line))),
        el("button", { type: "button", class: "tick", tabindex: "-1", title: "Mark (x)", "aria-hidden": "true",
          onclick: (event) => { event.stopPropagation(); event.shiftKey ? this.markRange(at) : this.markOne(at); } }, "✓"),
      );
    }
    cell.setAttribute("aria-selected", marks.has(this.markOf(item)));
    this.how.decorate?.(cell, item);
  }

  markOf(item) { return this.how.mark?.(item) ?? item.id; }

  redraw() {
    for (const [at, cell] of this.cells) this.fill(cell, at);
  }

  /** Draw an item anew after it has changed. */
  renew(at) {
    const cell = this.cells.get(at);
    if (cell) { cell.item = null; this.fill(cell, at); }
  }

  markOne(at) {
    this.anchor = at;
    marks.toggle(this.markOf(this.item(at)));
  }

  /** Mark everything from what was marked or clicked last to here. */
  async markRange(to) {
    const [first, last] = [this.anchor ?? to, to].sort((one, other) => one - other);
    if (last - first >= MOST) { say(`${counted(last - first + 1)} are more than can be marked at once`, true); return; }
    const { version } = this;
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++) {
      if (!(await attempt(() => this.page(page)))) return;
    }
    if (version !== this.version) return;
    const names = [];
    for (let at = first; at <= last; at++) names.push(this.markOf(this.item(at)));
    marks.set(names, true);
    this.anchor = to;
  }

  click(event, at) {
    if (!event.shiftKey) this.anchor = event.ctrlKey || event.metaKey ? this.anchor : at;
    else this.anchor ??= this.at;
    this.reach(at, true);
    const item = this.item(at);
    if (!item) return;
    if (event.shiftKey) this.markRange(at);
    else if (event.ctrlKey || event.metaKey) this.markOne(at);
    else if (this.how.pick) this.how.pick(item, at);
    else this.open(item);
  }

  open(item) {
    if (this.how.open) this.how.open(item);
    else { this.leave(); location.href = pageOf(item.id); }
  }

  reach(at, focus = true) {
    if (at < 0 || at >= this.total) return;
    const before = this.cells.get(this.at);
    if (before) before.tabIndex = -1;
    this.at = at;
    this.put(at);
    const cell = this.cells.get(at);
    if (focus) {
      cell.focus({ preventScroll: true });
      this.show(cell);
    }
    const item = this.item(at);
    if (item) this.how.reached?.(item, at);
  }

  show(cell) {
    const box = cell.getBoundingClientRect();
    const head = document.querySelector(".top").offsetHeight + (this.how.headroom ?? 8);
    if (box.top < head) scrollBy(0, box.top - head);
    else if (box.bottom > innerHeight - 8) scrollBy(0, box.bottom - innerHeight + 8);
  }

  key(event) {
    if (isTyping(event) || !this.columns) return;
    const item = this.item(this.at);
    if (item && this.how.onkey?.(event, item, this)) { event.preventDefault(); return; }
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns };
    if (event.key in steps) this.reach(this.at + steps[event.key]);
    else if (event.key === "Home") this.reach(0);
    else if (event.key === "End") this.reach(this.total - 1);
    else if ((event.key === " " || event.key === "x") && item) this.markOne(this.at);
    else if (event.key === "Enter" && item) this.open(item);
    else return;
    event.preventDefault();
  }
}
