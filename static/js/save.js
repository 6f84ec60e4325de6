// A form whose content is saved on the phone first and sent from there: `<form data-queue="kind" data-stop="id">`.
// With a signal it feels like any form. Where the phone cannot save, it is one.

import { atTheForm, person, send } from "./offline.js";

const PATIENCE_MS = 6_000; // then the person goes on, and the rest happens by itself

/** Take over `form`. `prepare(form)` may return {photo, refused}; `refused` is a sentence, and nothing is saved. */
export async function takeOver(form, { prepare = async () => ({}), say }) {
  try {
    await self.outbox.open();
  } catch {
    return;
  }
  const key = crypto.randomUUID(); // of this opening of the form: two taps are one
  let busy = false;

  form.addEventListener("submit", async (event) => {
    if (form.dataset.plain) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // htmx would send it, too
    if (busy) return;
    busy = true;
    form.setAttribute("aria-busy", "true");
    const button = form.querySelector(".button");
    button.disabled = true;
    try {
      const { photo = null, refused = "" } = await prepare(form);
      if (refused) return say(refused);
      await self.outbox.add(itemOf(form, key, photo));
    } catch {
      form.dataset.plain = "1";
      button.disabled = false;
      form.requestSubmit();
      return;
    } finally {
      busy = false;
      button.disabled = false;
      form.removeAttribute("aria-busy");
    }
    if (navigator.onLine) {
      form.setAttribute("aria-busy", "true");
      atTheForm.add(key);
      await Promise.race([send(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
      const mine = (await self.outbox.all(person)).find((item) => item.key === key);
      form.removeAttribute("aria-busy");
      const refused = mine?.state === "refused";
      if (refused) await self.outbox.takeBack(key); // the form is still here with everything in it
      atTheForm.delete(key);
      if (refused) return say(mine.sentence);
    }
    location.assign(form.dataset.then);
  }, { capture: true });
}

function itemOf(form, key, photo) {
  const fields = {};
  const packages = [];
  for (const [name, value] of new FormData(form)) {
    if (name === "package") packages.push(Number(value));
    else if (typeof value === "string" && !["csrfmiddlewaretoken", "key"].includes(name)) fields[name] = value;
  }
  return { key, person, kind: form.dataset.queue, stop: Number(form.dataset.stop) || undefined, label: form.dataset.label, packages, fields, photo };
}

/** Put a sentence where the form's answers stand. */
export function sayIn(place, sentence) {
  const note = document.createElement("p");
  note.className = "note note-error";
  note.setAttribute("role", "alert");
  note.textContent = sentence;
  place.querySelector("[role=alert]")?.remove();
  place.prepend(note);
  note.scrollIntoView({ block: "center" });
}
