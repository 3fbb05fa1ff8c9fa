// What all pages share: asking the server, messages, marked pictures, the work in hand, keys.

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

/** Ask the server for JSON; what it refuses becomes an Error with its line. */
export async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": csrf },
    body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("the server does not answer; is 'selectlab studio' still running?");
  }
  const told = await answer.json().catch(() => ({ error: `the server said ${answer.status}` }));
  if (!answer.ok) throw new Error(told.error ?? `the server said ${answer.status}`);
  return told;
}

/** Show a line for a while. */
export function say(line, bad = false) {
  const toast = el("div", { class: bad ? "toast bad" : "toast" }, line);
  document.getElementById("toasts").append(toast);
  setTimeout(() => toast.remove(), bad ? 9000 : 3500);
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

export const pictureOf = (id, size = 256) => `/picture?${new URLSearchParams({ id, size })}`;
export const pageOf = (id) => `/sample?${new URLSearchParams({ id })}`;
export const rounded = (value) =>
  typeof value === "number" ? String(Number(value.toPrecision(4))) : String(value);
export const counted = (n) => n.toLocaleString("en-US");

/** Whether keys belong to what is being typed. */
export function isTyping(event) {
  const at = event.target;
  return event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") ||
    at.matches?.("textarea, select, input:not([type=checkbox]):not([type=range])");
}

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
    try { sessionStorage.setItem(KEY, JSON.stringify([...marked])); } catch { /* full or off */ }
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

function showMarks() {
  const bar = document.getElementById("marks");
  bar.hidden = marked.size === 0;
  bar.replaceChildren(
    el("strong", {}, `${counted(marked.size)} marked`),
    ...actions.map(([title, act]) =>
      el("button", { type: "button", class: "main", onclick: () => act(marks.list()) }, title)),
    el("button", { type: "button", onclick: () => copy(marks.list()) }, "Copy ids"),
    el("button", { type: "button", onclick: marks.clear }, "Unmark all"),
  );
}

async function copy(ids) {
  try {
    await navigator.clipboard.writeText(ids.join("\n"));
    say(`${counted(ids.length)} ids copied`);
  } catch {
    say("the browser does not allow copying here", true);
  }
}

// The work in hand.

const bar = document.getElementById("job");
let watching = false;
let hushed = Number(sessionStorage.getItem("job-seen") ?? 0);

/** Show the job that is running until it ends; onEnd is told how, if it was seen to run or was
 *  started just now. */
export async function watchJob(onEnd, started = false) {
  if (watching) return;
  watching = true;
  try {
    for (let told = 0; ; told++) {
      const { job } = await ask("/api/job");
      if (!job || (job.state !== "running" && job.number <= hushed)) {
        bar.hidden = true;
        return;
      }
      showJob(job);
      if (job.state !== "running") {
        if (job.state === "done" && !job.result?.link) setTimeout(() => hush(job.number), 4000);
        if (onEnd && (told || started)) onEnd(job);
        return;
      }
      await new Promise((done) => setTimeout(done, 400));
    }
  } catch (error) {
    say(error.message, true);
  } finally {
    watching = false;
  }
}

function showJob(job) {
  const ended = job.state !== "running";
  const words = { done: "done", failed: `failed: ${job.error}`, cancelled: "cancelled" };
  bar.hidden = false;
  bar.className = job.state === "failed" ? "job failed" : "job";
  const meter = el("progress", { "aria-label": job.title });
  if (job.total) { meter.max = job.total; meter.value = job.done; }
  bar.replaceChildren(
    el("strong", {}, job.title),
    ...(ended ? [words[job.state]] : [meter, el("span", {}, job.line)]),
    el("span", { class: "spacer" }),
    ...(ended && job.result?.link ? [el("a", { class: "button", href: job.result.link }, "Open")] : []),
    ended
      ? el("button", { type: "button", onclick: () => hush(job.number) }, "Close")
      : el("button", { type: "button", disabled: job.stopping,
          onclick: () => attempt(() => ask("/api/job/cancel", { number: job.number })) },
        job.stopping ? "Stopping ..." : "Cancel"),
  );
}

function hush(number) {
  hushed = number;
  try { sessionStorage.setItem("job-seen", number); } catch { /* shown again, then */ }
  bar.hidden = true;
}

// Theme, help, keys of all pages.

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* until the next page */ }
  document.dispatchEvent(new CustomEvent("theme"));
});
const help = document.getElementById("help");
document.getElementById("help-button").addEventListener("click", () => help.showModal());
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && !isTyping(event)) {
    event.preventDefault();
    help.showModal();
  }
});
if (!location.pathname.startsWith("/campaigns/new")) {
  offer("Find more like these ...", () => { location.href = "/campaigns/new"; });
}
showMarks();
if (document.body.dataset.page !== "campaign") watchJob();
