// Fields of a form for what a JSON Schema describes; each writes into the config that it is part of.

import { el } from "./studio.js";

let serial = 0;

/** What a schema says of a part of a config. */
export class Schema {
  constructor(schema, choices) { Object.assign(this, { schema, choices, classes: new Map() }); }

  named(part) { return this.schema.$defs[part.$ref.split("/").pop()]; }

  /** A part with what it refers to filled in; null, which means not set, is left out. */
  resolved(part) {
    if (part.$ref) return { ...this.named(part), ...part, $ref: undefined };
    const real = (part.anyOf ?? []).filter((one) => one.type !== "null");
    return real.length === 1 ? { ...part, ...this.resolved(real[0]), anyOf: undefined } : part;
  }

  typeOf(definition) { return definition.properties.type.const ?? definition.properties.type.default; }

  /** Which strategies there are, each with the inputs that go with it. */
  pairs() {
    return this.schema.properties.strategies.items.anyOf.map((pair) => ({
      strategy: this.named(pair.properties.strategy),
      inputs: pair.properties.input.anyOf.map((one) => this.named(one)),
    }));
  }
}

/** What an empty choice means. */
function unset(kind) {
  if (kind.default === undefined || kind.default === null) return "(not set)";
  return `(${ { true: "yes", false: "no" }[kind.default] ?? kind.default })`;
}

function select(options, value, kind, put) {
  const known = value === undefined || options.some(([, one]) => one === value) ? options : [...options, [String(value), value]];
  return el("select", { onchange: (event) => put(known[event.target.selectedIndex - 1]?.[1]) },
    el("option", { selected: value === undefined }, unset(kind)),
    ...known.map(([title, one]) => el("option", { selected: one === value }, title)));
}

/** Say at an input that what stands there cannot be used; nothing, where it can. It is not run then. */
function wrong(input, why = "") {
  if (why) { input.dataset.wrong = why; input.setAttribute("aria-invalid", "true"); input.title = why; }
  else if (input.dataset.wrong) { delete input.dataset.wrong; input.removeAttribute("aria-invalid"); input.title = ""; }
}

/** The first thing in a form that cannot be used, in words; nothing, where there is none. */
export function unusable(form) {
  const found = form.querySelector("[data-wrong]");
  if (!found) return "";
  return `${found.closest("[data-path]")?.dataset.path ?? ""}: ${found.dataset.wrong}`;
}

/** Why an input of numbers holds none. */
const noNumber = (input) => (input.validity.badInput ? "no number" : "");

function number(kind, value, put) {
  return el("input", { type: "number", step: kind.type === "integer" ? 1 : "any", min: kind.minimum, max: kind.maximum,
    placeholder: kind.default ?? "", value: value ?? "",
    oninput: ({ target }) => {
      wrong(target, noNumber(target));
      if (!target.dataset.wrong) put(target.value === "" ? undefined : Number(target.value));
    } });
}

function json(kind, value, put) {
  return el("input", { type: "text", placeholder: "JSON", value: value === undefined ? "" : JSON.stringify(value), spellcheck: "false",
    oninput: (event) => {
      let given;
      try { given = event.target.value ? JSON.parse(event.target.value) : undefined; }
      catch (error) { wrong(event.target, `not JSON: ${error.message}`); return; }
      wrong(event.target);
      put(given);
    } });
}

/** Which of some words. */
function ticks(kind, value, put) {
  const chosen = new Set(value ?? []);
  return el("div", { role: "group" }, ...kind.items.enum.map((one) => el("label", { class: "choice" },
    el("input", { type: "checkbox", checked: chosen.has(one), onchange: (event) => {
      event.target.checked ? chosen.add(one) : chosen.delete(one);
      put(kind.items.enum.filter((word) => chosen.has(word)));
    } }), ` ${one}`)));
}

/** Lines that can be added and removed; each makes its own controls. */
function lines(held, add, line, put) {
  const place = el("div", { class: "lines", role: "group" });
  const tell = () => put(held);
  const draw = () => place.replaceChildren(
    ...held.map((one, at) => el("div", { class: "line-of" }, ...line(one, tell, at),
      el("button", { type: "button", class: "small", title: "Remove this line", onclick: () => { held.splice(at, 1); tell(); draw(); } }, "Remove"))),
    el("button", { type: "button", class: "small", onclick: () => { held.push(add()); draw(); place.querySelector(".line-of:last-of-type input")?.focus(); } }, "Add"));
  draw();
  return place;
}

/** What the classes of the dataset are called, where a strategy looks at classes. */
const classesAt = (schema, path) => schema.classes.get(/^strategies\[\d+\]/.exec(path)?.[0]) ?? [];
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
const rounded = (value) => Number(value.toFixed(3));
const listAt = (path) => `classes-${/^strategies\[(\d+)\]/.exec(path)?.[1] ?? "none"}`;

/** Names with a number each, such as classes with what is wanted of them. */
function shares(schema, kind, value, put, path) {
  let held = Object.entries(value ?? {}).map(([key, share]) => ({ key, share }));
  const place = el("div", { class: "lines", role: "group" });
  const sum = el("p", { class: "quiet sum" });
  const known = () => classesAt(schema, path);
  const tell = () => {
    for (const one of held) check(one, held, known());
    sum.textContent = sumOf(held);
    if (held.some((one) => one.name.dataset.wrong || one.number.dataset.wrong)) return;
    const full = held.filter((one) => one.key !== "");
    put(full.length ? Object.fromEntries(full.map((one) => [one.key, Number(one.share)])) : undefined);
  };
  const row = (one, at) => {
    one.note = el("span", { class: "quiet" });
    one.name = el("input", { type: "text", list: listAt(path), "aria-label": "name", placeholder: "class", value: one.key,
      oninput: ({ target }) => { one.key = target.value; tell(); } });
    one.number = el("input", { type: "number", step: "any", min: 0, "aria-label": "number", placeholder: "share", value: one.share,
      oninput: ({ target }) => { one.share = target.value; tell(); } });
    return el("div", { class: "line-of" }, one.name, one.number,
      el("button", { type: "button", class: "small", title: "Remove this line", onclick: () => { held.splice(at, 1); draw(); tell(); } }, "Remove"), one.note);
  };
  const draw = () => {
    const left = known().filter((one) => !held.some((other) => other.key === one.name));
    place.replaceChildren(...held.map(row), el("div", { class: "line-of" },
      el("button", { type: "button", class: "small", onclick: () => { held.push({ key: "", share: "" }); draw(); [...place.querySelectorAll("input[type=text]")].pop().focus(); } }, "Add"),
      left.length ? el("button", { type: "button", class: "small", title: "A line for each class of the dataset, with the share that it has there",
        onclick: () => { held = [...held, ...left.map((one) => ({ key: one.name, share: rounded(one.share) }))]; draw(); tell(); } },
      held.length ? "The other classes" : "All classes, as they are now") : ""), sum);
    for (const one of held) check(one, held, known());
    sum.textContent = sumOf(held);
  };
  place.addEventListener("classes", draw);
  draw();
  return place;
}

/** Say of a line of shares what is wrong with it, and how the dataset is. */
function check(one, held, known) {
  const twice = one.key !== "" && held.some((other) => other !== one && other.key === one.key);
  wrong(one.name, twice ? `${one.key} stands there twice` : one.key === "" && one.share !== "" ? "a share without a class" : "");
  wrong(one.number, noNumber(one.number) || (one.key !== "" && one.share === "" ? `how much of ${one.key}?` : ""));
  const there = known.find((other) => other.name === one.key);
  const problem = one.name.dataset.wrong || one.number.dataset.wrong;
  one.note.textContent = problem || (there ? `now ${percent(there.share)}` : one.key && known.length ? "not in the dataset" : "");
  one.note.className = problem ? "error-line" : "quiet";
}

function sumOf(held) {
  const all = held.reduce((sum, one) => sum + (Number(one.share) || 0), 0);
  if (!held.length) return "";
  if (all > 1.0005) return `Sum ${rounded(all)}: more than 1, scaled down.`;
  return all > 0.9995 ? "Sum 1." : `Sum ${rounded(all)}; the other ${rounded(1 - all)} is for all other classes together.`;
}

/** Words, or numbers with commas between them, a line each. */
function list(kind, value, put, path) {
  const numbers = kind.items.type === "array";
  const held = (value ?? []).map((one) => ({ text: numbers ? one.join(", ") : String(one) }));
  const read = (text) => (numbers ? text.split(",").filter((one) => one.trim()).map(Number) : text);
  const line = (one, tell) => [el("input", { type: "text", list: numbers ? null : listAt(path), value: one.text, "aria-label": "value", placeholder: numbers ? "0.1, 0.1, 0.9, 0.9" : "name",
    oninput: ({ target }) => {
      one.text = target.value;
      wrong(target, numbers && read(one.text).some(Number.isNaN) ? "expected numbers with commas between them" : "");
      if (!target.dataset.wrong) tell();
    } })];
  return lines(held, () => ({ text: "" }), line, () => {
    const full = held.filter((one) => one.text.trim());
    put(full.length ? full.map((one) => read(one.text)) : undefined);
  });
}

/** A part that is an object with fields of its own. */
function nested(schema, kind, value, put, path) {
  const held = { ...(value ?? {}) };
  const tell = () => put(Object.keys(held).length ? { ...held } : undefined);
  return el("div", { class: "fields nested", role: "group" },
    ...Object.entries(kind.properties).flatMap(([name, part]) => field(schema, name, part, held, tell, { path })));
}

/** Objects of several types, one below the other. */
function cards(schema, kind, value, put, path) {
  const types = kind.items.anyOf.map((one) => schema.named(one));
  const held = (value ?? []).map((one) => ({ ...one }));
  const line = (one, tell, at) => {
    const place = el("div", { class: "fields nested" });
    const draw = () => {
      const definition = types.find((type) => schema.typeOf(type) === one.type) ?? types[0];
      place.replaceChildren(
        ...picker(schema, "type", types, one, (type) => { for (const key of Object.keys(one)) if (key !== "name") delete one[key]; one.type = type; tell(); draw(); }, `${path}[${at}]`),
        ...fields(schema, definition, one, tell, `${path}[${at}]`));
    };
    draw();
    return [place];
  };
  return lines(held, () => ({ type: schema.typeOf(types[0]) }), line, () => put(held.length ? held : undefined));
}

function control(schema, name, part, value, put, path) {
  const kind = schema.resolved(part);
  const words = kind.enum ?? (kind.type === "string" && schema.choices[name]?.length ? schema.choices[name] : null);
  if (words) return select(words.map((one) => [one, one]), value, kind, put);
  if (kind.type === "boolean") return select([["yes", true], ["no", false]], value, kind, put);
  if (kind.type === "number" || kind.type === "integer") return number(kind, value, put);
  if (kind.type === "string") {
    return el("input", { type: "text", value: value ?? "", placeholder: kind.default ?? "", oninput: (event) => put(event.target.value || undefined) });
  }
  if (kind.type === "array" && kind.items.enum) return ticks(kind, value, put);
  if (kind.type === "array" && kind.items.anyOf) return cards(schema, kind, value, put, path);
  if (kind.type === "array") return list(kind, value, put, path);
  if (kind.properties) return nested(schema, kind, value, put, path);
  if (["number", "integer"].includes(kind.additionalProperties?.type)) return shares(schema, kind, value, put, path);
  return json(kind, value, put);
}

/** Label and control of one field of a config.
 *  @param {object} held The object that the field belongs to; write() is called when it changed. */
export function field(schema, name, part, held, write, { required = false, path = "" } = {}) {
  const here = path ? `${path}.${name}` : name;
  const made = control(schema, name, part, held[name], (value) => {
    if (value === undefined) delete held[name]; else held[name] = value;
    write();
  }, here);
  const hint = part.description ?? "";
  const title = el("label", {}, name, required ? " *" : "");
  made.id = `field-${++serial}`;
  if (made.getAttribute("role") === "group") made.setAttribute("aria-label", name);
  else title.setAttribute("for", made.id);
  if (required) made.setAttribute("aria-required", "true");
  return [title, el("div", { "data-path": here }, made, hint ? el("span", { class: "note" }, hint) : "")];
}

/** All fields of a strategy, input or other thing: what it needs, then the rest to unfold. */
export function fields(schema, definition, held, write, path) {
  const needed = definition.required ?? [];
  const own = Object.entries(definition.properties).filter(([name]) => name !== "type");
  const first = own.filter(([name]) => needed.includes(name) || ["strength", "target", "distribution"].includes(name));
  const rest = own.filter((one) => !first.includes(one));
  const made = ([name, part]) => field(schema, name, part, held, write, { required: needed.includes(name), path });
  const set = rest.filter(([name]) => held[name] !== undefined).length;
  const more = rest.length ? [el("details", { class: "about", open: set > 0 },
    el("summary", {}, `${rest.length} more ${rest.length === 1 ? "option" : "options"}`),
    el("div", { class: "fields" }, ...rest.flatMap(made)))] : [];
  return [...first.flatMap(made), ...more];
}

/** A choice of what a part of the config is. */
export function picker(schema, title, definitions, held, change, path) {
  const id = `field-${++serial}`;
  const made = el("select", { id, onchange: (event) => change(event.target.value) },
    ...definitions.map((one) => el("option", { value: schema.typeOf(one) }, schema.typeOf(one))));
  made.selectedIndex = definitions.findIndex((one) => schema.typeOf(one) === held.type);
  return [el("label", { for: id }, title), el("div", { "data-path": path }, made)];
}

/** Show a line that begins with the path of a field at that field; returns whether there is one. */
export function blame(form, line) {
  unblame(form);
  const [, path, rest] = /^([\w$]+(?:\[\d+\]|\.[\w$]+)*)(?:: )?(.*)/s.exec(line) ?? ["", "", "", line];
  const places = [...form.querySelectorAll("[data-path]")];
  const within = (inner, outer) => inner === outer || inner.startsWith(`${outer}.`) || inner.startsWith(`${outer}[`);
  const words = [...rest.matchAll(/'(\w+)'/g)].map((one) => one[1]);
  const meant = words.map((word) => places.find((one) => one.dataset.path.endsWith(`.${word}`) && within(one.dataset.path, path)));
  const found = meant.find(Boolean) ?? places.filter((one) => within(path, one.dataset.path))
    .sort((a, b) => b.dataset.path.length - a.dataset.path.length)[0];
  if (!found) return false;
  for (let at = found; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  const said = within(path, found.dataset.path) ? line.slice(found.dataset.path.length).replace(/^: |^\./, "") : rest;
  const note = el("p", { class: "error-line field-error", id: `field-${++serial}` }, said);
  const control = found.querySelector("input, select, textarea");
  control?.setAttribute("aria-invalid", "true");
  control?.setAttribute("aria-describedby", note.id);
  found.append(note);
  note.scrollIntoView({ block: "nearest" });
  return true;
}

export function unblame(form) {
  for (const note of form.querySelectorAll(".field-error")) note.remove();
  for (const one of form.querySelectorAll("[aria-invalid]:not([data-wrong])")) { one.removeAttribute("aria-invalid"); one.removeAttribute("aria-describedby"); }
}
