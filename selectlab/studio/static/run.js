import { ask, attempt, el, jobMeter, rounded, say, some, watchJob } from "./studio.js";
import { Grid } from "./grid.js";

const grid = new Grid(document.getElementById("picks"), {
  extra: 100,
  caption: (item) => [
    el("span", {}, `${item.rank}. score ${rounded(item.score ?? 0)}`),
    el("span", { class: "quiet reason", title: item.reason }, item.reason ?? ""),
  ],
});
grid.load();

// The report: made in the background, shown in a frame of its own

const part = document.getElementById("report-part");
const { name } = part.dataset;
const title = `report of ${name}`;
const source = `/run/report?${new URLSearchParams({ name })}`;
const place = document.getElementById("report");
const outcome = document.getElementById("report-outcome");
const [show, open, make] = ["show-report", "open-report", "make-report"].map((id) => document.getElementById(id));
const meter = jobMeter(outcome);

function told(made) {
  show.hidden = open.hidden = !made;
  make.textContent = made ? "Make it anew" : "Make the report";
  make.className = made ? "" : "main";
  document.getElementById("report-made").textContent = made ? `made ${made}` : "There is none yet.";
}

function frame() {
  const made = el("iframe", { sandbox: "allow-scripts", src: source, title: "Report" });
  place.replaceChildren(made);
  show.disabled = true;
  document.getElementById("report-title").scrollIntoView();
}

function follow(job) {
  make.disabled = true;
  return meter.step(job);
}

function ended(job) {
  make.disabled = false;
  if (job.state === "done") finished();
  if (job.state === "failed") outcome.replaceChildren(el("p", { class: "error-line" }, job.error));
  else outcome.replaceChildren(job.state === "cancelled" ? "Cancelled; nothing was written." : "");
  return true;
}

async function finished() {
  const state = await attempt(() => ask(`/api/run/report?${new URLSearchParams({ name })}`));
  if (!state) return;
  told(state.made);
  frame();
}

show.addEventListener("click", frame);
make.addEventListener("click", async () => {
  try {
    const { job } = await ask("/api/run/report", { name });
    follow(job);
    watchJob({ number: job.number, onStep: follow, onEnd: ended });
  } catch (error) {
    outcome.replaceChildren(el("p", { class: "error-line" }, error.message));
  }
});
told(part.dataset.made);
if (location.hash === "#report" && part.dataset.made) frame();
watchJob({
  onStep: (job) => job.title === title && follow(job),
  onEnd: (job) => job.title === title && ended(job),
});

// What it selected, in the format of another tool

const dialog = document.getElementById("export-dialog");
const wrong = document.getElementById("export-wrong");
document.getElementById("export").addEventListener("click", () => { wrong.textContent = ""; dialog.showModal(); });
document.getElementById("export-close").addEventListener("click", () => dialog.close());
document.getElementById("export-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const data = new FormData(event.target);
  try {
    const made = await ask("/api/run/export", { name, form: data.get("form"), task: data.get("task") ?? "" });
    dialog.close();
    say(`${some(made.samples, "sample")} exported`);
    for (const note of made.notes) say(note);
    el("a", { href: made.link, download: "" }).click();
  } catch (error) { wrong.textContent = error.message; }
});
