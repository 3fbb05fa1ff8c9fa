import { Grid } from "./grid.js";

const rank = (letter, at) => (at === null ? "" : `${letter}: ${at}`);
for (const place of document.querySelectorAll(".grid")) {
  new Grid(place, {
    caption: (item) => [[rank("A", item.ranks[0]), rank("B", item.ranks[1])].filter(Boolean).join(", ")],
  }).load();
}
