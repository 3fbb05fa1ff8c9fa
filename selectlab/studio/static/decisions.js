// Decisions about samples: shown at once, written behind it one after the other, never lost unsaid.

import { ask, counted, marks, outlives, say, some } from "./studio.js";

const MOST = 500;
const JUDGE = "/api/campaign/judge";
const tab = Math.random().toString(36).slice(2);
const standing = (ids, given) => Object.fromEntries(ids.map((id) => [id, given]));

export class Decisions {
  /** @param {object} page name of the campaign; its grid; chosen() ids; items() that are loaded;
   *    put(standings) shows them; refresh() reads the numbers anew, load() the list. */
  constructor(page) {
    Object.assign(this, { page, waiting: [], mine: new Set(), sent: null, number: 0, written: Promise.resolve(), trusted: true });
    this.judge = this.judge.bind(this);
    this.undo = this.undo.bind(this);
    addEventListener("pagehide", () => this.flush());
    addEventListener("beforeunload", (event) => {
      const large = !outlives(this.left());  // more than a browser sends on behalf of a page that is gone
      if (large || [...page.items()].some((item) => item.unsaved)) event.preventDefault();
    });
  }

  /** Accept or discard. The cursor goes on at once, or once it is saved where the last one was not. */
  judge(status) {
    const { name, grid } = this.page;
    const ids = this.page.chosen();
    if (!ids.length) return;
    for (const id of ids) this.mine.add(id);
    const before = {};
    for (const item of this.page.items()) if (ids.includes(item.id)) before[item.id] = { status: item.status, accepted: item.accepted };
    const at = grid.at;
    const sure = this.trusted;
    if (sure) this.page.put(standing(ids, { status, accepted: status === "accepted", unsaved: false }));
    for (let k = 0; k < ids.length; k += MOST) {
      const part = ids.slice(k, k + MOST);
      const seen = Object.fromEntries(part.filter((id) => id in before).map((id) => [id, before[id].status]));
      this.send({ path: JUDGE, body: { name, ids: part, status, seen }, before, at, ids: part, done: (told) => {
        this.page.put(told.standings);
        if (!sure) this.goOn(ids, at);
        warn(told.overruled, status);
        this.page.refresh();
      } });
    }
    if (sure) this.goOn(ids, at);
  }

  goOn(ids, at) {
    const { grid } = this.page;
    const marked = [...this.page.items()].filter((item) => ids.includes(item.id) && marks.has(grid.markOf(item)));
    if (marked.length) marks.set(marked.map((item) => grid.markOf(item)), false);
    else if (grid.at === at && at + 1 < grid.total) grid.reach(at + 1);
  }

  undo() {
    const { name, grid } = this.page;
    this.send({ path: "/api/campaign/undo", body: { name }, ids: [], before: {}, done: (told) => {
      this.page.put(told.standings);
      const ids = Object.keys(told.standings);
      if (!ids.length) return;
      const at = [...Array(grid.total).keys()].find((k) => grid.item(k)?.id === ids[0]);
      if (at !== undefined) grid.reach(at);
      else if (!ids.some((id) => this.mine.has(id))) this.page.load(); // decided before it was listed
      say(ids.length === 1 ? `${ids[0]} is ${told.standings[ids[0]].status} again` : `${ids.length} taken back`);
      this.page.refresh();
    } });
  }

  /** Steps have numbers: the server does each once, and none that comes after a later one. */
  send(step) {
    this.waiting.push({ ...step, number: ++this.number });
    this.written = this.written.then(async () => {
      const next = this.waiting.shift();
      if (!next) return; // sent when the page was left, or given up
      this.sent = next;
      let told;
      try { told = await ask(next.path, { ...next.body, turn: [tab, next.number] }); } catch (error) { this.failed(next, error); return; } finally { this.sent = null; }
      this.trusted = true;
      next.done(told);
    });
  }

  /** What was not saved stands as it did, and says so; with a server that is gone, all that follows. */
  failed(step, error) {
    const lost = [step, ...(error.unanswered ? this.waiting.splice(0) : [])];
    for (const one of [...lost].reverse()) {
      for (const id of one.ids) this.page.put({ [id]: { ...one.before[id], unsaved: true } });
    }
    if (error.unanswered) {
      this.trusted = false;
      if (step.at !== undefined) this.page.grid.reach(step.at);
    }
    const n = new Set(lost.flatMap((one) => one.ids)).size;
    say(n ? `${some(n, "decision")} not saved: ${error.message}` : error.message, true);
  }

  /** What has no answer yet, in order; an undo of what was not sent takes that away. */
  left() {
    const waiting = [];
    for (const step of this.waiting) {
      if (step.path !== JUDGE && waiting.at(-1)?.path === JUDGE) waiting.pop();
      else waiting.push(step);
    }
    const steps = [...(this.sent ? [this.sent] : []), ...waiting];
    return { name: this.page.name, tab, steps: steps.map(({ number, body }) => ({ number, status: body.status, ids: body.ids })) };
  }

  /** The page is about to go: all of that goes out as one, since several might overtake each other. */
  flush() {
    const left = this.left();
    this.waiting = [];
    if (left.steps.length) ask("/api/campaign/decide", left).catch(() => {});
  }
}

/** Somebody else had decided about it since it was looked at here. */
function warn(overruled, status) {
  const ids = Object.keys(overruled);
  if (!ids.length) return;
  const what = ids.length === 1 ? `${ids[0]} was ${overruled[ids[0]]} elsewhere meanwhile; it is`
    : `${counted(ids.length)} samples were decided about elsewhere meanwhile; they are`;
  say(`${what} ${status} now. Undo (u) brings that back.`, true);
}
