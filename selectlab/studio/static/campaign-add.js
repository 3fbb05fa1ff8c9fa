// Marked pictures and objects become seeds of a campaign that is there already.

import { ask, attempt, el, marks, offer, some, tell } from "./studio.js";
import { OBJECT, fitting } from "./object-tasks.js";

const dialog = document.getElementById("add-dialog");
const list = document.getElementById("add-list");
const what = document.getElementById("add-what");
let given = [];

async function open(ids) {
  const told = await attempt(() => ask("/api/campaigns"));
  if (!told) return;
  given = ids;
  const here = new URLSearchParams(location.search).get("name");
  list.replaceChildren(...told.items.map((one, at) => el("label", { class: "choice" },
    el("input", { type: "radio", name: "name", value: one.name, required: true, "data-task": one.task,
      checked: document.body.dataset.page === "campaign" ? one.name === here : at === 0 }),
    el("span", {}, one.name), " ",
    el("span", { class: "quiet" }, `${one.task ? `objects of ${one.task}` : "frames"}, ${some(one.seeds, "seed")}, version ${one.version}`))));
  document.getElementById("add-none").hidden = told.items.length > 0;
  explain();
  dialog.showModal();
}

/** What the marks mean depends on what the campaign is about. */
function explain() {
  const chosen = list.querySelector("input:checked");
  const objects = given.filter((one) => OBJECT.test(one)).length;
  const parts = [given.length - objects && some(given.length - objects, "picture"), objects && some(objects, "object")];
  let line = `${parts.filter(Boolean).join(" and ")} marked.`;
  if (chosen?.dataset.task && given.length > objects) line += " A whole picture stands for all objects in it.";
  if (chosen && !chosen.dataset.task && objects) line += " An object stands for its whole picture.";
  const left = chosen ? given.length - fitting(given, chosen.dataset.task).length : 0;
  if (left) line += ` ${some(left, "object")} of another task ${left === 1 ? "is" : "are"} left out.`;
  document.getElementById("add-go").disabled = !chosen || left === given.length;
  what.textContent = line;
}

list.addEventListener("change", explain);
document.getElementById("add-form").addEventListener("submit", async (event) => {
  if (event.submitter?.value === "cancel") return;
  event.preventDefault();
  const { value: chosen, dataset } = list.querySelector("input:checked");
  const ids = fitting(given, dataset.task);
  const told = await attempt(() => ask("/api/campaign/add", { name: chosen, ids }));
  if (!told) return;
  dialog.close();
  marks.set(ids, false);
  const link = el("a", { href: `/campaign?${new URLSearchParams({ name: chosen })}` }, chosen);
  tellAdded(told, link);
  document.dispatchEvent(new CustomEvent("seeded", { detail: told }));
});

function tellAdded(told, link) {
  const words = told.added ? `${some(told.added, "new seed")}, counted from the next version on` : "all of them are seeds already";
  tell([link, `: ${words}`], { ms: 8000 });
}

offer("Add to campaign ...", open);
