// Points on a canvas: as shapes where there are few, as dots straight into the pixels where many.

const NONE = 65535;
const STEPS = 32;
export const FEW = 20000;
/** Above that what is on top, or caught, is drawn as dots too. */
const SOME = 4000;
// Okabe and Ito; with the shapes each category is told apart without colour, too.
const COLOURS = {
  light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b88000", "#56b4e9", "#8a8a00", "#7f7f7f"],
  dark: ["#5aa9e6", "#ff8c42", "#2fc08f", "#e39fc9", "#f2b134", "#a6d8ff", "#c9c94a", "#b0b0b0"],
};
const SHAPES = ["circle", "square", "triangle", "cross", "diamond", "ring"];
/** From dark blue to yellow, even in lightness (cividis); its ends keep off the ground. */
const RAMPS = {
  light: [[0, 32, 77], [66, 78, 108], [124, 123, 120], [176, 160, 90], [214, 180, 40]],
  dark: [[70, 104, 190], [105, 124, 160], [150, 150, 145], [205, 192, 115], [255, 234, 70]],
};

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** The colours and shapes of a column, in the theme of now. */
export class Look {
  /** @param {object} column What to colour by, or null.
   *  @param {number} only The one category that keeps its colour; all do without one. */
  constructor(column, only = null) {
    const theme = isDark() ? "dark" : "light";
    Object.assign(this, { column, only });
    this.colours = COLOURS[theme];
    this.gone = isDark() ? "#77808a" : "#9aa2ab";
    this.plain = this.colours[0];
    this.ramp = Array.from({ length: STEPS }, (_, k) => {
      const stops = RAMPS[theme];
      const at = Math.min(k / (STEPS - 1), 0.9999) * (stops.length - 1);
      const [low, high] = [stops[Math.floor(at)], stops[Math.floor(at) + 1]];
      const parts = low.map((one, c) => Math.round(one + (high[c] - one) * (at % 1)));
      return `#${parts.map((one) => one.toString(16).padStart(2, "0")).join("")}`;
    });
  }

  of(row) {
    if (!this.column) return [this.plain, "circle"];
    const value = this.column.values[row];
    if (value === NONE || (this.only !== null && value !== this.only)) return [this.gone, "ring"];
    if (this.column.names) return this.named(value);
    return [this.ramp[Math.round((value / 65534) * (STEPS - 1))], "circle"];
  }

  /** Those that are most frequent differ most. */
  named(code) {
    const at = this.column.rank.get(code);
    return [this.colours[at % this.colours.length], SHAPES[at % SHAPES.length]];
  }

  /** What a row has, in words; null without a column. */
  value(row) {
    const { column } = this;
    if (!column) return null;
    const value = column.values[row];
    if (value === NONE) return column.others;
    return column.names ? column.names[value] : column.low + (value / 65534) * (column.high - column.low);
  }
}

/** Colours as numbers that fit into the pixels of a canvas. */
function packed(colour) {
  const n = parseInt(colour.slice(1), 16);
  return (255 << 24 | (n & 255) << 16 | (n >> 8 & 255) << 8 | n >> 16) >>> 0;
}

export function painted(look, points) {
  const known = new Map();
  return Uint32Array.from(points.rows, (row) => {
    const [colour] = look.of(row);
    if (!known.has(colour)) known.set(colour, packed(colour));
    return known.get(colour);
  });
}

export function dot(pen, kind, x, y, r) {
  if (kind === "square") pen.fillRect(x - r, y - r, 2 * r, 2 * r);
  else if (kind === "cross") {
    pen.fillRect(x - r * 1.3, y - r / 2.4, r * 2.6, r / 1.2);
    pen.fillRect(x - r / 2.4, y - r * 1.3, r / 1.2, r * 2.6);
  } else {
    pen.beginPath();
    if (kind === "triangle") { pen.moveTo(x, y - 1.3 * r); pen.lineTo(x + 1.2 * r, y + r); pen.lineTo(x - 1.2 * r, y + r); }
    else if (kind === "diamond") { pen.moveTo(x, y - 1.5 * r); pen.lineTo(x + 1.5 * r, y); pen.lineTo(x, y + 1.5 * r); pen.lineTo(x - 1.5 * r, y); }
    else pen.arc(x, y, r, 0, 7);
    if (kind === "ring") { pen.lineWidth = 1.2; pen.strokeStyle = pen.fillStyle; pen.stroke(); } else pen.fill();
  }
}

/** A star with a rim, for what lies on top. */
export function star(pen, x, y, r, ink, paper) {
  pen.beginPath();
  for (let k = 0; k < 10; k++) {
    const far = k % 2 ? r * 0.45 : r;
    const turn = (k * Math.PI) / 5 - Math.PI / 2;
    pen.lineTo(x + far * Math.cos(turn), y + far * Math.sin(turn));
  }
  pen.closePath();
  pen.lineJoin = "round";
  pen.lineWidth = 3;
  pen.strokeStyle = paper;
  pen.stroke();
  pen.fillStyle = ink;
  pen.fill();
}

/** Draw many points straight into the pixels; those caught with a rim, those on top last. */
function dots(pen, scene, ratio) {
  const { points, paint, caught, top, at, ink, lit } = scene;
  const { width, height } = pen.canvas;
  const image = pen.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const [x0, y0, s] = [at.x * ratio, at.y * ratio, at.scale * ratio];
  const block = (k, r, colour) => {
    const left = Math.round(x0 + points.x[k] * s) - r;
    const up = Math.round(y0 - points.y[k] * s) - r;
    if (left < 0 || up < 0 || left + 2 * r >= width || up + 2 * r >= height) return;
    for (let row = up; row <= up + 2 * r; row++) {
      for (let to = row * width + left, end = to + 2 * r; to <= end; to++) pixels[to] = colour;
    }
  };
  const r = Math.max(1, Math.round((points.n > 50000 ? 1 : 1.5) * ratio));
  const rim = packed(ink);
  for (let k = 0; k < points.n; k++) block(k, r, paint[k]);
  if (lit) for (const k of lit) block(k, r + Math.round(ratio), paint[k]); // told by their size, too
  if (caught.length > SOME) {
    for (const k of caught) block(k, r + Math.round(ratio), rim);
    for (const k of caught) block(k, r, paint[k]);
  }
  if (top.length > SOME) for (const k of top) block(k, r + Math.round(ratio), rim);
  pen.putImageData(image, 0, 0);
}

/** Rings around what is marked, with a rim so that they are seen on points too. */
function rings(pen, places, r, ink, paper) {
  for (const [width, colour] of [[4, paper], [1.8, ink]]) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    for (const [x, y] of places) {
      pen.beginPath();
      pen.arc(x, y, r, 0, 7);
      pen.stroke();
    }
  }
}

/** Draw everything: scene has points, look, paint, caught, top and lit (numbers of points, the last
 *  over the others), at (x, y of the origin, and the scale, in px of the page), outline (corners in
 *  px), ink and paper. */
export function drawPoints(canvas, scene) {
  const ratio = devicePixelRatio || 1;
  const [wide, high] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(wide * ratio)) canvas.width = Math.round(wide * ratio);
  if (canvas.height !== Math.round(high * ratio)) canvas.height = Math.round(high * ratio);
  if (!canvas.width || !canvas.height) return;
  const pen = canvas.getContext("2d");
  const { points, look, caught, top, at: origin, outline, ink, paper } = scene;
  const place = (k) => [origin.x + points.x[k] * origin.scale, origin.y - points.y[k] * origin.scale];
  const within = ([x, y]) => x > -9 && y > -9 && x < wide + 9 && y < high + 9;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const r = points.n > 5000 ? 2 : 4;
  if (points.n > FEW) dots(pen, scene, ratio);
  else {
    pen.clearRect(0, 0, wide, high);
    for (let k = 0; k < points.n; k++) {
      const at = place(k);
      if (!within(at)) continue;
      const [colour, kind] = look.of(points.rows[k]);
      pen.fillStyle = colour;
      dot(pen, kind, ...at, r);
    }
  }
  if (points.n <= FEW || caught.length <= SOME) rings(pen, caught.map(place).filter(within), r + 2.5, ink, paper);
  if (points.n <= FEW || top.length <= SOME) {
    for (const k of top) {
      const at = place(k);
      if (within(at)) star(pen, ...at, points.n > 5000 ? 6 : 8, ink, paper);
    }
  }
  if (!outline) return;
  pen.setLineDash([6, 4]);
  pen.lineWidth = 2;
  pen.strokeStyle = ink;
  pen.beginPath();
  for (const corner of outline) pen.lineTo(...corner);
  pen.closePath();
  pen.stroke();
  pen.setLineDash([]);
}
