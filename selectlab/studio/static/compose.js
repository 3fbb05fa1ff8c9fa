// A config by form: the JSON Schema says which fields there are.

import { ask, attempt, counted, el, jobMeter, watchJob } from "./studio.js";
import { Schema, blame, field, fields, picker, unblame } from "./compose-fields.js";

const form = document.getElementById("form");
const json = document.getElementById("json");
const note = document.getElementById("json-note");
const outcome = document.getElementById("outcome");
const nameOf = document.getElementById("name");
const HINT = note.textContent;
const SIZE = ["n_samples", "proportion_samples"];
let schema = null;
let config = { n_samples: 20, strategies: [{ input: { type: "EMBEDDINGS" }, strategy: { type: "DIVERSITY" } }] };

function summary(definition) { return (definition.description ?? "").split("\n")[0].replaceAll("``", ""); }

/** One strategy with its input. What the schema does not know stays as it is, for the JSON. */
function card(entry, number) {
  const path = `strategies[${number}]`;
  const found = schema.pairs();
  const pair = found.find((one) => schema.typeOf(one.strategy) === entry?.strategy?.type);
  const source = pair?.inputs.find((one) => schema.typeOf(one) === entry.input?.type);
  const change = (given) => { config.strategies[number] = { ...entry, ...given }; draw(); write(); };
  const choose = (type) => {
    const next = found.find((one) => schema.typeOf(one.strategy) === type);
    const fits = next.inputs.some((one) => schema.typeOf(one) === entry?.input?.type);
    change({ strategy: { type }, input: fits ? entry.input : { type: schema.typeOf(next.inputs[0]) } });
  };
  const unknown = (what, type) => el("p", { class: "about error-line" }, `${what} ${JSON.stringify(type ?? null)} is none that is installed or fits; choose one, or see the JSON.`);
  return el("fieldset", { class: "panel strategy", "data-path": path },
    el("legend", {}, `Strategy ${number + 1} `,
      config.strategies.length > 1 ? el("button", { type: "button", class: "small", onclick: () => {
        config.strategies.splice(number, 1); draw(); write(); } }, "Remove") : ""),
    el("div", { class: "fields" },
      ...picker(schema, "Aim", found.map((one) => one.strategy), entry?.strategy ?? {}, choose, `${path}.strategy`),
      ...(pair ? [el("p", { class: "about quiet" }, summary(pair.strategy)), ...fields(schema, pair.strategy, entry.strategy, write, `${path}.strategy`)]
        : [unknown("strategy", entry?.strategy?.type)]),
      ...(pair ? picker(schema, "Looks at", pair.inputs, entry.input ?? {}, (type) => change({ input: { type } }), `${path}.input`) : []),
      ...(source ? [el("p", { class: "about quiet" }, summary(source)), ...fields(schema, source, entry.input, write, `${path}.input`)] : []),
      ...(pair && !source ? [unknown("input", entry.input?.type)] : [])));
}

function draw() {
  const known = Object.keys(schema.schema.properties).filter((name) => name !== "strategies" && !name.startsWith("$"));
  const rest = known.filter((name) => !SIZE.includes(name));
  const top = (name) => field(schema, name, schema.schema.properties[name], config, write);
  document.getElementById("top").replaceChildren(...SIZE.flatMap(top),
    el("details", { class: "about", open: rest.some((name) => config[name] !== undefined) },
      el("summary", {}, `${rest.length} more options`), el("div", { class: "fields" }, ...rest.flatMap(top))));
  document.getElementById("strategies").replaceChildren(...config.strategies.map(card));
}

function write() {
  json.value = JSON.stringify(config, null, 2);
  told("");
  unblame(form);
}

/** Say what is wrong with the JSON; nothing, where it is right. */
function told(wrong) {
  json.toggleAttribute("aria-invalid", Boolean(wrong));
  if (wrong) json.setAttribute("aria-invalid", "true");
  note.textContent = wrong || HINT;
  note.className = wrong ? "error-line" : "quiet";
}

function read() {
  let given;
  try { given = JSON.parse(json.value); } catch (error) { told(`Not JSON yet: ${error.message}. The form stays as it was.`); return; }
  if (!given || typeof given !== "object" || !Array.isArray(given.strategies)) { told('Expected an object with a list "strategies". The form stays as it was.'); return; }
  config = given;
  told("");
  draw();
}

/** Whether the JSON is what the form says; what cannot be read is not run. */
function readable() {
  if (note.className !== "error-line") return true;
  json.focus();
  return false;
}

function refused(error) {
  const named = error.message.startsWith("name: ");
  const shown = named ? false : blame(form, error.message);
  nameOf.toggleAttribute("aria-invalid", false);
  if (named) { nameOf.setAttribute("aria-invalid", "true"); nameOf.focus(); }
  outcome.replaceChildren(el("p", { class: "error-line" }, error.message),
    shown ? el("p", { class: "quiet" }, "It is shown at the field too.") : "");
}

async function check() {
  if (!readable()) return;
  unblame(form);
  outcome.replaceChildren("Checking ...");
  try {
    const found = await ask("/api/compose/check", { config });
    outcome.replaceChildren(
      el("p", {}, el("strong", {}, `${counted(found.counts.candidates)} of ${counted(found.counts.input)} samples can be selected`)),
      el("ul", {}, ...found.strategies.map((line) => el("li", {}, line))),
      ...found.notes.map((line) => el("p", { class: "warning" }, line)));
  } catch (error) { refused(error); }
}

const meter = jobMeter(outcome);
async function run() {
  if (!readable()) return;
  unblame(form);
  nameOf.removeAttribute("aria-invalid");
  try {
    const { job } = await ask("/api/compose/run", { config, name: nameOf.value });
    meter.step(job);
    watchJob({ number: job.number, onStep: meter.step, onEnd: ran });
  } catch (error) { refused(error); }
}

function ran(job) {
  if (job.state === "failed") refused(new Error(job.error));
  else if (job.state === "cancelled") outcome.replaceChildren("Cancelled; nothing was written.");
  else {
    outcome.replaceChildren(el("p", {}, `${counted(job.result.selected)} selected. `,
      el("a", { class: "button", href: job.result.link }, "Open the run")));
    rename();
  }
  return true;
}

async function rename() {
  const next = await ask("/api/compose/name").catch(() => null);
  if (next) nameOf.value = next.name;
}

document.getElementById("add").addEventListener("click", () => {
  config.strategies.push({ input: { type: "RANDOM" }, strategy: { type: "WEIGHTS" } });
  draw();
  write();
});
document.getElementById("check").addEventListener("click", check);
document.getElementById("run").addEventListener("click", run);
form.addEventListener("submit", (event) => event.preventDefault());
json.addEventListener("input", read);

const like = new URLSearchParams(location.search).get("run");
const [facts, , held] = await Promise.all([
  attempt(() => ask("/api/schema")),
  rename(),
  like ? attempt(() => ask(`/api/run/config?${new URLSearchParams({ name: like })}`)) : null,
]);
if (facts) {
  schema = new Schema(facts.schema, facts.choices);
  if (held) config = held.config;
  draw();
  write();
}
