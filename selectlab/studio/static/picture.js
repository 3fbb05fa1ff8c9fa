// A picture with what was found in it, drawn over it.

const SVG = "http://www.w3.org/2000/svg";
const TAGS = { imputed: "MISSING ", suspicious: "? ", predicted: "", labelled: "" };

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Return the part of a picture that shows some shapes with what is around them: they fill half of
 *  it, but it is no less than two fifths of the picture. Null without any shape. */
export function windowAround(shapes, [width, height]) {
  const boxes = shapes.filter((one) => one.box).map((one) => one.box);
  if (!boxes.length) return null;
  const [left, top] = [0, 1].map((side) => Math.min(...boxes.map((box) => box[side])));
  const [right, bottom] = [0, 1].map((side) => Math.max(...boxes.map((box) => box[side] + box[side + 2])));
  const share = Math.min(1, Math.max(0.4, 2 * Math.max((right - left) / width, (bottom - top) / height)));
  const [wide, high] = [width * share, height * share];
  const within = (middle, long, most) => Math.min(Math.max(0, middle - long / 2), most - long);
  return [within((left + right) / 2, wide, width), within((top + bottom) / 2, high, height), wide, high];
}

/** Return an SVG of a picture with shapes; without a source on a blank canvas, or on none. Window [x, y, width,
 *  height] shows a part of it, wide is about how many px it will be across, for the size of the
 *  letters, and tags is false or says which shapes are named. */
export function drawn(source, size, shapes, { window = null, alt = "", blank = true, tags = true, lit = null, wide = 900 } = {}) {
  const [width, height] = size;
  const view = window ?? [0, 0, width, height];
  const svg = shape("svg", { viewBox: view.join(" "), role: "img", "aria-label": alt });
  if (source) svg.append(shape("image", { href: source, x: 0, y: 0, width, height, preserveAspectRatio: "none" }));
  else if (blank) svg.append(shape("rect", { class: "blank", x: 0, y: 0, width, height }));
  shapes.forEach((one, number) => svg.append(outline(one, number, view, number === lit)));
  const named = shapes.filter((one) => one.box && shared(one.box, view) > 0 && (tags instanceof Function ? tags(one) : tags));
  const taken = [];
  // what an assertion found chooses its place first
  named.sort((a, b) => (a.origin === "predicted") - (b.origin === "predicted"));
  for (const one of named) svg.append(label(one, shapes, view, wide, taken));
  return svg;
}

function outline(one, number, view, lit) {
  const group = shape("g", { "data-number": number });
  const kind = one.origin + (lit ? " lit" : "");
  const forms = [];
  for (const flat of one.polygons ?? []) {
    const points = [];
    for (let at = 0; at + 1 < flat.length; at += 2) points.push(`${flat[at]},${flat[at + 1]}`);
    forms.push(["polygon", { points: points.join(" ") }]);
  }
  if (one.box && !forms.length) {
    const [x, y, width, height] = one.box;
    forms.push(["rect", { x, y, width, height }]);
  }
  for (const [x, y] of one.points ?? []) forms.push(["circle", { cx: x, cy: y, r: view[2] / 200 }]);
  for (const [name, where] of forms) group.append(shape(name, { ...where, class: "rim" }));
  for (const [name, where] of forms) group.append(shape(name, { ...where, class: `shape ${kind}` }));
  return group;
}

function shared([ax, ay, aw, ah], [bx, by, bw, bh]) {
  const across = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  const down = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  return across > 0 && down > 0 ? across * down : 0;
}

/** Where a name covers least of other names and of boxes: above its box, below it, beside it. */
function spot([x, y, width, height], [wide, high], shapes, view, taken) {
  const [left, top, across, down] = view;
  const places = [[x, y - high], [x + width - wide, y - high], [x, y + height], [x + width - wide, y + height],
    [x + width, y], [x - wide, y], [x, y]];
  let best = null;
  let least = Infinity;
  for (const [px, py] of places) {
    const at = [Math.max(left, Math.min(px, left + across - wide)), Math.max(top, Math.min(py, top + down - high)), wide, high];
    let covered = 0;
    for (const other of taken) covered += 4 * shared(at, other);
    for (const other of shapes) if (other.box) covered += shared(at, other.box);
    if (covered < least - 1e-6) { least = covered; best = at; }
  }
  taken.push(best);
  return best;
}

/** Return the name of a shape, as large on any picture, smaller where it would not fit. */
function label(one, shapes, view, wide, taken) {
  const score = typeof one.score === "number" ? ` ${one.score.toFixed(2)}` : "";
  const text = `${TAGS[one.origin] ?? ""}${one.category}${score}`;
  const long = text.length * 7.4 + 8;
  const unit = Math.min(view[2] / wide, view[2] / long);
  const [left, top] = spot(one.box, [long * unit, 17 * unit], shapes, view, taken);
  const group = shape("g", { class: "label", transform: `translate(${left} ${top}) scale(${unit})` });
  group.append(
    shape("rect", { class: `tag-back ${one.origin}`, width: long, height: 17, rx: 2 }),
    Object.assign(shape("text", { class: "tag", x: 4, y: 12.5 }), { textContent: text }),
  );
  return group;
}
