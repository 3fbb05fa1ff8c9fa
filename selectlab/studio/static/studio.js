// What all pages share: asking the server, messages, marked pictures, the work in hand.

import { isTyping } from "./frame.js";

export { isTyping };

const csrf = document.querySelector('meta[name="csrf"]').content;

/** Make an element: el("div", {class: "x"}, child, "text"). Text is never read as HTML. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const MOST_KEPT = 30_000;  // bytes; browsers send 64 KiB on behalf of pages that are gone

/** Whether a change goes on when the page is left. */
export const outlives = (body) => new Blob([JSON.stringify(body)]).size < MOST_KEPT;

/** Ask the server for JSON; what it refuses becomes an Error with its line. */
export async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": csrf },
    body: JSON.stringify(body),
    keepalive: outlives(body),
  };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    const error = new Error("the server does not answer; is 'selectlab studio' still running?");
    throw Object.assign(error, { unanswered: true });
  }
  const told = await answer.json().catch(() => ({ error: `the server said ${answer.status}` }));
  if (!answer.ok) throw new Error(told.error ?? `the server said ${answer.status}`);
  return told;
}

const MOST_SAID = 3;
const toasts = document.getElementById("toasts");
const dock = document.getElementById("dock");

document.addEventListener("close", () => dock.prepend(toasts), true); // what a dialog had over it stays

/** Show a line for a while. */
export function say(line, bad = false) { tell([line], { bad, ms: bad ? 9000 : 3500 }); }

/** Show words and links for a while, over an open dialog too; of many the last few. */
export function tell(parts, { bad = false, ms }) {
  const over = document.querySelector("dialog[open]") ?? dock;
  if (toasts.parentElement !== over) over.prepend(toasts);
  const toast = el("div", { class: bad ? "toast bad" : "toast" }, ...parts);
  toasts.append(toast);
  while (toasts.childElementCount > MOST_SAID) toasts.firstElementChild.remove();
  setTimeout(() => toast.remove(), ms);
}

/** Run what may be refused, and say why if it is. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    say(error.message, true);
    return undefined;
  }
}

const generation = document.querySelector('meta[name="generation"]').content;
/** The address of a picture; it is another one after the dataset was opened anew. */
export const pictureOf = (id, size = 256) =>
  `/picture?${new URLSearchParams({ id, size, ...(generation === "0" ? {} : { v: generation }) })}`;
export const pageOf = (id) => `/sample?${new URLSearchParams({ id })}`;
export const rounded = (value) =>
  typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
export const counted = (n) => n.toLocaleString("en-US");

/** A number of things, in words. */
export const some = (n, one, more = `${one}s`) => `${counted(n)} ${n === 1 ? one : more}`;

// Marked pictures: kept for as long as the tab is open.

const KEY = `marks:${location.host}`;
const listeners = new Set();
let marked = new Set();
try { marked = new Set(JSON.parse(sessionStorage.getItem(KEY) ?? "[]")); } catch { /* none */ }

export const marks = {
  has: (id) => marked.has(id),
  list: () => [...marked],
  set(ids, on) {
    for (const id of ids) on ? marked.add(id) : marked.delete(id);
    try {
      sessionStorage.setItem(KEY, JSON.stringify([...marked]));
    } catch {
      if (on) say("so many marks are kept on this page only", true);
    }
    showMarks();
    for (const told of listeners) told();
  },
  toggle(id) { marks.set([id], !marked.has(id)); },
  clear() { marks.set([...marked], false); },
  watch(told) { listeners.add(told); },
};

const actions = [];
/** Offer something to do with marked pictures. */
export function offer(title, act) {
  actions.push([title, act]);
  showMarks();
}

let spread = false; // in narrow windows: whether all that can be done with them is shown
function showMarks() {
  const bar = document.getElementById("marks");
  bar.hidden = marked.size === 0;
  if (bar.hidden) spread = false;
  const button = (title, act, how = {}) => el("button", { type: "button", ...how, onclick: act }, title);
  const [first, ...others] = actions.map(([title, act]) => button(title, () => act(marks.list()), { class: "main" }));
  const more = button(spread ? "Less" : "More", () => { spread = !spread; showMarks(); document.getElementById("more-marks").focus(); },
    { id: "more-marks", "aria-expanded": String(spread), "aria-controls": "rest-marks" });
  const rest = el("div", { id: "rest-marks", class: spread ? "rest spread" : "rest" },
    ...others,
    button("Write as tag ...", () => writeTag(marks.list()), { id: "write-tag", "aria-keyshortcuts": "t" }),
    button("Copy ids", () => copy(marks.list())),
    button("Unmark all", marks.clear));
  bar.replaceChildren(el("strong", {}, `${counted(marked.size)} marked`), ...(first ? [first] : []), more, rest);
}

async function copy(ids) {
  try {
    await navigator.clipboard.writeText(ids.join("\n"));
    say(`${counted(ids.length)} ids copied`);
  } catch {
    say("the browser does not allow copying here", true);
  }
}

// Tags: marked pictures under a name.

const tagDialog = document.getElementById("tag-dialog");
const tagName = document.getElementById("tag-name");
let toTag = [];
let knownTags = [];

/** Ask for a name, and write ids as a tag of it. */
export async function writeTag(ids) {
  toTag = ids;
  document.getElementById("tag-what").textContent = `${some(ids.length, "picture")}.`;
  tellTag();
  tagDialog.showModal();
  tagName.select();
  const told = await attempt(() => ask("/api/tags"));
  knownTags = told?.tags ?? [];
  document.getElementById("tag-names").replaceChildren(...knownTags.map((value) => el("option", { value })));
  tellTag();
}

function tellTag() {
  document.getElementById("tag-how").hidden = !knownTags.includes(tagName.value.trim());
}

tagName.addEventListener("input", tellTag);
document.getElementById("tag-form").addEventListener("submit", async (event) => {
  if (event.submitter?.value === "cancel") return;
  event.preventDefault();
  const there = !document.getElementById("tag-how").hidden;
  const how = there ? document.querySelector('#tag-how input:checked').value : "new";
  const told = await attempt(() => ask("/api/tags", { name: tagName.value, ids: toTag, how }));
  if (!told) return;
  tagDialog.close();
  say(`tag ${told.name}: ${some(told.samples, "sample")}`);
  document.dispatchEvent(new CustomEvent("tagged", { detail: told }));
});

// A dataset that changes while it is looked at.

const changed = document.getElementById("changed");
addEventListener("focus", async () => {
  const told = await ask("/api/changed").catch(() => null);
  if (told) changed.hidden = !told.changed && String(told.generation) === generation;
});
document.getElementById("reload").addEventListener("click", async (event) => {
  event.target.disabled = true;
  event.target.textContent = "Opening ...";
  const opened = await attempt(async () => {
    const told = await ask("/api/changed");
    return told.changed ? ask("/api/reload", {}) : told; // another tab may have done it
  });
  if (opened) location.reload();
  else { event.target.disabled = false; event.target.textContent = "Open it anew"; }
});

// The work in hand.

const bar = document.getElementById("job");
const followers = new Set();
let watching = false;
let hushed = 0;
try { hushed = Number(sessionStorage.getItem("job-seen") ?? 0); } catch { /* shown again, then */ }

/** Show the job that is running until it ends.
 *  @param {object} how onStep(job) is told how far it is, onEnd(job) how it ended: the job of a
 *    number, or without one any that is seen to run. Who shows it returns true; it is not shown on
 *    top of the page then. */
export async function watchJob(how = null) {
  if (how) followers.add(how);
  if (watching) return;
  watching = true;
  try {
    for (let going = true; going;) {
      const { job } = await ask("/api/job");
      going = job?.state === "running" ? tellStep(job) : tellEnd(job);
      if (going) await new Promise((done) => setTimeout(done, 400));
    }
  } catch (error) {
    say(error.message, true);
    lost(error.message);
  } finally {
    watching = false;
  }
}

function tellStep(job) {
  const mine = [...followers].filter((how) => how.number === undefined || how.number === job.number);
  for (const how of mine) how.seen = job.number;
  if (mine.map((how) => how.onStep?.(job)).includes(true)) bar.hidden = true;
  else showJob(job);
  return true;
}

/** Tell those who wait for a job how it ended, and return whether somebody waits for another. */
function tellEnd(job) {
  const mine = [...followers].filter((how) => job && (how.number ?? how.seen) === job.number);
  const brief = job?.state === "done" && !job.result?.link;  // seen by who was there
  for (const how of mine) followers.delete(how);
  if (mine.map((how) => how.onEnd?.(job)).includes(true)) hush(job.number);
  else if (!job || (!mine.length && (brief || job.number <= hushed))) bar.hidden = true;
  else showJob(job);
  if (brief) setTimeout(() => hush(job.number), mine.length ? 4000 : 0);
  for (const how of followers) if (how.number === undefined) followers.delete(how);
  if (!job) lost("the server was started anew meanwhile");
  return followers.size > 0;
}

function lost(error) {
  const left = [...followers];
  followers.clear();
  for (const how of left) how.onEnd?.({ number: how.number, state: "failed", error });
}

let held = null;  // what is shown of a running job: its button is not made anew under the mouse
function showJob(job) {
  const ended = job.state !== "running";
  if (job.state === "done") setTimeout(() => job.number > hushed && !bar.matches(":hover, :focus-within") && hush(job.number), 15_000);
  const words = { done: "done", failed: `failed: ${job.error}`, cancelled: "cancelled" };
  bar.hidden = false;
  bar.className = job.state === "failed" ? "job failed" : "job";
  if (!ended && isSame(held, job)) { step(held, job); return; }
  held = ended ? null : shownStep(job);
  if (held) step(held, job);
  bar.replaceChildren(
    el("strong", {}, job.title),
    ...(ended ? [words[job.state]] : [held.meter, held.line]),
    el("span", { class: "spacer" }),
    ...(ended && job.result?.link ? [el("a", { class: "button", href: job.result.link }, "Open")] : []),
    ended
      ? el("button", { type: "button", onclick: () => hush(job.number) }, "Close")
      : cancelButton(job),
  );
}

/** How far a job is, in a place of a page that has to do with it. */
export function jobMeter(place) {
  let shown = null;
  return {
    step(job) {
      if (!isSame(shown, job)) {
        shown = shownStep(job, "quiet");
        place.replaceChildren(el("p", { class: "meter" }, shown.meter, shown.line, cancelButton(job)));
      }
      step(shown, job);
      return true;
    },
  };
}

function shownStep({ number, stopping, title }, kind) {
  return { number, stopping, meter: el("progress", { "aria-label": title }), line: el("span", { class: kind }) };
}

const isSame = (shown, job) => shown?.number === job.number && shown.stopping === job.stopping;

function step({ meter, line }, job) {
  if (job.total) { meter.max = job.total; meter.value = job.done; }
  else meter.removeAttribute("value");
  line.textContent = job.stopping ? "cancelling ..." : job.line;
}

/** A button that stops a job, and says so at once. */
function cancelButton(job) {
  const button = el("button", { type: "button", disabled: job.stopping }, job.stopping ? "Cancelling ..." : "Cancel");
  button.addEventListener("click", () => {
    button.disabled = true;
    button.textContent = "Cancelling ...";
    attempt(() => ask("/api/job/cancel", { number: job.number }));
  });
  return button;
}

function hush(number) {
  hushed = number;
  try { sessionStorage.setItem("job-seen", number); } catch { /* shown again, then */ }
  bar.hidden = true;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "t" || !marked.size || isTyping(event) || event.defaultPrevented) return;
  event.preventDefault();
  writeTag(marks.list());
});
if (!location.pathname.startsWith("/campaigns/new")) {
  offer("Find more like these ...", () => { location.href = "/campaigns/new"; });
}
showMarks();
if (document.body.dataset.page !== "campaign") watchJob();
