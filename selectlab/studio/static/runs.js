const ticks = [...document.querySelectorAll('input[name="run"]')];
const button = document.getElementById("compare-button");
const chosen = () => ticks.filter((tick) => tick.checked).map((tick) => tick.value);
const show = () => { button.disabled = chosen().length !== 2; };
for (const tick of ticks) tick.addEventListener("change", show);
document.getElementById("compare")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const [one, other] = chosen();
  location.href = `/compare?${new URLSearchParams({ one, other })}`;
});
if (button) show();
