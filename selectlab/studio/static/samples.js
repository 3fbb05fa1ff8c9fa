import { ask, attempt, counted, el, isTyping, rounded } from "./studio.js";
import { Grid } from "./grid.js";

const form = document.getElementById("filter");
const count = document.getElementById("count");
const grid = new Grid(document.getElementById("gallery"), {
  caption: (item) => (item.value === null ? [] : [rounded(item.value)]),
  failed: () => { count.textContent = "These are the samples of before."; },
  loaded: (told) => {
    count.textContent = `${counted(told.total)} ${told.total === 1 ? "sample" : "samples"}`;
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
form.addEventListener("input", () => { clearTimeout(later); later = setTimeout(show, 250); });
form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(later); show(); });
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !isTyping(event)) { event.preventDefault(); form.contains.focus(); }
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
}

document.addEventListener("tagged", ({ detail }) => {
  if (![...form.tag.options].some((option) => option.value === detail.name)) form.tag.append(el("option", { value: detail.name }, detail.name));
  document.getElementById("tag-label").hidden = false;
});
restore();
show(false);
describe();
