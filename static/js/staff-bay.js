// The bay: each scan is sent at once and in order, the field is free for the next. Without this the form posts and the
// page comes back; nothing is lost.

const part = document.getElementById("hw-part");
const form = document.getElementById("hw-scan");
const field = document.getElementById("hw-code");
let queue = Promise.resolve();

async function send(url, data) {
  const result = part.querySelector(".hw-result");
  try {
    const answer = await fetch(url, { method: "POST", body: data, headers: { "X-Part": "1" }, credentials: "same-origin" });
    if (answer.redirected || answer.status === 403) return location.reload();
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = document.createElement("div");
    fresh.innerHTML = await answer.text();
    const said = fresh.querySelector(".hw-result");
    // The live region itself stays in place: only then do screen readers speak what is put into it.
    result.replaceChildren(...said.childNodes);
    said.remove();
    part.replaceChildren(result, ...fresh.childNodes);
  } catch (error) {
    console.warn("bay:", error);
    const note = document.createElement("p");
    note.className = "hw-note hw-bad";
    note.textContent = `${data.get("code") ?? ""} ${part.dataset.failed}`;
    result.replaceChildren(note);
  }
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!field.value.trim()) return;
  const data = new FormData(form);
  field.value = "";
  field.focus();
  queue = queue.then(() => send(form.action, data));
});

part.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.dataset.ask && !confirm(event.target.dataset.ask)) return;
  const data = new FormData(event.target, event.submitter);
  queue = queue.then(() => send(event.target.action, data)).then(() => field?.focus());
});

document.getElementById("hw-store")?.addEventListener("change", (event) => event.target.form.requestSubmit());
field?.focus();
