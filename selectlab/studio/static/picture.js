// A picture with what was found in it, drawn over it.

const SVG = "http://www.w3.org/2000/svg";
const TAGS = { imputed: "MISSING ", suspicious: "? ", predicted: "", labelled: "" };

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Return an SVG of a picture with shapes; window [x, y, width, height] shows a part of it, wide is
 *  about how many px it will be across, for the size of the letters, and tags is false or says which
 *  shapes are named. */
export function drawn(source, size, shapes, { window = null, alt = "", tags = true, lit = null, wide = 900 } = {}) {
  const [width, height] = size;
  const view = window ?? [0, 0, width, height];
  const svg = shape("svg", { viewBox: view.join(" "), role: "img", "aria-label": alt });
  svg.append(shape("image", { href: source, x: 0, y: 0, width, height, preserveAspectRatio: "none" }));
  shapes.forEach((one, number) => svg.append(outline(one, number, view, (tags instanceof Function ? tags(one) : tags) ? wide : 0, number === lit)));
  return svg;
}

function outline(one, number, view, wide, lit) {
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
  if (wide && one.box) group.append(label(one, view, wide));
  return group;
}

/** Return the name of a shape, as large on any picture. */
function label(one, view, wide) {
  const score = typeof one.score === "number" ? ` ${one.score.toFixed(2)}` : "";
  const text = `${TAGS[one.origin] ?? ""}${one.category}${score}`;
  const unit = view[2] / wide;
  const high = 17 * unit;
  const [x, y] = one.box;
  const top = Math.max(view[1], y - high);
  const long = text.length * 7.4 + 8;
  const left = Math.max(view[0], Math.min(x, view[0] + view[2] - long * unit));
  const group = shape("g", { transform: `translate(${left} ${top}) scale(${unit})` });
  group.append(
    shape("rect", { class: `tag-back ${one.origin}`, width: long, height: 17, rx: 2 }),
    Object.assign(shape("text", { class: "tag", x: 4, y: 12.5 }), { textContent: text }),
  );
  return group;
}
