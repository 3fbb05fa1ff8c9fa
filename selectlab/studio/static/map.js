// All samples as points: coloured, with a run on top, caught with a lasso or a frame.

import { ask, attempt, counted, el, isTyping, marks, pageOf, pictureOf, rounded, some, writeTag } from "./studio.js";
import { dot, drawPoints, FEW, Look, painted, star } from "./points.js";

const canvas = document.getElementById("map");
const MANY = 60;
const MOST = 100000;
const view = { x: 0.5, y: 0.5, zoom: 1 };
let points = null;
let column = null;
let look = null;
let paint = null;
let top = { title: "", at: [] };
let outline = null; // corners of lasso or frame, in units of the map
let drag = null;
let ringed = []; // the points of all that is marked
const places = new Map(); // the point of each id that was asked for, -1 where there is none
let only = null; // the one category that is looked at
let lit = null; // its points

function unpacked(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}

function scale() { return 0.92 * Math.min(canvas.clientWidth, canvas.clientHeight) * view.zoom; }
function spot(x, y) {
  const s = scale();
  return [canvas.clientWidth / 2 + (x - view.x) * s, canvas.clientHeight / 2 - (y - view.y) * s];
}
function unspot(px, py) {
  const s = scale();
  return [view.x + (px - canvas.clientWidth / 2) / s, view.y - (py - canvas.clientHeight / 2) / s];
}
const tool = () => document.querySelector('input[name="tool"]:checked').value;

let waiting = 0;
function soon() { if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; draw(); }); }

function draw() {
  if (!points) return;
  const s = scale();
  const style = getComputedStyle(document.documentElement);
  drawPoints(canvas, {
    points, look, paint, caught: ringed, top: top.at, lit,
    at: { x: canvas.clientWidth / 2 - view.x * s, y: canvas.clientHeight / 2 + view.y * s, scale: s },
    outline: outline?.map((corner) => spot(...corner)),
    ink: style.getPropertyValue("--ink").trim(), paper: style.getPropertyValue("--panel").trim(),
  });
}

function relook() {
  look = new Look(column, only);
  lit = only === null ? null : [...points.rows.keys()].filter((k) => column.values[points.rows[k]] === only);
  paint = points.n > FEW ? painted(look, points) : null;
  legend();
  soon();
}

// Catching points.

function isInside(x, y) {
  let odd = false;
  for (let a = 0, b = outline.length - 1; a < outline.length; b = a++) {
    const [ax, ay] = outline[a];
    const [bx, by] = outline[b];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

function enclosed() {
  const found = [];
  for (let k = 0; k < points.n; k++) if (isInside(points.x[k], points.y[k])) found.push(k);
  return found;
}

function inSight() {
  const [x0, y1] = unspot(0, 0);
  const [x1, y0] = unspot(canvas.clientWidth, canvas.clientHeight);
  outline = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
  const found = enclosed();
  outline = null;
  return found;
}

let latest = null;
async function caught(found) {
  latest = found;
  const line = document.getElementById("caught");
  const list = document.getElementById("caught-list");
  const acts = document.getElementById("caught-acts");
  list.replaceChildren();
  acts.replaceChildren();
  if (!found.length) { line.textContent = "No point is in it."; return; }
  if (found.length > MOST) { line.textContent = `${counted(found.length)} are more than can be marked; draw a smaller one.`; return; }
  const told = await attempt(() => ask("/api/map/ids", { rows: found.map((k) => points.rows[k]) }));
  if (!told || latest !== found) return;
  const { ids } = told;
  ids.forEach((id, at) => places.set(id, found[at]));
  marks.set(ids, true);
  line.textContent = `${some(ids.length, "sample")}, marked.${ids.length > MANY ? ` The first ${MANY}:` : ""}`;
  acts.replaceChildren(
    el("button", { type: "button", class: "small", onclick: () => writeTag(ids) }, "Write these as tag ..."),
    el("button", { type: "button", class: "small", onclick: () => { marks.set(ids, false); drop("Unmarked."); } }, "Unmark these"));
  list.replaceChildren(...ids.slice(0, MANY).map((id) =>
    el("li", {}, el("a", { href: pageOf(id), title: id }, el("img", { src: pictureOf(id), alt: id, loading: "lazy" })))));
}

/** Ring what is marked, wherever that was done. */
async function ring() {
  if (!points) return;
  const names = marks.list();
  const asked = names.filter((name) => !places.has(name)).slice(0, MOST);
  if (asked.length) {
    const told = await attempt(() => ask("/api/map/rows", { ids: asked }));
    if (!told) return;
    const of = new Map(Array.from(points.rows, (row, k) => [row, k]));
    asked.forEach((name, at) => places.set(name, of.get(told.rows[at]) ?? -1));
  }
  ringed = [...new Set(marks.list().map((name) => places.get(name) ?? -1))].filter((k) => k >= 0);
  legend();
  soon();
}

/** Mark the point that was clicked, or take its mark away. */
async function click(px, py) {
  const k = nearest(px, py);
  if (k < 0) { drop(); return; }
  const told = await attempt(() => ask("/api/map/ids", { rows: [points.rows[k]] }));
  if (!told?.ids.length) return;
  const [id] = told.ids;
  places.set(id, k);
  if (!marks.has(id)) { caught([k]); return; }
  marks.set([id], false);
  drop(`${id} is no longer marked.`);
}

const HINT = document.getElementById("caught")?.textContent;
function drop(line = HINT) {
  outline = latest = null;
  document.getElementById("caught").textContent = line;
  document.getElementById("caught-list").replaceChildren();
  document.getElementById("caught-acts").replaceChildren();
  soon();
}

const box = ([x0, y0], [x1, y1]) => [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];

/** Move or stretch the frame by px, and say how many points are in it. */
function shift(dx, dy, stretch) {
  const s = scale();
  if (outline?.length !== 4) outline = box(unspot(canvas.clientWidth * 0.35, canvas.clientHeight * 0.65), unspot(canvas.clientWidth * 0.65, canvas.clientHeight * 0.35));
  const [[x0, y0], , [x1, y1]] = outline;
  outline = box(stretch ? [x0, y0] : [x0 + dx / s, y0 + dy / s], [Math.max(x1 + dx / s, x0), Math.max(y1 + dy / s, y0)]);
  latest = null;
  document.getElementById("caught").textContent = `${counted(enclosed().length)} in the frame; Enter marks them.`;
  soon();
}

// Mouse and finger.

function place(event) {
  const at = canvas.getBoundingClientRect();
  return [event.clientX - at.left, event.clientY - at.top];
}

function down(event) {
  if (event.button !== 0 || !points) return;
  canvas.setPointerCapture(event.pointerId);
  const [px, py] = place(event);
  drag = { px, py, tool: tool(), view: { ...view } };
  if (drag.tool !== "move") { latest = null; outline = [unspot(px, py)]; }
}

function move(event) {
  const [px, py] = place(event);
  if (!drag) { hover(px, py); return; }
  if (Math.hypot(px - drag.px, py - drag.py) > 4) drag.far = true;
  if (drag.tool === "lasso") outline.push(unspot(px, py));
  else if (drag.tool === "frame") {
    outline = box(unspot(Math.min(px, drag.px), Math.max(py, drag.py)), unspot(Math.max(px, drag.px), Math.min(py, drag.py)));
  } else { view.x = drag.view.x - (px - drag.px) / scale(); view.y = drag.view.y + (py - drag.py) / scale(); }
  soon();
}

function up(event) {
  if (!drag) return;
  const was = drag;
  drag = null;
  const [px, py] = place(event);
  if (!was.far) { outline = null; click(px, py); soon(); return; }
  if (was.tool === "move") return;
  if (outline.length > 2) caught(enclosed());
  else drop();
}

/** The point at a place of the canvas, -1 where there is none. */
function nearest(px, py) {
  let best = -1;
  let least = 100;
  const s = scale();
  const [x, y] = unspot(px, py);
  for (let k = 0; k < (points?.n ?? 0); k++) {
    const apart = ((points.x[k] - x) * s) ** 2 + ((points.y[k] - y) * s) ** 2;
    if (apart < least) { least = apart; best = k; }
  }
  return best;
}

let hovering = 0;
function hover(px, py) {
  clearTimeout(hovering);
  hovering = setTimeout(async () => {
    const tip = document.getElementById("tip");
    const best = nearest(px, py);
    tip.hidden = best < 0;
    if (best < 0) return;
    const row = points.rows[best];
    const { ids } = await ask("/api/map/ids", { rows: [row] }).catch(() => ({ ids: [] }));
    if (!ids.length) { tip.hidden = true; return; }
    const value = look.value(row);
    tip.replaceChildren(el("img", { src: pictureOf(ids[0]), alt: "" }), el("div", {}, ids[0]),
      value === null ? "" : el("div", { class: "quiet" }, `${column.title}: ${rounded(value)}`));
    tip.style.left = `${Math.max(0, Math.min(px + 14, canvas.clientWidth - 200))}px`;
    tip.style.top = `${Math.max(0, Math.min(py + 14, canvas.clientHeight - 190))}px`;
  }, 60);
}

function zoom(by, px = canvas.clientWidth / 2, py = canvas.clientHeight / 2) {
  const [x, y] = unspot(px, py);
  view.zoom = Math.max(0.5, Math.min(200, view.zoom * by));
  view.x = x - (px - canvas.clientWidth / 2) / scale();
  view.y = y + (py - canvas.clientHeight / 2) / scale();
  soon();
}

function whole() { Object.assign(view, { x: points.midX, y: points.midY, zoom: 1 }); soon(); }

function keys(event) {
  if (isTyping(event) || !points) return;
  const tools = { l: "lasso", f: "frame", m: "move" };
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const onMap = event.target === canvas;
  if (event.key in tools) {
    document.querySelector(`input[value="${tools[event.key]}"]`).checked = true;
    if (event.key === "f") { canvas.focus(); shift(0, 0, false); }
  } else if (event.key === "0") whole();
  else if (event.key === "+" || event.key === "=") zoom(1.3);
  else if (event.key === "-") zoom(1 / 1.3);
  else if (event.key === "Escape" && outline) drop();
  else if (onMap && event.key in steps) {
    const [dx, dy] = steps[event.key];
    if (tool() === "frame") shift(24 * dx, 24 * dy, event.shiftKey);
    else { view.x += (dx * 60) / scale(); view.y += (dy * 60) / scale(); soon(); }
  } else if (onMap && event.key === "Enter") caught(tool() === "frame" && outline ? enclosed() : inSight());
  else return;
  event.preventDefault();
}

// Colours, and what lies on top.

function sign(paintOn) {
  const small = el("canvas", { width: 18, height: 18 });
  paintOn(small.getContext("2d"));
  return small;
}

function legend() {
  const at = document.getElementById("legend");
  const row = (...parts) => el("div", { class: "legend-row" }, ...parts);
  const shaped = ([colour, kind]) => sign((pen) => { pen.fillStyle = colour; dot(pen, points.n > FEW ? "square" : kind, 9, 9, 5); });
  const rows = [];
  if (top.title) {
    const style = getComputedStyle(document.documentElement);
    const big = points.n > FEW && top.at.length > 4000;
    rows.push(row(sign((pen) => (big ? dot(pen, "square", 9, 9, 5) : star(pen, 9, 9, 8, style.getPropertyValue("--ink"), style.getPropertyValue("--panel")))),
      `${top.title}: ${counted(top.at.length)}${top.absent ? `, ${counted(top.absent)} not on the map` : ""}`));
  }
  if (ringed.length) {
    rows.push(row(sign((pen) => { pen.lineWidth = 1.8; pen.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink"); pen.beginPath(); pen.arc(9, 9, 6, 0, 7); pen.stroke(); }),
      `marked: ${counted(ringed.length)}`));
  }
  if (!column) rows.push(el("p", { class: "quiet" }, "One point a sample."));
  else if (column.names) {
    rows.push(...column.order.slice(0, 24).map((k) => el("button", {
      type: "button", class: "legend-row", "aria-pressed": String(only === k), title: "Only these in colour",
      onclick: () => { only = only === k ? null : k; relook(); document.querySelectorAll("#legend button")[column.rank.get(k)].focus(); },
    }, shaped(look.named(k)), el("span", {}, column.names[k]), el("span", { class: "quiet" }, counted(column.counts.get(k))))));
    if (column.order.length > 24) rows.push(el("p", { class: "quiet" }, `and ${column.order.length - 24} more`));
  } else {
    const bar = el("canvas", { class: "ramp", width: 160, height: 14 });
    const pen = bar.getContext("2d");
    look.ramp.forEach((colour, k) => { pen.fillStyle = colour; pen.fillRect(k * 5, 0, 5, 14); });
    const end = (value) => el("span", { class: "nowrap" }, rounded(value));
    rows.push(row(end(column.low), bar, end(column.high)));
  }
  if (column?.gone) rows.push(row(shaped([look.gone, "ring"]), column.others));
  at.replaceChildren(...rows);
}

function remember() {
  const given = new URLSearchParams();
  for (const name of ["space", "colour", "on"]) {
    const value = document.getElementById(name)?.value;
    if (value) given.set(name, value);
  }
  history.replaceState(null, "", given.size ? `/map?${given}` : "/map");
}

/** Count the categories that are on the map, and order them by that. */
function count(held) {
  held.counts = new Map();
  for (const row of points.rows) {
    const code = held.values[row];
    if (code !== 65535) held.counts.set(code, (held.counts.get(code) ?? 0) + 1);
  }
  held.order = [...held.counts.keys()].sort((one, other) => held.counts.get(other) - held.counts.get(one) || one - other);
  held.rank = new Map(held.order.map((code, at) => [code, at]));
}

async function colour() {
  remember();
  const key = document.getElementById("colour").value;
  const told = key ? await attempt(() => ask(`/api/map/values?${new URLSearchParams({ key })}`)) : null;
  column = told ? { ...told, values: unpacked(told.values, Uint16Array) } : null;
  only = null;
  if (column?.names) count(column);
  if (column) column.gone = points.rows.some((row) => column.values[row] === 65535);
  relook();
}

async function onTop() {
  remember();
  const select = document.getElementById("on");
  const key = select.value;
  const told = key ? await attempt(() => ask(`/api/map/layer?${new URLSearchParams({ key })}`)) : null;
  const rows = new Set(told ? unpacked(told.rows, Uint32Array) : []);
  const at = [];
  if (rows.size) for (let k = 0; k < points.n; k++) if (rows.has(points.rows[k])) at.push(k);
  top = { title: told ? select.selectedOptions[0].textContent : "", at, absent: told ? told.n + told.unknown - at.length : 0 };
  legend();
  soon();
}

async function offers() {
  const asked = new URLSearchParams(location.search);
  const fill = (id, pairs) => {
    const select = document.getElementById(id);
    const known = new Set([...select.options].map((option) => option.value));
    for (const [value, title] of pairs) if (!known.has(value)) select.append(el("option", { value }, title));
    if (asked.get(id) && !select.value) select.value = asked.get(id);
  };
  const [facts, layers] = await Promise.all([attempt(() => ask("/api/facts")), attempt(() => ask("/api/map/layers"))]);
  fill("colour", [...Object.entries(facts?.attributes ?? {}), ...Object.entries(layers?.colours ?? {})]);
  fill("on", Object.entries(layers?.layers ?? {}));
  if (document.getElementById("colour").value && !column) await colour();
  if (document.getElementById("on").value && !top.title) await onTop();
}

const space = document.getElementById("space"); // where there are several
let shown = "";
async function load() {
  const wanted = space?.value ?? "";
  const told = await attempt(() => ask(`/api/map?${new URLSearchParams({ space: wanted })}`));
  if (wanted !== (space?.value ?? "")) return; // another one was chosen meanwhile
  if (!told) { if (points) space.value = shown; return; }
  shown = wanted;
  const share = (text) => Float32Array.from(unpacked(text, Uint16Array), (value) => value / 65534);
  points = { n: told.n, rows: unpacked(told.rows, Uint32Array), x: share(told.x), y: share(told.y) };
  points.midX = points.x.reduce((most, one) => Math.max(most, one), 0) / 2;
  points.midY = points.y.reduce((most, one) => Math.max(most, one), 0) / 2;
  const percent = told.shares.map((one) => `${(100 * one).toFixed(0)} %`);
  const of = shown ? "principal components of the objects' vectors" : "principal components";
  document.getElementById("axes").textContent =
    `${counted(told.n)} samples${shown ? ", each at the mean of its objects" : ""}; the first two ${of}, ${percent.join(" and ")} of the variance`;
  places.clear();
  ringed = [];
  top = { title: "", at: [] };
  column = null;
  only = null;
  drop();
  relook();
  whole();
  ring();
  await offers();
}

if (canvas) {
  canvas.addEventListener("pointerdown", down);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", () => { drag = null; drop(); });
  canvas.addEventListener("pointerleave", () => { clearTimeout(hovering); document.getElementById("tip").hidden = true; });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, ...place(event));
  }, { passive: false });
  const wanted = new URLSearchParams(location.search).get("space");
  if (space && [...space.options].some((one) => one.value === wanted)) space.value = wanted;
  space?.addEventListener("change", async () => { if (points) { await load(); remember(); } });
  document.getElementById("colour").addEventListener("change", colour);
  document.getElementById("on").addEventListener("change", onTop);
  document.getElementById("whole").addEventListener("click", whole);
  document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", keys);
  marks.watch(ring);
  document.addEventListener("theme", relook);
  document.addEventListener("tagged", offers);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", relook);
  new ResizeObserver(soon).observe(canvas);
  load();
}
