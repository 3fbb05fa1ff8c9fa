import { ask, attempt, counted, el, marks, pageOf, pictureOf, rounded, say, some, watchJob } from "./studio.js";
import { fitting, noteTask } from "./object-tasks.js";
import { drawn } from "./picture.js";
import { Grid } from "./grid.js";
import { Decisions } from "./decisions.js";

const place = document.getElementById("campaign");
const { name, task } = place.dataset;
const form = document.getElementById("filter");
const slider = document.getElementById("threshold");
const named = new URLSearchParams({ name });
const WORDS = { accepted: "✓ accepted", discarded: "✗ discarded", exported: "↗ exported" };
const objectPicture = (id, number) =>
  task ? `/crop?${new URLSearchParams({ id, task, number })}` : pictureOf(id);
let state = null;
let asked = "";
let curve = null;
let earlier = null;  // the curve of the version before, once there is another one
const EARLIER = `earlier:${location.host}:${name}`;

// What was collected

const grid = new Grid(document.getElementById("hits"), {
  extra: 60,
  headroom: 20,
  picture: (item) => objectPicture(item.id, item.number),
  caption: (item) => [el("span", {},
    `${item.score.toFixed(3)}${item.probability === null ? "" : `, probability ${item.probability.toFixed(2)}`}`,
    el("span", { class: "quiet" }, `  cluster ${item.cluster}${item.number === null ? "" : `, object ${item.number}`}`,
      state && item.version < state.version ? `, version ${item.version}` : ""))],
  decorate(cell, item) {
    cell.classList.remove("accepted", "discarded", "exported");
    cell.querySelector(".state")?.remove();
    cell.classList.toggle("unsaved", Boolean(item.unsaved));
    if (item.unsaved) { cell.append(el("span", { class: "state" }, "! not saved")); return; }
    if (item.status === "new") return;
    cell.classList.add(item.status);
    cell.append(el("span", { class: "state" }, WORDS[item.status]));
  },
  mark: (item) => (item.number === null ? item.id : `${item.id}#${item.number}`),
  pick: (item, at) => { grid.reach(at); },
  open: (item) => { location.href = pageOf(item.id); },
  reached: (item) => current(item),
  onkey: (event, item) => keys(event, item),
  failed() {
    if (!form.order.value) return;
    form.order.value = "";  // what cannot be had is not what the page says it shows
    load();
  },
  loaded(told) {
    asked = "";
    const nothing = document.getElementById("nothing");
    nothing.hidden = told.total > 0;
    nothing.textContent = state?.collected ? "None of these." : "Nothing is collected yet: set a threshold and press Collect.";
    if (!told.total) document.getElementById("why").hidden = true;
    for (const cell of grid.cells.values()) cell.classList.remove("current");
    const first = grid.item(grid.at);
    if (first) current(first);
  },
});

let views = 0;
const tab = Math.random().toString(36).slice(2);
if (task) {
  marks.watch(() => { for (const item of items()) if (marks.has(grid.markOf(item))) noteTask(grid.markOf(item), task); });
}

function load(keep = false) {
  const given = new URLSearchParams(named);
  given.set("view", `${tab}-${++views}`);  // the order of what is looked at now
  if (form.status.value) given.append("status", form.status.value);
  if (form.order.value) given.set("classifier", "true");
  grid.load(`/api/campaign/hits?${given}`, keep);
}

async function current(item) {
  for (const cell of grid.cells.values()) cell.classList.toggle("current", cell.item === item);
  if (asked === item.id) return;
  asked = item.id;
  await new Promise((done) => setTimeout(done, 120));  // not for every picture that is passed
  if (asked !== item.id) return;
  const given = new URLSearchParams({ name, id: item.id });
  const [told, sample] = await Promise.all([
    ask(`/api/campaign/why?${given}`).catch((error) => ({ error: error.message })),
    ask(`/api/sample?${new URLSearchParams({ id: item.id })}`).catch(() => null),
  ]);
  if (asked === item.id) explain(item, told, sample);
}

function explain(item, told, sample) {
  const side = document.getElementById("why");
  side.hidden = false;
  const view = el("figure", { class: "view" });
  if (sample?.size) {
    const mine = sample.shapes.filter((one) => one.task === task && one.number === item.number);
    view.append(drawn(pictureOf(item.id, 640), sample.size, task ? mine : [], { alt: item.id, wide: 400 }));
  } else view.append(el("img", { src: pictureOf(item.id), alt: item.id }));
  if (told.error) { side.replaceChildren(view, el("p", {}, told.error)); return; }
  const seeds = told.seeds.map((seed) => el("li", {},
    el(seed.known ? "a" : "span", seed.known ? { href: pageOf(seed.id), title: seed.name } : { title: seed.name },
      el("img", { src: seed.known ? objectPicture(seed.id, seed.number) : "/static/no-picture.svg", alt: "" }),
      el("div", { class: "name" }, seed.name),
      el("div", { class: "quiet" }, seed.distance === null ? "" : `distance ${rounded(seed.distance)}`))));
  side.replaceChildren(
    view,
    el("p", { class: "id" }, item.number === null ? item.id : `${item.id}#${item.number}`),
    el("p", {}, "Score ", el("strong", {}, told.score.toFixed(3)),
      `: closest to cluster ${told.cluster} of ${told.clusters}, `,
      `${some(told.members, "seed")} within ${rounded(told.radius)} of its centre.`),
    el("h2", {}, "Its seeds, nearest first"),
    el("ul", { class: "strip" }, ...seeds),
    told.members > told.seeds.length ? el("p", { class: "quiet" }, `and ${counted(told.members - told.seeds.length)} more`) : "",
  );
}

// Decisions

function keys(event, item) {
  if (event.key === "a") judge("accepted");
  else if (event.key === "d") judge("discarded");
  else if (event.key === "u") undo();
  else if (event.key === "Enter") location.href = pageOf(item.id);
  else return false;
  return true;
}

/** What a decision is about: all that is marked, on whichever page, else what the cursor is at. */
function chosen() {
  if (marks.list().length) {
    const names = fitting(marks.list(), task);
    return { marked: true, names, listed: [...items()].filter((item) => marks.has(grid.markOf(item))) };
  }
  const item = grid.item(grid.at);
  return { marked: false, names: item ? [item.id] : [], listed: item ? [item] : [] };
}

function* items() {
  for (const page of grid.pages.values()) yield* page.items ?? [];
}

function put(standings) {
  for (const item of items()) {
    if (item.id in standings) Object.assign(item, { unsaved: false }, standings[item.id]);
  }
  grid.redraw();
}

const decisions = new Decisions({ name, grid, chosen, items, put, refresh, load: () => load(true) });
const { judge, undo } = decisions;

// Numbers, threshold, versions

let refreshing;
function refresh() { clearTimeout(refreshing); refreshing = setTimeout(async () => show(await attempt(() => ask(`/api/campaign?${named}`))), 150); }

function show(told) {
  if (!told) return;
  state = told;
  const pairs = [["new", told.counts.new], ["accepted", told.counts.accepted], ["discarded", told.counts.discarded],
    ["exported", told.counts.exported],
    ["collection rate", `${(100 * told.rate).toFixed(1)} %`, `Share of what version ${told.version} has looked at that it collected`],
    ["seeds", told.seeds], ["version", told.version]];
  document.getElementById("numbers").replaceChildren(...pairs.map(([title, value, about]) =>
    el("div", { title: about }, el("dt", {}, title), el("dd", {}, typeof value === "number" ? counted(value) : value))));
  for (const one of document.querySelectorAll("[data-count]")) {
    one.textContent = counted(one.dataset.count ? told.counts[one.dataset.count] : told.collected);
  }
  const active = document.getElementById("active");
  active.textContent = told.active ? "Deactivate" : "Activate";
  document.getElementById("collect").disabled = !told.active;
  document.getElementById("collect").title = told.active ? "" : "Activate the campaign first";
  learnable(told);
  steps(told);
  document.getElementById("versions").replaceChildren(...told.versions.map((one) => el("tr", {},
    el("td", { class: "number" }, one.number), el("td", { class: "nowrap" }, one.created),
    el("td", { class: "number" }, counted(one.seeds)), el("td", { class: "number" }, counted(one.collected)))));
}

/** The order of a classifier can be had only where there is enough to learn from. */
function learnable(told) {
  const option = form.order.querySelector('[value="classifier"]');
  const least = Number(option.dataset.least);
  const lacks = [["accepted or a seed", told.seeds + told.joining], ["discarded", told.counts.discarded]]
    .filter(([, n]) => n < least).map(([what, n]) => `${least - n} more ${what}`);
  option.disabled = lacks.length > 0;
  option.textContent = `what a classifier learned from my decisions${lacks.length ? ` (needs ${lacks.join(" and ")})` : ""}`;
}

/** What can be done with the seeds now, and why not the rest. */
function steps(told) {
  const commit = document.getElementById("commit");
  const refine = document.getElementById("refine");
  const changed = told.uncommitted && told.seeds > 0;
  const s = (n) => (n === 1 ? "s" : "");
  const moves = [told.joining && `${some(told.joining, "accepted sample")} join${s(told.joining)} the seeds`,
    told.leaving && `${some(told.leaving, "discarded one")} leave${s(told.leaving)} them`];
  const would = moves.filter(Boolean).join(", ");
  commit.disabled = !changed;
  refine.disabled = !would;
  const next = told.version + 1;
  const same = `the seeds are those of version ${told.version}`;
  commit.title = changed ? `Makes the seeds version ${next}` : told.seeds ? `Nothing to commit: ${same}` : "Nothing to commit: there are no seeds";
  refine.title = would ? `Version ${next}: ${would}` : "Nothing to refine by: accept something that is no seed yet";
  const lines = [];
  if (!told.seeds) lines.push("There are no seeds: mark pictures and add them to this campaign.");
  else if (changed) lines.push(`The seeds have changed since version ${told.version}: Commit makes them version ${next}.`);
  if (would) lines.push(`Refine makes version ${next}: ${would}.`);
  if (!lines.length && !told.looked) lines.push(`Version ${told.version} has not looked yet: press Collect.`);
  else if (!lines.length) lines.push(`Nothing to commit: ${same}. Accept what is right and discard what is not, then Refine.`);
  document.getElementById("next").textContent = lines.join(" ");
}

function would() {
  const at = Number(slider.value);
  document.getElementById("threshold-value").textContent = at.toFixed(2);
  slider.setAttribute("aria-valuetext", at.toFixed(2));
  if (!curve) return;
  const n = curve[Math.round(at * 100)];
  const told = n === null ? "" : `${some(n, "sample")} ${n === 1 ? "reaches" : "reach"} it`;
  const was = n === null ? null : earlier?.counts[Math.round(at * 100)] ?? null;
  const fewer = was !== null && was > n;
  document.getElementById("would").textContent = fewer ? `${told}, ${counted(was)} did with version ${earlier.version}` : told;
  document.getElementById("why-fewer").hidden = !fewer;
}

async function count() {
  const told = await ask(`/api/campaign/curve?${named}`).catch((error) => {
    document.getElementById("would").textContent = error.message;
    return null;
  });
  if (told) { curve = told.counts; would(); }
}

async function seeds() {
  const told = await attempt(() => ask(`/api/campaign/seeds?${named}&limit=100`));
  if (!told) return;
  document.getElementById("seeds").replaceChildren(...told.items.map((seed) => el("li", {},
    el("a", { href: pageOf(seed.id), title: seed.name },
      el("img", { src: objectPicture(seed.id, seed.number), alt: "", loading: "lazy" }),
      el("div", { class: "name" }, seed.name)),
    el("button", { type: "button", class: "small", title: `Take ${seed.name} out of the seeds`, onclick: () => attempt(() => remove(seed)) }, "remove"))));
}

async function remove(seed) {
  show(await ask("/api/campaign/remove", { name, ids: [seed.name] }));
  seeds();
}

// Buttons

const act = (id, work) => document.getElementById(id).addEventListener("click", () => attempt(work));
act("accept", () => judge("accepted"));
act("discard", () => judge("discarded"));
act("undo", undo);
act("active", async () => show(await ask("/api/campaign/set", { name, active: !state.active })));
/** What reads decisions begins once they are written; the button is busy until it has ended. */
async function settled(button, work) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await decisions.written;
    await attempt(work);
  } finally {
    button.removeAttribute("aria-busy");
  }
}
const actSettled = (id, work) => act(id, () => settled(document.getElementById(id), work));
actSettled("commit", async () => {
  const told = await ask("/api/campaign/commit", { name });
  renewed(told);
  say(`version ${told.version} has ${some(told.seeds, "seed")}; press Collect to look again`);
});
actSettled("collect", async () => {
  const threshold = Number(slider.value);
  show(await ask("/api/campaign/set", { name, threshold }));
  const { job } = await ask("/api/campaign/collect", { name, threshold });
  watchJob({ number: job.number, onEnd: collected });
});
actSettled("refine", async () => {
  const told = await ask("/api/campaign/refine", { name });
  renewed(told);
  seeds();
  const left = told.left ? `, ${told.left} left` : "";
  if (told.missing) say(`${some(told.missing, "accepted sample")} did not join: the index has not got them`, true);
  say(told.is_new ? `version ${told.version}: ${told.joined} joined the seeds${left}; press Collect to look again`
    : "the seeds have not changed: accept something first");
});
const madeAt = (version) => state.versions.find((one) => one.number === version)?.created;
/** The curve of the version before, as long as the tab is open; not that of a campaign of the same name. */
function recalled() {
  let held = null;
  try { held = JSON.parse(sessionStorage.getItem(EARLIER)); } catch { /* none */ }
  return held && held.version < state?.version && held.made === madeAt(held.version) ? held : null;
}

/** Another version looks for something else, and reaches more or less far. */
function renewed(told) {
  if (curve && told.version !== state.version) {
    earlier = { counts: curve, version: state.version, made: madeAt(state.version) };
    try { sessionStorage.setItem(EARLIER, JSON.stringify(earlier)); } catch { /* until the page is left */ }
  }
  show(told);
  count();
}

function collected(job) {
  if (job.state === "done") {
    const again = job.result.again ? `, ${counted(job.result.again)} listed before` : "";
    say(`${counted(job.result.new)} new${again}; ${counted(job.result.processed)} looked at`);
  }
  refresh();
  load();
}

const dialog = document.getElementById("export-dialog");
act("export", () => dialog.showModal());
act("export-close", () => dialog.close());
document.getElementById("export-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(event.target);
  const wanted = { name, form: data.get("form"), statuses: data.getAll("statuses"), mark: data.has("mark") };
  settled(event.target.querySelector("button.main"), () => exported(wanted));
});
async function exported(wanted) {
  const told = await ask("/api/campaign/export", wanted);
  dialog.close();
  say(`${some(told.samples, "sample")} exported`);
  for (const note of told.notes) say(note);
  el("a", { href: told.link, download: "" }).click();
  refresh();
  load();
}

addEventListener("focus", async () => {  // somebody else may have decided meanwhile
  await decisions.written;
  const told = await ask(`/api/campaign?${named}`).catch(() => null);
  if (!told || !state || JSON.stringify(told.counts) === JSON.stringify(state.counts)) return;
  show(told);
  grid.load(grid.source, true);
});
document.addEventListener("seeded", ({ detail }) => { if (detail.name === name) { show(detail); seeds(); } });
slider.addEventListener("input", would);
form.addEventListener("change", async () => { await decisions.written; load(); });
form.addEventListener("submit", (event) => event.preventDefault());
/** Keys work wherever the focus is, but where something is typed and in the grid, which has its own. */
const ELSEWHERE = "#hits, textarea, select, input[type=text], input[type=search], input[type=number]";
document.addEventListener("keydown", (event) => {
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if (modified || !grid.total || document.querySelector("dialog[open]") || event.target.closest?.(ELSEWHERE)) return;
  const arrows = ["ArrowRight", "ArrowDown"].includes(event.key) && !event.target.matches?.("input");
  if (!arrows && !["a", "d", "u"].includes(event.key)) return;
  event.preventDefault();
  if (!keys(event, grid.item(grid.at))) grid.reach(grid.at);
});

const { job } = await ask("/api/job").catch(() => ({}));  // before the rest: it may end meanwhile
show(await attempt(() => ask(`/api/campaign?${named}`)));
earlier = recalled();
load();
count();
seeds();
would();
const number = job?.state === "running" ? job.number : undefined;
watchJob({ number, onEnd: (ended) => { if (ended.title === `collecting for ${name}`) collected(ended); } });
