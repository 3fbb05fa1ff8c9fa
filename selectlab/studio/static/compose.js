// A config by form: the JSON Schema says which fields there are.

import { ask, attempt, counted, el, jobMeter, watchJob } from "./studio.js";
import { Schema, blame, field, fields, picker, unblame, unusable } from "./compose-fields.js";

const form = document.getElementById("form");
const json = document.getElementById("json");
const note = document.getElementById("json-note");
const outcome = document.getElementById("outcome");
const nameOf = document.getElementById("name");
const HINT = note.textContent;
const SIZE = ["n_samples", "proportion_samples"];
let schema = null;
const FIRST = JSON.stringify({ n_samples: 20, strategies: [{ input: { type: "EMBEDDINGS" }, strategy: { type: "DIVERSITY" } }] });
const after = document.getElementById("after");
const [checkButton, runButton, blocked] = ["check", "run", "blocked"].map((id) => document.getElementById(id));
const KEPT = `compose:${location.host}:${document.querySelector(".brand").title}`;
let config = JSON.parse(FIRST);
let atWork = false;

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
  offerClasses(path, entry?.input, number);
  return el("fieldset", { class: "panel strategy", "data-path": path },
    el("datalist", { id: `classes-${number}` }),
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

/** Have the classes offered that an input tells apart, once the dataset says which there are. */
async function offerClasses(path, input, number) {
  const asked = input?.task ? { task: input.task } : input?.key ? { key: input.key } : null;
  const key = JSON.stringify(asked);
  if (asked && !asking.has(key)) {
    asking.set(key, ask(`/api/compose/classes?${new URLSearchParams(asked)}`).then((told) => told.items, () => NONE));
  }
  const items = asked ? await asking.get(key) : NONE;
  const now = config.strategies[number]?.input;
  if ((now?.task ?? now?.key) !== (input?.task ?? input?.key)) return; // another one was chosen meanwhile
  const known = schema.classes.get(path) ?? NONE;
  schema.classes.set(path, items);
  const place = form.querySelector(`fieldset[data-path="${path}"]`);
  document.getElementById(`classes-${number}`)?.replaceChildren(...items.map((one) => el("option", { value: one.name })));
  if (items === known) return; // nothing is drawn anew under who types
  for (const one of place?.querySelectorAll(".lines") ?? []) one.dispatchEvent(new CustomEvent("classes"));
}
const asking = new Map();
const NONE = [];

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
  config.strategies.forEach((entry, number) => offerClasses(`strategies[${number}]`, entry?.input, number));
  edited();
}

/** What was found out about a config is not true of another one; what is put together stays. */
function edited() {
  if (!atWork) outcome.replaceChildren();
  ready();
  try { sessionStorage.setItem(KEPT, JSON.stringify({ text: json.value, after: after.value })); } catch { /* full or off */ }
}

/** Only what is shown is checked and run: not while some of it cannot be read. */
function ready() {
  const why = note.className === "error-line" ? "The config is not JSON yet." : unusable(form);
  blocked.textContent = why && `Neither Check nor Run: ${spoken(why)}`;
  checkButton.disabled = Boolean(why);
  runButton.disabled = Boolean(why) || atWork;
}

/** A line that names a strategy as the form does. */
function spoken(line) {
  return line.replace(/\bstrategies\[(\d+)\](?:\.(?:strategy|input))?\.?([\w$.[\]]*)/g,
    (_, number, rest) => `Strategy ${Number(number) + 1}${rest ? `, ${rest}` : ""}`);
}

/** Say what is wrong with the JSON; nothing, where it is right. */
function told(wrong) {
  json.toggleAttribute("aria-invalid", Boolean(wrong));
  if (wrong) json.setAttribute("aria-invalid", "true");
  note.textContent = wrong || HINT;
  note.className = wrong ? "error-line" : "quiet";
}

function read() {
  let given = null;
  try {
    given = JSON.parse(json.value);
    const fits = given && typeof given === "object" && Array.isArray(given.strategies);
    told(fits ? "" : 'Expected an object with a list "strategies". The form stays as it was.');
    if (fits) config = given;
  } catch (error) { told(`Not JSON yet: ${error.message}. The form stays as it was.`); }
  if (note.className !== "error-line") draw();
  edited();
}

function refused(line) {
  const named = line.startsWith("name: ");
  const shown = named ? false : blame(form, line);
  nameOf.toggleAttribute("aria-invalid", false);
  if (named) { nameOf.setAttribute("aria-invalid", "true"); nameOf.focus(); }
  outcome.replaceChildren(el("p", { class: "error-line" }, spoken(line)),
    shown ? el("p", { class: "quiet" }, "It is shown at the field too.") : "");
}

/** What is checked and run: the text that is shown, to the letter. */
const wanted = () => ({ config: json.value, after: after.value || null });

async function check() {
  unblame(form);
  outcome.replaceChildren("Checking ...");
  const asked = wanted();
  try {
    const found = await ask("/api/compose/check", asked);
    if (JSON.stringify(asked) !== JSON.stringify(wanted())) return; // it is another config by now
    if (found.problem) { refused(found.problem); return; }
    outcome.replaceChildren(
      el("p", {}, el("strong", {}, `${counted(found.counts.candidates)} of ${counted(found.counts.input)} samples can be selected`),
        found.counts.preselected ? `, ${counted(found.counts.preselected)} selected already` : ""),
      el("ul", {}, ...found.strategies.map((line) => el("li", {}, line))),
      ...found.notes.map((line) => el("p", { class: "warning" }, spoken(line))));
  } catch (error) { refused(error.message); }
}

const meter = jobMeter(outcome);
async function run() {
  unblame(form);
  nameOf.removeAttribute("aria-invalid");
  try {
    const { job } = await ask("/api/compose/run", { ...wanted(), name: nameOf.value });
    atWork = true;
    ready();
    meter.step(job);
    watchJob({ number: job.number, onStep: meter.step, onEnd: ran });
  } catch (error) { refused(error.message); }
}

function ran(job) {
  atWork = false;
  ready();
  if (job.state === "failed") refused(job.error);
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
for (const kind of ["input", "click"]) form.addEventListener(kind, ready);
json.addEventListener("input", read);
after.addEventListener("change", edited);
document.getElementById("anew").addEventListener("click", () => {
  config = JSON.parse(FIRST);
  after.value = "";
  draw();
  write();
});

/** What was put together here before, as long as the tab is open. */
function kept() {
  try { return JSON.parse(sessionStorage.getItem(KEPT)); } catch { return null; }
}

function begin(facts, held) {
  schema = new Schema(facts.schema, facts.choices);
  after.append(...facts.runs.map((name) => el("option", { value: name }, `what ${name} selected, or found selected`)));
  const before = kept();
  if (held) config = held.config;
  draw();
  write();
  if (held) { history.replaceState(null, "", location.pathname); return; } // a reload keeps what is changed
  if (!before) return;
  if (facts.runs.includes(before.after)) after.value = before.after;
  json.value = before.text;
  read();
}

const like = new URLSearchParams(location.search).get("run");
const [facts, , held] = await Promise.all([
  attempt(() => ask("/api/schema")),
  rename(),
  like ? attempt(() => ask(`/api/run/config?${new URLSearchParams({ name: like })}`)) : null,
]);
if (facts) begin(facts, held);
