import { ask, attempt, counted, el, marks, pageOf, pictureOf, say, watchJob } from "./studio.js";
import { OBJECT, fitting, taskOf } from "./object-tasks.js";

const form = document.getElementById("new");
const strip = document.getElementById("seeds");
const MOST = 200;

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
  const space = document.getElementById("space");
  if (!there && !space.value) space.value = chosen.dataset.space;
}

form?.addEventListener("change", draw);
form?.threshold.addEventListener("input", () => {
  document.getElementById("threshold-value").textContent = Number(form.threshold.value).toFixed(2);
});
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
  if (told) watchJob({ number: told.job.number, onEnd: (job) => { if (job.state === "done") location.reload(); } });
});
if (form && marks.list().length && marks.list().every((name) => OBJECT.test(name))) {
  const objects = [...form.querySelectorAll('input[name="task"]')].find((one) => one.value === (taskOf(marks.list()[0]) ?? one.value) && one.value);
  if (objects) objects.checked = true;
}
marks.watch(draw);
draw();
