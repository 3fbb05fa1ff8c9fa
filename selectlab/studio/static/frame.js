// What every page has, also one that says what went wrong: light or dark, and the list of keys.

/** Whether keys belong to what is being typed. */
export function isTyping(event) {
  const at = event.target;
  return event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") ||
    at.matches?.("textarea, select, input:not([type=checkbox]):not([type=range])");
}

document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* until the next page */ }
  document.dispatchEvent(new CustomEvent("theme"));
});
const help = document.getElementById("help");
document.getElementById("help-button").addEventListener("click", () => help.showModal());
document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || isTyping(event)) return;
  event.preventDefault();
  help.showModal();
});
