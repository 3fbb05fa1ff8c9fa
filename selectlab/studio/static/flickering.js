import { ask, attempt, counted, el, isTyping, pictureOf, rounded } from "./studio.js";
import { drawn, windowAround } from "./picture.js";
import { Grid } from "./grid.js";

const place = document.getElementById("frames");
const file = document.getElementById("file");
const panels = document.getElementById("panels");
const boxes = document.getElementById("boxes");
const whole = document.getElementById("whole");
const button = document.getElementById("play");
const speed = document.getElementById("speed");
let strip = null;
let shown = "";
let at = 0;
let timer = 0;
let grid = null;

function words(item) {
  const told = [];
  if (item.imputed) told.push(`${item.imputed} missing`);
  if (item.suspicious) told.push(`${item.suspicious} suspicious`);
  return told.join(", ") || "flagged";
}

function panel(frame, title, chosen = false) {
  if (!frame) return el("figure", {}, el("figcaption", {}, `${title}: none, the video ends here`));
  const shapes = boxes.checked ? frame.shapes.filter((one) => one.origin !== "predicted" || one.score === null || one.score >= 0.1) : [];
  const size = frame.size ?? strip.canvas;
  const across = panels.clientWidth / (timer ? 1 : chosen && innerWidth <= 700 ? 1 : innerWidth <= 700 ? 2 : 3);
  const picture = size && drawn(frame.size ? pictureOf(frame.id, 640) : null, size, shapes, {
    alt: `${title}: ${frame.id}`, wide: Math.max(150, Math.min(across, 900)), window: part(),
    tags: (one) => one.origin !== "predicted" });
  const absent = frame.absent && chosen && el("p", { class: "absent" }, el("strong", {}, "No picture. "), frame.absent,
    size ? " Its boxes are drawn on a canvas that ends where they do." : "");
  return el("figure", { class: chosen ? "selected" : null },
    picture, absent || null, el("figcaption", {}, el("strong", {}, title), ` ${frame.id}`));
}

/** The part of the frames that is shown: around what was found in the selected one, or null. */
function part() {
  const { frames } = strip;
  const size = frames[strip.at].size ?? strip.canvas;
  if (whole.checked || !size) return null;
  return windowAround(frames[strip.at].shapes.filter((one) => one.origin === "imputed" || one.origin === "suspicious"), size);
}

function draw() {
  if (!strip) return;
  const { frames } = strip;
  const before = panels.offsetHeight, cell = cellInSight();
  panels.classList.toggle("playing", timer !== 0);
  const offset = at - strip.at;
  const title = offset === 0 ? "selected" : `${Math.abs(offset)} ${offset < 0 ? "before" : "after"}`;
  if (timer) panels.replaceChildren(panel(frames[at], title, offset === 0));
  else {
    panels.replaceChildren(panel(frames[at - 1], "previous"), panel(frames[at], title, true), panel(frames[at + 1], "next"));
  }
  if (panels.offsetHeight !== before) settle(cell);
}

const isSticky = (one) => getComputedStyle(one).position === "sticky";

/** How many pixels at the top of the window are covered: by the navigation, and by the strip below it. */
function covered() {
  return [document.querySelector(".top"), panels].map((one) => (isSticky(one) ? one.offsetHeight : 0));
}

/** The cell that is focused, if any of it is in the window. */
function cellInSight() {
  const cell = document.activeElement.closest(".cell"), box = cell?.getBoundingClientRect();
  return cell && box.bottom > 0 && box.top < innerHeight ? cell : null;
}

/** Keep the strip below the navigation, and a cell below the strip. */
function settle(cell = cellInSight()) {
  const [head, own] = covered();
  panels.style.top = `${head}px`;
  document.documentElement.style.scrollPaddingTop = `${head + own + 8}px`;
  if (cell) grid.show(cell);
}

async function choose(item) {
  if (shown === item.id) return;
  stop();
  shown = item.id;
  const given = new URLSearchParams({ file: file.value, id: item.id, around: 1 });
  const told = await attempt(() => ask(`/api/strip?${given}`));
  if (!told || shown !== item.id) return;
  strip = told;
  at = told.at;
  draw();
}

async function longer() {
  const said = button.innerHTML;
  button.disabled = true;
  button.textContent = "Loading frames ...";
  try {
    return await fetched();
  } finally {
    button.innerHTML = said;
    button.disabled = false;
  }
}

async function fetched() {
  const wanted = shown;
  const given = new URLSearchParams({ file: file.value, id: shown, around: 12 });
  const told = await attempt(() => ask(`/api/strip?${given}`));
  if (!told || wanted !== shown) return false;
  strip = told;
  at = told.at;
  await Promise.all(told.frames.map((frame) => {
    const image = new Image();
    image.src = pictureOf(frame.id, 640);
    return image.decode().catch(() => {});
  }));
  return wanted === shown;
}

function stop() {
  clearInterval(timer);
  timer = 0;
  if (strip) at = strip.at;
  button.setAttribute("aria-pressed", "false");
}

async function play() {
  if (timer) { stop(); draw(); return; }
  if (!shown || !(await longer())) return;
  at = 0;
  button.setAttribute("aria-pressed", "true");
  run();
  draw();
}

function run() {
  clearInterval(timer);
  if (!strip) return;
  timer = setInterval(() => { at = (at + 1) % strip.frames.length; draw(); }, 1000 / Number(speed.value));
}

async function step(by) {
  if (timer) stop();
  if (!strip) return;
  if (strip.frames.length <= 3 && !(await longer())) return;
  at = Math.max(0, Math.min(strip.frames.length - 1, at + by));
  draw();
}

function key(event) {
  if (event.key === "p") play();
  else if (event.key === ",") step(-1);
  else if (event.key === ".") step(1);
  else if (event.key === "b") { boxes.checked = !boxes.checked; draw(); }
  else if (event.key === "w") { whole.checked = !whole.checked; draw(); }
  else return false;
  return true;
}

if (place) {
  grid = new Grid(place, {
    get headroom() {
      const [head, own] = covered();
      return head + own + 8 - document.querySelector(".top").offsetHeight;
    },
    caption: (item) => [`${words(item)}, severity ${rounded(item.severity)}`],
    pick: (item, number) => grid.reach(number),
    reached: choose,
    returns: true,
    onkey: key,
    loaded(told) {
      document.getElementById("count").textContent = `${counted(told.total)} flagged`;
      shown = "";
      button.disabled = !told.items.length;
      if (told.items.length) choose(grid.item(grid.at) ?? told.items[0]);
      else {
        stop();
        strip = null;
        panels.replaceChildren(el("p", { class: "panel" }, `${file.selectedOptions[0].textContent} flagged no frame of this dataset: nothing contradicts itself there.`));
      }
    },
  });
  const load = () => grid.load(`/api/flagged?${new URLSearchParams({ file: file.value })}`);
  const asked = new URLSearchParams(location.search).get("file");
  if ([...file.options].some((option) => option.value === asked)) file.value = asked;
  file.addEventListener("change", () => {
    history.replaceState(null, "", `/flickering?${new URLSearchParams({ file: file.value })}`);
    load();
  });
  for (const one of [boxes, whole]) one.addEventListener("change", draw);
  addEventListener("resize", () => { draw(); settle(); });
  button.addEventListener("click", play);
  speed.addEventListener("change", () => { if (timer) run(); });
  document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (place.contains(event.target) || isTyping(event)) return;
    if (event.target.closest("button, a, input") && ["Enter", " "].includes(event.key)) return; // theirs
    grid.key(event);
  });
  load();
}
