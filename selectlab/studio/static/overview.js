// What a dataset consists of, as numbers and bars; each bar leads to its samples.

import { ask, attempt, counted, el, rounded, some } from "./studio.js";

const SVG = "http://www.w3.org/2000/svg";
const FIRST = 12;

function part(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The gallery with conditions; null where a value cannot be written as one. */
function gallery(...conditions) {
  if (conditions.some((one) => one.includes(",") || /[<>=!].*[<>=!].*[<>=!]/.test(one))) return null;
  return `/?${new URLSearchParams(conditions.map((one) => ["where", one]))}`;
}

const written = (value) => !/[<>=!,]/.test(value) && value.trim() === value && value !== "";

/** Categories: a line each, with its bar and its number. */
function bars(rows, more, noun) {
  const most = Math.max(...rows.map((row) => row.count), 1);
  const line = ({ name, count, note, href }) => el("li", {},
    href ? el("a", { href, title: name }, name) : el("span", { title: name }, name),
    part("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
      part("rect", { width: Math.max((100 * count) / most, count ? 0.7 : 0), height: 10 })),
    el("span", { class: "number", title: note ?? "" }, counted(count)));
  const place = el("div", {});
  const show = (all) => place.replaceChildren(
    el("ul", { class: "bars" }, ...(all ? rows : rows.slice(0, FIRST)).map(line)),
    !all && rows.length > FIRST
      ? el("button", { type: "button", class: "small", onclick: () => show(true) }, `${rows.length - FIRST} more`) : "",
    all && more ? el("p", { class: "quiet" }, `and ${counted(more)} more ${noun}`) : "");
  show(rows.length <= FIRST);
  return place;
}

/** Numbers: columns over an axis. */
function columns(found, title, conditions) {
  const { counts, edges } = found;
  const most = Math.max(...counts, 1);
  const wide = 300 / counts.length;
  const svg = part("svg", { class: "histogram", viewBox: "0 0 300 90", preserveAspectRatio: "none", role: "group", "aria-label": title });
  counts.forEach((count, k) => {
    const high = count ? Math.max((count / most) * 84, 1.5) : 0;
    const [from, to] = ends(found, k);
    const span = from === to ? rounded(from) : `${rounded(from)} to ${rounded(to)}`;
    const said = `${span}: ${counted(count)}`;
    const bar = part("g", {}, part("title", {}, said),
      part("rect", { class: "behind", x: k * wide, y: 0, width: wide, height: 90 }),
      part("rect", { x: k * wide + 0.5, y: 90 - high, width: Math.max(wide - 1, 0.5), height: high }));
    const href = count && conditions ? gallery(...conditions(k)) : null;
    svg.append(href ? part("a", { href, "aria-label": said }, bar) : bar);
  });
  return el("div", { class: "axis" }, svg, el("div", { class: "ends quiet" },
    el("span", {}, rounded(ends(found, 0)[0])), el("span", {}, rounded(ends(found, counts.length - 1)[1]))));
}

/** The least and the largest value of a step. */
function ends({ edges, whole }, k) {
  return whole ? [Math.ceil(edges[k]), Math.floor(edges[k + 1])] : [edges[k], edges[k + 1]];
}

function between(key, found) {
  return (k) => {
    const [from, to] = ends(found, k);
    if (from === to) return [`${key}=${from}`];
    return [`${key}>=${from}`, found.whole || k === found.counts.length - 1 ? `${key}<=${to}` : `${key}<${to}`];
  };
}

const chart = (title, note, ...parts) =>
  el("section", { class: "chart" }, el("h3", {}, title), note ? el("p", { class: "quiet" }, note) : "", ...parts);
const none = (line, code) => el("p", { class: "quiet" }, line, code ? el("code", {}, code) : "");

async function samples() {
  const told = await attempt(() => ask("/api/overview?part=samples"));
  if (!told) return;
  const { samples: all, images, frames, videos, without, first_without, preselected, embeddings, tags, assertions } = told.samples;
  const numbers = [["samples", all], ["image files", images]];
  if (frames) numbers.push([`frames of ${some(videos, "video")}`, frames]);
  if (without) numbers.push(["without a picture", without]);
  if (preselected) numbers.push(["preselected", preselected]);
  document.getElementById("numbers").replaceChildren(...numbers.map(([name, n]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, counted(n)))));
  const pairs = [];
  if (without) pairs.push(["no picture", `${first_without.join(", ")}${without > first_without.length ? ", ..." : ""}`]);
  const said = embeddings.map((one) => one.note ??
    `${one.of}: ${some(one.vectors, "vector")} of ${some(one.dimension, "number")}${one.space ? `, ${one.space}` : ""}`);
  pairs.push(["embeddings", said.length ? said.join("; ") : ["none; ", el("a", { href: "/map" }, "how to make them")]]);
  const names = Object.entries(tags);
  if (names.length) pairs.push(["tags", names.flatMap(([name, n], k) =>
    [k ? ", " : "", el("a", { href: `/?${new URLSearchParams({ tag: name })}` }, name), ` (${counted(n)})`])]);
  if (assertions.length) pairs.push(["assertions", assertions.flatMap((name, k) =>
    [k ? ", " : "", el("a", { href: `/flickering?${new URLSearchParams({ file: name })}` }, name)])]);
  document.getElementById("about").replaceChildren(...pairs.flatMap(([key, value]) =>
    [el("dt", {}, key), el("dd", {}, ...[value].flat())]));
}

function task(one) {
  if (one.note) return chart(one.name, null, el("p", { class: "error-line" }, one.note));
  const found = one.type === "classification"
    ? some(one.samples, "sample") : `${some(one.objects, "object")} in ${some(one.samples, "sample")}`;
  const note = [one.type, found, one.labelled ? `${counted(one.labelled)} labelled by people` : "",
    one.unlisted ? `${some(one.unlisted, "sample")} without a file` : ""].filter(Boolean).join(", ");
  const plain = one.type === "classification";
  const rows = one.classes.map(({ name, objects, samples: n }) => ({
    name, count: plain ? n : objects, note: `in ${some(n, "sample")}`,
    href: n && written(name) && written(one.name) ? gallery(`${one.name}:${name}>=1`) : null,
  }));
  const scores = one.scores ? [el("p", { class: "quiet" }, "scores"), columns(one.scores, `scores of ${one.name}`)] : [];
  return chart(one.name, note, rows.length ? bars(rows, one.more, "classes") : none("no classes"), ...scores);
}

async function tasks() {
  const told = await attempt(() => ask("/api/overview?part=tasks"));
  document.getElementById("tasks").replaceChildren(...(told?.tasks.length ? told.tasks.map(task)
    : [none(told ? "None. Made by " : "These cannot be read.", told ? "selectlab predict" : "")]));
}

function key(one) {
  if (one.note) return chart(one.key, null, el("p", { class: "error-line" }, one.note));
  const gone = one.missing ? `, ${counted(one.missing)} without` : "";
  if (one.histogram) {
    const about = `mean ${rounded(one.mean)}, median ${rounded(one.median)}${gone}`;
    return chart(one.key, about, columns(one.histogram, one.key, written(one.key) && !one.key.includes(":") ? between(one.key, one.histogram) : null));
  }
  const rows = one.bars.map(([name, count]) => ({ name, count,
    href: written(name) && written(one.key) && !one.key.includes(":") ? gallery(`${one.key}=${name}`) : null }));
  return chart(one.key, `${some(one.bars.length + one.more, "value")}${gone}`, rows.length ? bars(rows, one.more, "values") : none("no value"));
}

async function metadata() {
  const told = await attempt(() => ask("/api/overview?part=metadata"));
  const found = told?.metadata;
  document.getElementById("metadata").replaceChildren(...(found?.keys.length ? found.keys.map(key)
    : [none(told ? "None. Image metrics are made by " : "It cannot be read.", told ? "selectlab predict --metrics" : "")]),
    found?.more.length ? el("p", { class: "quiet" }, `and ${counted(found.more.length)} more keys: ${found.more.join(", ")}`) : "");
}

async function rounds() {
  const told = await attempt(() => ask("/api/overview?part=rounds"));
  const place = document.getElementById("rounds");
  const found = told?.rounds;
  if (!found || found.note) { place.replaceChildren(none(found?.note ?? "They cannot be read.")); return; }
  if (!found.rounds.length) { place.replaceChildren(none("None has begun. ", "selectlab round start")); return; }
  const cells = (kind, values) => values.map((value, k) => el(kind, k ? { class: "number" } : {}, value));
  place.replaceChildren(
    el("p", {}, `${some(found.chosen, "sample")} chosen, ${counted(found.labelled)} labelled.`),
    el("table", { class: "list" },
      el("thead", {}, el("tr", {}, ...cells("th", ["round", "runs", "chosen", "sent", "labelled"]))),
      el("tbody", {}, ...found.rounds.map((one) => el("tr", {}, ...cells("td", [
        one.number === null || one.name === String(one.number) ? one.name : `${one.number}: ${one.name}`,
        counted(one.runs), counted(one.chosen), counted(one.sent), counted(one.labelled)]))))));
}

samples();
tasks();
metadata();
rounds();
