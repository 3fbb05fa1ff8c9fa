import { ask, attempt, counted, el, isTyping, rounded, some } from "./studio.js";
import { Grid } from "./grid.js";
import { Tiles } from "./tiles.js";

const form = document.getElementById("filter");
const count = document.getElementById("count");
const wrong = document.getElementById("wrong");
const over = document.getElementById("over");
const tiles = new Tiles();
const grid = new Grid(document.getElementById("gallery"), {
  caption: (item) => (item.value === null ? [] : [rounded(item.value)]),
  returns: true,
  leaving(place) {
    try { sessionStorage.setItem("gallery-left", JSON.stringify(place)); } catch { /* at the top then */ }
  },
  left() {
    try {
      if (sessionStorage.getItem("gallery-back") !== "yes") return null;
      sessionStorage.removeItem("gallery-back");
      return JSON.parse(sessionStorage.getItem("gallery-left"));
    } catch { return null; }
  },
  decorate: (cell, item) => tiles.decorate(cell, item),
  failed(error) {
    count.textContent = "Below are the samples of before.";
    wrong.textContent = error.message;
    wrong.hidden = false;
    form.where.setAttribute("aria-invalid", error.message.startsWith("where") || form.where.value !== "");
  },
  loaded: (told) => {
    wrong.hidden = true;
    form.where.removeAttribute("aria-invalid");
    count.textContent = some(told.total, "sample");
  },
});

function wanted() {
  const given = new URLSearchParams();
  const data = new FormData(form);
  for (const name of ["contains", "tag", "sort"]) if (data.get(name)) given.set(name, data.get(name));
  for (const part of (data.get("where") ?? "").split(",")) if (part.trim()) given.append("where", part.trim());
  if (data.get("descending")) given.set("descending", "true");
  return given;
}

function show(remember = true) {
  const given = wanted();
  if (remember) history.replaceState(null, "", given.size ? `/?${given}` : "/");
  try { sessionStorage.setItem("gallery", String(given)); } catch { /* arrows go by id then */ }
  count.textContent = "Looking ...";
  grid.load(given.size ? `/api/samples?${given}` : "/api/samples");
}

function restore() {
  const given = new URLSearchParams(location.search);
  form.contains.value = given.get("contains") ?? "";
  form.where.value = given.getAll("where").join(", ");
  form.descending.checked = given.get("descending") === "true";
  for (const name of ["tag", "sort"]) {
    const value = given.get(name) ?? "";
    if (value && ![...form[name].options].some((option) => option.value === value)) {
      form[name].append(el("option", { value }, value));
    }
    form[name].value = value;
  }
}

let later;
form.addEventListener("input", (event) => {
  if (event.target === over) { draw(); return; }
  clearTimeout(later);
  later = setTimeout(show, 250);
});
form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(later); show(); });
document.addEventListener("keydown", (event) => {
  if (isTyping(event)) return;
  if (event.key === "/") { event.preventDefault(); form.contains.focus(); }
  else if (event.key === "b") { over.checked = !over.checked; draw(); }
  else if (event.target === document.body) grid.key(event); // nothing has the focus yet
});

async function describe() {
  const facts = await attempt(() => ask("/api/facts"));
  if (!facts) return;
  for (const [value, title] of Object.entries(facts.attributes)) {
    if (![...form.sort.options].some((option) => option.value === value)) form.sort.append(el("option", { value }, title));
    else [...form.sort.options].find((option) => option.value === value).textContent = title;
  }
  for (const tag of facts.tags) {
    if (![...form.tag.options].some((option) => option.value === tag)) form.tag.append(el("option", { value: tag }, tag));
  }
  document.getElementById("tag-label").hidden = facts.tags.length === 0;
  document.getElementById("over-label").hidden = Object.keys(facts.tasks).length === 0;
  if (facts.n_absent_videos) tellAbsent(facts);
}

function tellAbsent({ absent_videos: names, n_absent_videos: n }) {
  const line = document.getElementById("absent");
  const more = n > names.length ? ` and ${counted(n - names.length)} more` : "";
  line.replaceChildren(`Samples are frames of ${n === 1 ? "a video that is" : "videos that are"} not at hand: ${names.join(", ")}${more}. `,
    el("code", {}, `selectlab studio ${line.dataset.where} --videos FOLDER`), " says where they lie.");
  line.hidden = false;
}

function draw() {
  tiles.on = over.checked;
  try { sessionStorage.setItem("gallery-over", over.checked ? "yes" : ""); } catch { /* on this page only */ }
  grid.redraw();
}

document.addEventListener("tagged", ({ detail }) => {
  if (![...form.tag.options].some((option) => option.value === detail.name)) form.tag.append(el("option", { value: detail.name }, detail.name));
  document.getElementById("tag-label").hidden = false;
});
restore();
try { over.checked = tiles.on = sessionStorage.getItem("gallery-over") === "yes"; } catch { /* off */ }
show(false);
describe();
