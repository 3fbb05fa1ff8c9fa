// All samples as points on a canvas: coloured, shaped, caught with a lasso.

import { ask, attempt, counted, el, isTyping, marks, pageOf, pictureOf, rounded } from "./studio.js";

const canvas = document.getElementById("map");
const NONE = 65535;
const MANY = 60;
// Okabe and Ito; with the shapes below each category is told apart without colour, too.
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a00", "#7f7f7f"];
const SHAPES = ["circle", "square", "triangle", "cross", "diamond", "ring"];
const view = { x: 0.5, y: 0.5, zoom: 1 };
let points = null;
let column = null;
let path = null;
let drag = null;
let inLasso = null;

function unpacked(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}

function scale() { return 0.92 * Math.min(canvas.clientWidth, canvas.clientHeight) * view.zoom; }
const toX = (x) => canvas.clientWidth / 2 + (x - view.x) * scale();
const toY = (y) => canvas.clientHeight / 2 - (y - view.y) * scale();

/** Colours from dark blue to yellow, even in lightness (cividis, five of its stops). */
const RAMP = [[0, 32, 77], [66, 78, 108], [124, 123, 120], [186, 174, 108], [255, 234, 70]];
function ramp(share) {
  const at = Math.min(share, 0.9999) * (RAMP.length - 1);
  const low = RAMP[Math.floor(at)];
  const high = RAMP[Math.floor(at) + 1];
  return `rgb(${low.map((one, k) => Math.round(one + (high[k] - one) * (at % 1))).join(",")})`;
}
const STEPS = 32;
const RAMPED = Array.from({ length: STEPS }, (_, k) => ramp(k / (STEPS - 1)));

function look(row) {
  if (!column) return ["#0072b2", "circle"];
  const value = column.values[row];
  if (value === NONE) return ["#8888", "ring"];
  if (column.names) return [COLOURS[value % COLOURS.length], SHAPES[value % SHAPES.length]];
  return [RAMPED[Math.round((value / 65534) * (STEPS - 1))], "circle"];
}

function dot(pen, kind, x, y, r) {
  if (kind === "square") pen.fillRect(x - r, y - r, 2 * r, 2 * r);
  else if (kind === "cross") { pen.fillRect(x - r * 1.3, y - r / 2.4, r * 2.6, r / 1.2); pen.fillRect(x - r / 2.4, y - r * 1.3, r / 1.2, r * 2.6); }
  else {
    pen.beginPath();
    if (kind === "triangle") { pen.moveTo(x, y - 1.3 * r); pen.lineTo(x + 1.2 * r, y + r); pen.lineTo(x - 1.2 * r, y + r); }
    else if (kind === "diamond") { pen.moveTo(x, y - 1.5 * r); pen.lineTo(x + 1.5 * r, y); pen.lineTo(x, y + 1.5 * r); pen.lineTo(x - 1.5 * r, y); }
    else pen.arc(x, y, r, 0, 7);
    if (kind === "ring") { pen.lineWidth = 1.2; pen.strokeStyle = pen.fillStyle; pen.stroke(); } else pen.fill();
  }
}

let waiting = 0;
function soon() { if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; draw(); }); }

function draw() {
  if (!points) return;
  const ratio = devicePixelRatio || 1;
  const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(wide * ratio)) canvas.width = Math.round(wide * ratio);
  if (canvas.height !== Math.round(high * ratio)) canvas.height = Math.round(high * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, wide, high);
  const r = points.n > 50000 ? 1.3 : points.n > 5000 ? 2 : 4;
  const moving = drag && points.n > 50000;
  for (let k = 0; k < points.n; k += moving ? 4 : 1) {
    const x = toX(points.x[k]);
    const y = toY(points.y[k]);
    if (x < -9 || y < -9 || x > wide + 9 || y > high + 9) continue;
    const [colour, kind] = look(points.rows[k]);
    pen.fillStyle = colour;
    if (points.n > 20000) pen.fillRect(x - r, y - r, 2 * r, 2 * r); else dot(pen, kind, x, y, r);
  }
  const ink = getComputedStyle(document.body).color;
  if (inLasso) {
    pen.strokeStyle = ink;
    pen.lineWidth = 1.5;
    for (const k of inLasso) { pen.beginPath(); pen.arc(toX(points.x[k]), toY(points.y[k]), r + 2.5, 0, 7); pen.stroke(); }
  }
  if (path) {
    pen.setLineDash([6, 4]);
    pen.lineWidth = 2;
    pen.strokeStyle = ink;
    pen.beginPath();
    path.forEach(([x, y], k) => (k ? pen.lineTo(toX(x), toY(y)) : pen.moveTo(toX(x), toY(y))));
    pen.closePath();
    pen.stroke();
    pen.setLineDash([]);
  }
}

function inside(x, y) {
  let odd = false;
  for (let a = 0, b = path.length - 1; a < path.length; b = a++) {
    const [ax, ay] = path[a];
    const [bx, by] = path[b];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

async function caught(found) {
  inLasso = found;
  soon();
  const line = document.getElementById("caught");
  if (!found.length) { line.textContent = "No point is in it."; return; }
  if (found.length > 100000) { line.textContent = `${counted(found.length)} are more than can be marked; draw a smaller one.`; return; }
  const told = await attempt(() => ask("/api/map/ids", { rows: found.map((k) => points.rows[k]) }));
  if (!told) return;
  marks.set(told.ids, true);
  line.textContent = `${counted(told.ids.length)} samples, marked.${told.ids.length > MANY ? ` The first ${MANY}:` : ""}`;
  document.getElementById("caught-list").replaceChildren(...told.ids.slice(0, MANY).map((id) =>
    el("li", {}, el("a", { href: pageOf(id), title: id }, el("img", { src: pictureOf(id), alt: id, loading: "lazy" })))));
}

const place = (event) => {
  const box = canvas.getBoundingClientRect();
  const [px, py] = [event.clientX - box.left, event.clientY - box.top];
  return { px, py, x: view.x + (px - canvas.clientWidth / 2) / scale(), y: view.y - (py - canvas.clientHeight / 2) / scale() };
};

function down(event) {
  if (event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  const at = place(event);
  const lasso = document.querySelector('input[name="tool"]:checked').value === "lasso";
  drag = { ...at, lasso, view: { ...view } };
  if (lasso) { path = [[at.x, at.y]]; inLasso = null; }
}

function move(event) {
  const at = place(event);
  if (!drag) { hover(at); return; }
  if (drag.lasso) path.push([at.x, at.y]);
  else { view.x = drag.view.x - (at.px - drag.px) / scale(); view.y = drag.view.y + (at.py - drag.py) / scale(); }
  soon();
}

function up() {
  if (!drag) return;
  const { lasso } = drag;
  drag = null;
  if (lasso && path.length > 2) {
    const found = [];
    for (let k = 0; k < points.n; k++) if (inside(points.x[k], points.y[k])) found.push(k);
    caught(found);
  } else path = lasso ? null : path;
  soon();
}

let hovering = 0;
function hover(at) {
  clearTimeout(hovering);
  hovering = setTimeout(async () => {
    const tip = document.getElementById("tip");
    let best = -1;
    let least = 100;
    for (let k = 0; k < points.n; k++) {
      const apart = (toX(points.x[k]) - at.px) ** 2 + (toY(points.y[k]) - at.py) ** 2;
      if (apart < least) { least = apart; best = k; }
    }
    tip.hidden = best < 0;
    if (best < 0) return;
    const row = points.rows[best];
    const { ids } = await ask("/api/map/ids", { rows: [row] }).catch(() => ({ ids: [] }));
    if (!ids.length) { tip.hidden = true; return; }
    tip.replaceChildren(el("img", { src: pictureOf(ids[0]), alt: "" }), el("div", {}, ids[0]), valueAt(row) ?? "");
    tip.style.left = `${Math.min(at.px + 14, canvas.clientWidth - 200)}px`;
    tip.style.top = `${Math.min(at.py + 14, canvas.clientHeight - 190)}px`;
  }, 60);
}

function valueAt(row) {
  if (!column) return null;
  const value = column.values[row];
  const told = value === NONE ? "none" : column.names ? column.names[value]
    : rounded(column.low + (value / 65534) * (column.high - column.low));
  return el("div", { class: "quiet" }, `${column.title}: ${told}`);
}

function zoom(by, px = canvas.clientWidth / 2, py = canvas.clientHeight / 2) {
  const before = [view.x + (px - canvas.clientWidth / 2) / scale(), view.y - (py - canvas.clientHeight / 2) / scale()];
  view.zoom = Math.max(0.5, Math.min(200, view.zoom * by));
  view.x = before[0] - (px - canvas.clientWidth / 2) / scale();
  view.y = before[1] + (py - canvas.clientHeight / 2) / scale();
  soon();
}

function whole() { Object.assign(view, { x: points.midX, y: points.midY, zoom: 1 }); soon(); }

function keys(event) {
  if (isTyping(event)) return;
  const tools = { l: "lasso", m: "move" };
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  if (event.key in tools) document.querySelector(`input[value="${tools[event.key]}"]`).checked = true;
  else if (event.key === "0") whole();
  else if (event.key === "+" || event.key === "=") zoom(1.3);
  else if (event.key === "-") zoom(1 / 1.3);
  else if (event.target === canvas && event.key in steps) {
    view.x += (steps[event.key][0] * 60) / scale();
    view.y += (steps[event.key][1] * 60) / scale();
    soon();
  } else if (event.target === canvas && event.key === "Enter") {
    const found = [];
    for (let k = 0; k < points.n; k++) {
      const [x, y] = [toX(points.x[k]), toY(points.y[k])];
      if (x >= 0 && y >= 0 && x <= canvas.clientWidth && y <= canvas.clientHeight) found.push(k);
    }
    path = null;
    caught(found);
  } else return;
  event.preventDefault();
}

function sign(kind, colour) {
  const small = el("canvas", { width: 16, height: 16 });
  const pen = small.getContext("2d");
  pen.fillStyle = colour;
  dot(pen, kind, 8, 8, 5);
  return small;
}

function legend() {
  const at = document.getElementById("legend");
  if (!column) { at.replaceChildren(el("p", { class: "quiet" }, "One point a sample.")); return; }
  const row = (...parts) => el("div", { class: "legend-row" }, ...parts);
  if (column.names) {
    at.replaceChildren(...column.names.slice(0, 24).map((name, k) =>
      row(sign(points.n > 20000 ? "square" : SHAPES[k % SHAPES.length], COLOURS[k % COLOURS.length]), name)),
      column.names.length > 24 ? el("p", { class: "quiet" }, `and ${column.names.length - 24} more`) : "");
    return;
  }
  const bar = el("canvas", { width: 160, height: 14 });
  const pen = bar.getContext("2d");
  RAMPED.forEach((colour, k) => { pen.fillStyle = colour; pen.fillRect(k * 5, 0, 5, 14); });
  at.replaceChildren(row(rounded(column.low), bar, rounded(column.high)), row(sign("ring", "#8888"), "no value"));
}

async function colour() {
  const key = document.getElementById("colour").value;
  const told = key ? await attempt(() => ask(`/api/map/values?${new URLSearchParams({ key })}`)) : null;
  column = told ? { ...told, values: unpacked(told.values, Uint16Array) } : null;
  legend();
  soon();
}

async function load() {
  const told = await attempt(() => ask("/api/map"));
  if (!told) return;
  const share = (text) => Float32Array.from(unpacked(text, Uint16Array), (value) => value / 65534);
  points = { n: told.n, rows: unpacked(told.rows, Uint32Array), x: share(told.x), y: share(told.y) };
  points.midX = points.x.reduce((most, one) => Math.max(most, one), 0) / 2;
  points.midY = points.y.reduce((most, one) => Math.max(most, one), 0) / 2;
  const percent = told.shares.map((one) => `${(100 * one).toFixed(0)} %`);
  document.getElementById("axes").textContent =
    `${counted(told.n)} samples; the first two principal components, ${percent.join(" and ")} of the variance`;
  legend();
  whole();
  const facts = await attempt(() => ask("/api/facts"));
  for (const [value, title] of Object.entries(facts?.attributes ?? {})) {
    document.getElementById("colour").append(el("option", { value }, title));
  }
}

if (canvas) {
  canvas.addEventListener("pointerdown", down);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointerleave", () => { clearTimeout(hovering); document.getElementById("tip").hidden = true; });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { px, py } = place(event);
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, px, py);
  }, { passive: false });
  document.getElementById("colour").addEventListener("change", colour);
  document.getElementById("whole").addEventListener("click", whole);
  document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", keys);
  document.addEventListener("theme", soon);
  new ResizeObserver(soon).observe(canvas);
  load();
}
