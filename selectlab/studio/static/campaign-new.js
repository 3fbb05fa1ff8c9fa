import { ask, attempt, el, marks, pageOf, pictureOf, say, watchJob } from "./studio.js";

const form = document.getElementById("new");
const strip = document.getElementById("seeds");
const OBJECT = /^(.+)#(\d+)$/s;

function task() { return form ? form.task.value ?? "" : ""; }

function shown(name) {
  const found = OBJECT.exec(name);
  const id = found ? found[1] : name;
  const source = found && task()
    ? `/crop?${new URLSearchParams({ id, task: task(), number: found[2] })}` : pictureOf(id);
  return el("li", {}, el("a", { href: pageOf(id), title: name },
    el("img", { src: source, alt: "" }), el("div", { class: "name" }, name)));
}

function draw() {
  const names = marks.list();
  document.getElementById("no-marks").hidden = names.length > 0;
  document.getElementById("seeds-panel").hidden = names.length === 0;
  strip.replaceChildren(...names.slice(0, 200).map(shown));
  if (!form) return;
  const chosen = form.querySelector('input[name="task"]:checked');
  const there = chosen.dataset.there === "yes";
  document.getElementById("create").disabled = names.length === 0 || !there;
  document.getElementById("index-first").hidden = there;
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
    name, ids: marks.list(), task: task(), threshold: Number(form.threshold.value) }));
  if (!made) return;
  await attempt(() => ask("/api/campaign/collect", { name }));
  marks.clear();
  location.href = made.link;
});
document.getElementById("index")?.addEventListener("click", async () => {
  const space = document.getElementById("space").value.trim();
  if (!space) { say("say which model made the embeddings", true); return; }
  if (await attempt(() => ask("/api/index", { task: task(), space }))) {
    watchJob((job) => { if (job.state === "done") location.reload(); }, true);
  }
});
marks.watch(draw);
draw();
