import { el, rounded } from "./studio.js";
import { Grid } from "./grid.js";

const grid = new Grid(document.getElementById("picks"), {
  extra: 100,
  caption: (item) => [
    el("span", {}, `${item.rank}. score ${rounded(item.score ?? 0)}`),
    el("span", { class: "quiet reason", title: item.reason }, item.reason ?? ""),
  ],
});
grid.load();

const button = document.getElementById("show-report");
button.addEventListener("click", () => {
  button.disabled = true;
  button.textContent = "Making the report ...";
  const frame = el("iframe", { sandbox: "allow-scripts", src: button.dataset.source, title: "Report" });
  frame.addEventListener("load", () => { button.textContent = "Report"; });
  document.getElementById("report").replaceChildren(frame);
});
