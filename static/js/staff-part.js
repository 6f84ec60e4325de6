// A page whose part changes by itself while a worker is busy: asked for again every second until the part says it is over.
// A page without such a part has the button that prints, no more.
import { untouched } from "./tap.js";

const part = document.getElementById("hw-part");
const said = document.getElementById("hw-said"); // stays in the page, so that a screen reader hears it change

async function look() {
  if (!part?.querySelector("[data-running]")) return;
  try {
    const answer = await fetch(part.dataset.part, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (answer.redirected || answer.status === 403) {
      location.reload();
      return;
    }
    if (answer.ok) {
      const html = await answer.text();
      await untouched();
      part.innerHTML = html;
    }
    const now = part.querySelector("[data-said]")?.dataset.said;
    if (said && now && said.textContent !== now) said.textContent = now;
  } catch (error) {
    console.warn("part:", error); // no connection: the next look tries again
  }
  setTimeout(look, 1000);
}

setTimeout(look, 1000);
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) print();
});
