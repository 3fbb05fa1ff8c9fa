// Decisions about samples: shown at once, written behind it one after the other, never lost unsaid.

import { ask, counted, marks, outlives, say, some } from "./studio.js";

const MOST = 500;
const JUDGE = "/api/campaign/judge";
const NONE = "nothing that is marked is a hit of this campaign: nothing is decided. Unmark all to decide about one at a time";
const tab = Math.random().toString(36).slice(2);
const standing = (ids, given) => Object.fromEntries(ids.map((id) => [id, given]));

export class Decisions {
  /** @param {object} page name of the campaign; its grid; chosen() tells the names that a decision is
   *    about, those of them that are listed, and whether they are marked; items() that are loaded;
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

  /** Accept or discard. The cursor goes on, and marks go, at once; where the last one was not saved,
   *  once this one is. What is marked and not listed here is known to the server. */
  judge(status) {
    const { name, grid } = this.page;
    const { names, listed, marked } = this.page.chosen();
    if (!names.length) { if (marked) say(NONE, true); return; }
    const held = new Map(listed.map((item) => [marked ? grid.markOf(item) : item.id, { ...item }]));
    const all = { status, marked, names, at: grid.at, sure: this.trusted, some: held.size < names.length, decided: 0, left: 0 };
    if (all.sure) {
      this.page.put(standing(listed.map((item) => item.id), { status, accepted: status === "accepted", unsaved: false }));
    }
    const first = this.number + 1;
    for (let k = 0; k < names.length; k += MOST) {
      const part = names.slice(k, k + MOST);
      const shown = part.map((one) => held.get(one)).filter(Boolean);
      const before = Object.fromEntries(shown.map((item) => [item.id, { status: item.status, accepted: item.accepted }]));
      const seen = Object.fromEntries(shown.map((item) => [item.id, item.status]));
      const body = { name, ids: part, marked, status, seen };
      const ids = Object.keys(before);
      for (const id of ids) this.mine.add(id);
      this.send({ path: JUDGE, body, first, before, at: all.at, ids, done: (told) => this.judged(all, part, told) });
    }
    if (all.sure) this.goOn(all, names);
  }

  judged(all, part, told) {
    this.page.put(told.standings);
    const ids = Object.keys(told.standings);
    for (const id of ids) this.mine.add(id);
    all.decided += ids.length;
    all.left += told.left.length;
    if (!all.sure) this.goOn(all, part);
    if (told.left.length) marks.set(told.left, true);
    if (all.marked && part.includes(all.names.at(-1))) count(all);
    warn(told.overruled, all.status);
    this.page.refresh();
  }

  goOn({ marked, at }, names) {
    const { grid } = this.page;
    if (marked) marks.set(names, false);
    else if (grid.at === at && at + 1 < grid.total) grid.reach(at + 1);
  }

  undo() {
    const { name, grid } = this.page;
    this.send({ path: "/api/campaign/undo", body: { name }, ids: [], before: {}, done: (told) => {
      this.page.put(told.standings);
      const ids = Object.keys(told.standings);
      if (!ids.length) { say("the last decision had changed nothing"); return; }
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
      try { told = await ask(next.path, { ...next.body, turn: [tab, next.number], first: next.first }); } catch (error) { this.failed(next, error); return; } finally { this.sent = null; }
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
    const again = lost.filter((one) => one.body.marked).flatMap((one) => one.body.ids);
    if (again.length) marks.set(again, true);
    const n = new Set(lost.flatMap((one) => one.body.ids ?? [])).size;
    say(n ? `${some(n, "decision")} not saved: ${error.message}` : error.message, true);
  }

  /** What has no answer yet, in order; an undo of what was not sent takes that away. */
  left() {
    const steps = this.sent ? [this.sent] : [];
    const gone = steps.length;
    for (const step of this.waiting) {
      const { first } = steps.length > gone ? steps.at(-1) : {};
      if (step.path === JUDGE || !first) { steps.push(step); continue; }
      let last;
      while (steps.length > gone && steps.at(-1).first === first) last = steps.pop();
      if (last.number !== first) steps.push(step); // some of what it takes back was sent
    }
    return { name: this.page.name, tab, steps: steps.map(({ number, first, body: { status, ids, marked } }) => ({ number, first, status, ids, marked })) };
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

/** What became of all that was marked, where not all of that is seen. */
function count({ decided, left, status, some: unseen }) {
  if (!decided) { say(NONE, true); return; }
  const stay = left ? `${some(left, "marked one is", "marked ones are")} no ${left === 1 ? "hit" : "hits"} of this campaign: still marked` : "";
  if (stay || unseen) say([`${counted(decided)} ${status}`, stay].filter(Boolean).join("; "));
}
