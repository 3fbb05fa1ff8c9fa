import { ask, attempt, counted, el, marks, pageOf, pictureOf, say, some, watchJob } from "./studio.js";
import { OBJECT, fitting, taskOf } from "./object-tasks.js";

const form = document.getElementById("new");
const strip = document.getElementById("seeds");
const MOST = 200;
const TYPED = "campaign-new";
let curve = null;
let counting = 0;
let countedFor = "";

function task() { return form ? form.task.value ?? "" : ""; }

function shown(name) {
  const found = OBJECT.exec(name);
  const id = found ? found[1] : name;
  const source = found && task()
    ? `/crop?${new URLSearchParams({ id, task: task(), number: found[2] })}` : pictureOf(id);
  return el("li", {}, el("a", { href: pageOf(id), title: name },
    el("img", { src: source, alt: "" }), el("div", { class: "name" }, name)),
  el("button", { type: "button", class: "small", title: `Leave ${name} out`, onclick: () => marks.set([name], false) }, "remove"));
}

function draw() {
  const names = fitting(marks.list(), task());
  document.getElementById("no-marks").hidden = marks.list().length > 0;
  document.getElementById("seeds-panel").hidden = names.length === 0;
  strip.replaceChildren(...names.slice(0, MOST).map(shown),
    names.length > MOST ? el("li", { class: "quiet" }, `and ${counted(names.length - MOST)} more`) : "");
  if (!form) return;
  const chosen = form.querySelector('input[name="task"]:checked');
  const there = chosen.dataset.there === "yes";
  const create = document.getElementById("create");
  create.disabled = names.length === 0 || !there;
  create.title = !names.length ? "Mark something first" : there ? "" : "Index the embeddings first";
  for (const one of form.querySelectorAll(".index-first")) one.hidden = there;
  explain(names, chosen);
  count(names, there);
  const space = document.getElementById("space");
  if (!there && !space.value) space.value = chosen.dataset.space;
}

/** What marks mean that are not of the kind that the campaign is about. */
function explain(names, chosen) {
  const objects = names.filter((name) => OBJECT.test(name));
  const mine = objects.length === 1 ? "The marked object stands" : `${some(objects.length, "marked object")} stand`;
  let line = "";
  if (!task() && objects.length) {
    line = `${mine} for the whole picture: what is found is like the picture, not like the object.`;
    const level = [...form.querySelectorAll('input[name="task"]')].find((one) => one.value && one.value === (taskOf(objects[0]) ?? one.value));
    line += level ? ` Choose "objects of ${level.value}" to find objects.`
      : ` To find objects, make embeddings of them first: selectlab predict --embed.`;
  } else if (task() && chosen.dataset.there !== "yes") line = `The objects of ${task()} have embeddings; index them below to search among them.`;
  document.getElementById("means").textContent = line;
  document.getElementById("means").hidden = !line;
}

/** Count what each threshold would find, before there is a campaign. */
async function count(names, there) {
  const asked = JSON.stringify([names, task()]);
  if (asked === countedFor) return;
  countedFor = asked;
  curve = null;
  would();
  if (!names.length || !there) return;
  const number = ++counting;
  const told = await ask("/api/campaigns/preview", { ids: names, task: task() }).catch((error) => ({ error: error.message }));
  if (number === counting && asked === countedFor) { curve = told; would(); }
}

function would() {
  const at = Number(form.threshold.value);
  document.getElementById("threshold-value").textContent = at.toFixed(2);
  const place = document.getElementById("would");
  const n = curve?.counts?.[Math.round(at * 100)];
  place.className = curve?.error ? "error-line" : "";
  if (curve?.error) place.textContent = curve.error;
  else place.textContent = n === undefined || n === null ? "" : `${counted(n)} of ${some(curve.samples, "sample")} ${n === 1 ? "reaches" : "reach"} it`;
  document.getElementById("lone").hidden = curve?.seeds !== 1;
}

form?.addEventListener("change", draw);
form?.threshold.addEventListener("input", would);
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = form.elements.name.value.trim();
  const made = await attempt(() => ask("/api/campaigns/new", {
    name, ids: fitting(marks.list(), task()), task: task(), threshold: Number(form.threshold.value) }));
  if (!made) return;
  await attempt(() => ask("/api/campaign/collect", { name }));  // where that is refused its page says so
  marks.clear();
  location.href = made.link;
});
document.getElementById("index")?.addEventListener("click", async () => {
  const space = document.getElementById("space").value.trim();
  if (!space) { say("say which model made the embeddings", true); return; }
  const told = await attempt(() => ask("/api/index", { task: task(), space }));
  if (told) watchJob({ number: told.job.number, onEnd: (job) => { if (job.state === "done") again(); } });
});
/** Open the page anew, and fill in what was typed. */
function again() {
  if (form) sessionStorage.setItem(TYPED, JSON.stringify(Object.fromEntries(["name", "threshold"].map((one) => [one, form.elements[one].value]))));
  location.reload();
}
const typed = form && sessionStorage.getItem(TYPED);
if (typed) {
  sessionStorage.removeItem(TYPED);
  for (const [name, value] of Object.entries(JSON.parse(typed))) if (value) form.elements[name].value = value;
}
if (form && marks.list().length && marks.list().every((name) => OBJECT.test(name))) {
  const objects = [...form.querySelectorAll('input[name="task"]')].find((one) => one.value === (taskOf(marks.list()[0]) ?? one.value) && one.value);
  if (objects) objects.checked = true;
}
marks.watch(draw);
draw();
