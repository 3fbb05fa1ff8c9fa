// A config by form: the JSON Schema says which fields there are.

import { ask, attempt, counted, el, watchJob } from "./studio.js";

const json = document.getElementById("json");
const outcome = document.getElementById("outcome");
const TOP = ["n_samples", "proportion_samples", "min_frame_gap", "selected_sequence_length"];
let schema = null;
let choices = {};
let config = { n_samples: 20, strategies: [{ input: { type: "EMBEDDINGS" }, strategy: { type: "DIVERSITY" } }] };

const named = (part) => schema.$defs[part.$ref.split("/").pop()];
const typeOf = (definition) => definition.properties.type.const ?? definition.properties.type.default;
const resolved = (part) => {
  if (part.$ref) return { ...named(part), ...part, $ref: undefined };
  const real = (part.anyOf ?? []).filter((one) => one.type !== "null");
  return real.length === 1 ? { ...part, ...resolved(real[0]), anyOf: undefined } : part;
};

/** Which strategies there are, each with the inputs that go with it. */
function pairs() {
  return schema.properties.strategies.items.anyOf.map((pair) => ({
    strategy: named(pair.properties.strategy),
    inputs: pair.properties.input.anyOf.map(named),
  }));
}

/** What an empty choice means. */
function unset(kind) {
  if (kind.default === undefined || kind.default === null) return "(not set)";
  return `(${ { true: "yes", false: "no" }[kind.default] ?? kind.default })`;
}

function control(name, part, value, put) {
  const kind = resolved(part);
  const known = kind.enum ?? (choices[name]?.length ? choices[name] : null);
  if (known) {
    const options = ["", ...known].map((one) =>
      el("option", { value: one, selected: String(value ?? "") === String(one) }, one || unset(kind)));
    return el("select", { onchange: (event) => put(event.target.value === "" ? undefined : event.target.value) }, ...options);
  }
  if (kind.type === "boolean") {
    return el("select", { onchange: (event) => put({ "": undefined, yes: true, no: false }[event.target.value]) },
      ...["", "yes", "no"].map((one) => el("option", { value: one, selected: one === { true: "yes", false: "no" }[value] }, one || unset(kind))));
  }
  if (kind.type === "number" || kind.type === "integer") {
    return el("input", { type: "number", step: kind.type === "integer" ? 1 : "any", min: kind.minimum, max: kind.maximum,
      value: value ?? "", oninput: (event) => put(event.target.value === "" ? undefined : Number(event.target.value)) });
  }
  if (kind.type === "string") {
    return el("input", { type: "text", value: value ?? "", oninput: (event) => put(event.target.value || undefined) });
  }
  return el("input", { type: "text", placeholder: "JSON", value: value === undefined ? "" : JSON.stringify(value),
    oninput: (event) => {
      try { put(event.target.value ? JSON.parse(event.target.value) : undefined); event.target.removeAttribute("aria-invalid"); }
      catch { event.target.setAttribute("aria-invalid", "true"); }
    } });
}

let serial = 0;
function field(name, part, held, required) {
  const id = `field-${++serial}`;
  const made = control(name, part, held[name], (value) => {
    if (value === undefined) delete held[name]; else held[name] = value;
    write();
  });
  made.id = id;
  const given = made.tagName === "SELECT" ? null : resolved(part).default;
  const hint = part.description ?? (given !== undefined && given !== null ? `default ${JSON.stringify(given)}` : "");
  return [
    el("label", { for: id }, name, required ? " *" : ""),
    el("div", {}, made, hint ? el("span", { class: "note" }, hint) : ""),
  ];
}

function fields(definition, held) {
  return Object.entries(definition.properties).filter(([name]) => name !== "type")
    .flatMap(([name, part]) => field(name, part, held, definition.required?.includes(name)));
}

function summary(definition) { return (definition.description ?? "").split("\n")[0].replaceAll("``", ""); }

function picker(title, definitions, held, change) {
  const id = `field-${++serial}`;
  return [
    el("label", { for: id }, title),
    el("select", { id, onchange: (event) => change(event.target.value) },
      ...definitions.map((one) => el("option", { value: typeOf(one), selected: typeOf(one) === held.type }, typeOf(one)))),
  ];
}

function card(entry, number) {
  const found = pairs();
  const pair = found.find((one) => typeOf(one.strategy) === entry.strategy?.type) ?? found[0];
  entry.strategy = entry.strategy?.type === typeOf(pair.strategy) ? entry.strategy : { type: typeOf(pair.strategy) };
  const source = pair.inputs.find((one) => typeOf(one) === entry.input?.type) ?? pair.inputs[0];
  entry.input = entry.input?.type === typeOf(source) ? entry.input : { type: typeOf(source) };
  return el("fieldset", { class: "panel strategy" },
    el("legend", {}, `Strategy ${number + 1} `,
      config.strategies.length > 1 ? el("button", { type: "button", class: "small", onclick: () => {
        config.strategies.splice(number, 1); draw(); write(); } }, "Remove") : ""),
    el("div", { class: "fields" },
      ...picker("Aim", found.map((one) => one.strategy), entry.strategy, (type) => { entry.strategy = { type }; draw(); write(); }),
      el("p", { class: "about quiet" }, summary(pair.strategy)),
      ...fields(pair.strategy, entry.strategy),
      ...picker("Looks at", pair.inputs, entry.input, (type) => { entry.input = { type }; draw(); write(); }),
      el("p", { class: "about quiet" }, summary(source)),
      ...fields(source, entry.input)));
}

function draw() {
  document.getElementById("top").replaceChildren(...TOP.flatMap((name) => field(name, schema.properties[name], config)));
  document.getElementById("strategies").replaceChildren(...config.strategies.map(card));
}

function write() {
  json.value = JSON.stringify(config, null, 2);
  json.removeAttribute("aria-invalid");
}

function read() {
  try {
    const given = JSON.parse(json.value);
    if (!Array.isArray(given.strategies)) throw new Error("no strategies");
    config = given;
    json.removeAttribute("aria-invalid");
    draw();
  } catch {
    json.setAttribute("aria-invalid", "true");
  }
}

function refused(error) { outcome.replaceChildren(el("p", { class: "error-line" }, error.message)); }

async function check() {
  outcome.replaceChildren("Checking ...");
  try {
    const told = await ask("/api/compose/check", { config });
    outcome.replaceChildren(
      el("p", {}, el("strong", {}, `${counted(told.counts.candidates)} of ${counted(told.counts.input)} samples can be selected`)),
      el("ul", {}, ...told.strategies.map((line) => el("li", {}, line))),
      ...told.notes.map((line) => el("p", { class: "warning" }, line)));
  } catch (error) { refused(error); }
}

async function run() {
  try {
    await ask("/api/compose/run", { config, name: document.getElementById("name").value });
    outcome.replaceChildren("Running ...");
    watchJob((job) => {
      if (job.state === "failed") refused(new Error(job.error));
      else if (job.state === "done") {
        outcome.replaceChildren(el("p", {}, `${counted(job.result.selected)} selected. `, el("a", { href: job.result.link }, "Open the run")));
      } else outcome.replaceChildren(job.state);
    }, true);
  } catch (error) { refused(error); }
}

document.getElementById("add").addEventListener("click", () => { config.strategies.push({ strategy: { type: "WEIGHTS" } }); draw(); write(); });
document.getElementById("check").addEventListener("click", check);
document.getElementById("run").addEventListener("click", run);
document.getElementById("form").addEventListener("submit", (event) => event.preventDefault());
json.addEventListener("input", read);
const told = await attempt(() => ask("/api/schema"));
if (told) {
  ({ schema, choices } = told);
  draw();
  write();
}
