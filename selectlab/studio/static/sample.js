import { ask, attempt, el, isTyping, marks, pageOf, pictureOf, rounded } from "./studio.js";
import { noteTask } from "./object-tasks.js";
import { drawn } from "./picture.js";

const id = document.getElementById("sample").dataset.id;
const view = document.getElementById("view");
const least = document.getElementById("min-score");
let sample = null;
let boxes = true;

function shown() {
  return sample.shapes.filter((one) =>
    one.origin === "imputed" || one.origin === "suspicious" || one.score === null || one.score >= Number(least.value));
}

function draw(lit = null) {
  if (!sample?.canvas) return;
  const found = boxes ? shown() : [];
  const crowded = found.length > (view.clientWidth < 500 ? 3 : 12); // names would hide what they name
  view.replaceChildren(drawn(sample.size ? pictureOf(id, 1600) : null, sample.canvas, found, {
    alt: sample.size ? id : `${id}, its boxes without the picture`, lit, wide: Math.min(900, view.clientWidth || 900),
    tags: (one) => !crowded || one.origin !== "predicted" || found.indexOf(one) === lit,
  }), ...absence());
}

/** Why there is no picture, in words. */
function absence() {
  if (!sample.absent) return [];
  const what = sample.canvas ? " What was found in it is drawn on a canvas that ends where the boxes do." : "";
  return [el("figcaption", { class: "absent" }, el("strong", {}, "No picture. "), `${sample.absent}${what}`)];
}

function list() {
  document.getElementById("shapes-panel").hidden = sample.shapes.length === 0;
  document.getElementById("min-score-value").textContent = Number(least.value).toFixed(2);
  for (const line of document.querySelectorAll("#legend > [data-origin]")) {
    line.hidden = !sample.shapes.some((one) => one.origin === line.dataset.origin);
  }
  const several = new Set(sample.shapes.map((one) => one.task)).size > 1;
  const lines = shown().map((one, number) => {
    const light = () => draw(number);
    const dim = () => draw();
    return el("li", { tabindex: "0", onmouseenter: light, onmouseleave: dim, onfocus: light, onblur: dim },
      el("span", { class: `line ${one.origin}`, title: one.origin }),
      el("span", {}, one.category),
      el("span", { class: "quiet" }, [one.origin === "predicted" ? "" : one.origin, several ? one.task : ""].filter(Boolean).join(", ")),
      el("span", { class: "number" }, one.score === null ? "" : one.score.toFixed(2)),
      one.box && one.number !== null ? markObject(one) : "");
  });
  document.getElementById("shapes").replaceChildren(...lines);
  draw();
}

/** A button that marks an object, to look for more of its kind. */
function markObject(one) {
  const name = `${id}#${one.number}`;
  const tick = el("button", { type: "button", class: "small", title: "Mark this object", "aria-pressed": String(marks.has(name)),
    onclick: () => { noteTask(name, one.task); marks.toggle(name); tick.setAttribute("aria-pressed", marks.has(name)); } }, "mark");
  return tick;
}

async function load() {
  sample = await attempt(() => ask(`/api/sample?${new URLSearchParams({ id })}`));
  if (!sample) return;
  if (sample.absent) {
    view.classList.add("without");
    view.replaceChildren(...absence());
  }
  list();
}

async function beside() {
  let query = "";
  try { query = sessionStorage.getItem("gallery") ?? ""; } catch { /* by id */ }
  const given = new URLSearchParams(query);
  given.set("id", id);
  document.getElementById("back").href = query ? `/?${query}` : "/";
  document.getElementById("back").addEventListener("click", () => {
    try { sessionStorage.setItem("gallery-back", "yes"); } catch { /* at the top then */ }
  });
  const told = await ask(`/api/beside?${given}`).catch(() => ({}));
  for (const name of ["before", "after"]) {
    const link = document.getElementById(name);
    link.hidden = !told[name];
    if (told[name]) link.href = pageOf(told[name]);
  }
}

async function alike() {
  const told = await attempt(() => ask(`/api/near?${new URLSearchParams({ id })}`));
  if (!told?.items.length) return;
  document.getElementById("near-panel").hidden = false;
  document.getElementById("near").replaceChildren(...told.items.map((one) =>
    el("li", {}, el("a", { href: pageOf(one.id), title: one.id },
      el("img", { src: pictureOf(one.id), alt: "" }),
      el("div", { class: "name" }, one.id),
      el("div", { class: "quiet" }, rounded(one.distance))))));
}

const button = document.getElementById("mark");
function marking() { button.setAttribute("aria-pressed", marks.has(id)); }
button.addEventListener("click", () => marks.toggle(id));
marks.watch(marking);
least.addEventListener("input", list);
document.addEventListener("keydown", (event) => {
  if (isTyping(event) || event.target === least) return;
  const links = { ArrowLeft: "before", ArrowRight: "after" };
  if (event.key in links) {
    const link = document.getElementById(links[event.key]);
    if (!link.hidden) location.href = link.href;
  } else if (event.key === "x") marks.toggle(id);
  else if (event.key === "b") { boxes = !boxes; draw(); }
});
marking();
load();
beside();
alike();
