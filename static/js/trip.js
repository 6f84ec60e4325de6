// The trip's page, with what is saved on the phone laid over it: the next stop is the next one that is not done yet, on
// the server or here. Also after a reload without a signal, when the page itself is from before.

import { person, send } from "./offline.js";

const numbers = (text) => (text ? text.split(" ").map(Number) : []);

async function lay() {
  const trip = document.querySelector("[data-trip]");
  if (!trip) return;
  await self.outbox.shown(person, trip.dataset.at);
  const items = (await self.outbox.all(person)).filter((item) => item.state !== "refused");
  const here = new Set(items.filter((item) => item.kind !== "arrived").flatMap((item) => item.packages));
  const arrived = new Set(items.filter((item) => item.kind === "arrived").map((item) => item.stop));
  let next = null;
  for (const stop of trip.querySelectorAll("section[data-stop]")) {
    const out = numbers(stop.dataset.out);
    const left = out.filter((id) => !here.has(id));
    for (const row of stop.querySelectorAll("[data-package]")) row.hidden = here.has(Number(row.dataset.package));
    const done = out.length > 0 && left.length === 0 && !stop.dataset.attempted;
    if (!done) next ??= stop;
    stop.hidden = stop !== next;
    const thumb = stop.querySelector(".thumb");
    if (thumb) thumb.hidden = left.length === 0;
    const there = arrived.has(Number(stop.dataset.stop)) || stop.dataset.arrived === "yes";
    stop.querySelector("[data-arrive]")?.toggleAttribute("hidden", there);
    stop.querySelector("[data-drop]")?.toggleAttribute("hidden", !there);
    const later = trip.querySelector(`[data-later="${stop.dataset.stop}"]`);
    if (later) later.hidden = done || stop === next;
  }
  const list = trip.querySelector("#later-list");
  if (list) list.hidden = ![...list.querySelectorAll("[data-later]")].some((row) => !row.hidden);
  trip.querySelector("#all-saved").hidden = next !== null || here.size === 0;
  listSaved(trip, items.filter((item) => item.kind !== "arrived"));
}

function listSaved(trip, items) {
  const card = trip.querySelector("#saved");
  const rows = card.querySelector("ul");
  const held = document.activeElement?.closest("[data-key]")?.dataset.key;
  card.hidden = items.length === 0;
  rows.replaceChildren(
    ...items.map((item) => {
      const row = document.getElementById("saved-item").content.cloneNode(true).firstElementChild;
      row.dataset.key = item.key;
      row.querySelector("[data-what]").textContent = item.label;
      for (const badge of row.querySelectorAll("[data-is]")) badge.hidden = badge.dataset.is !== item.state;
      const button = row.querySelector("button");
      button.hidden = item.state !== "waiting";
      button.setAttribute("aria-label", `${button.textContent} ${item.label}`);
      button.addEventListener("click", async () => {
        button.setAttribute("aria-busy", "true");
        if (!(await self.outbox.takeBack(item.key))) document.body.dispatchEvent(new CustomEvent("look"));
      });
      return row;
    }),
  );
  if (held) rows.querySelector(`[data-key="${held}"] button`)?.focus();
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-queue=arrived]");
  if (!form || form.dataset.plain) return;
  event.preventDefault();
  const stop = Number(form.dataset.stop);
  try {
    await self.outbox.add({
      key: crypto.randomUUID(), person, kind: "arrived", stop, label: form.dataset.label, packages: [],
    });
  } catch {
    form.dataset.plain = "1";
    form.requestSubmit();
    return;
  }
  await lay();
  document.querySelector(`section[data-stop="${stop}"] [data-drop]`)?.focus();
  send();
}, { capture: true });

function keepStops() {
  const urls = [...document.querySelectorAll("[data-keep]")].flatMap((part) => part.dataset.keep.split(" "));
  navigator.serviceWorker?.ready.then((registration) => registration.active?.postMessage({ keep: urls }));
}

self.outbox.onChange(lay);
document.body.addEventListener("htmx:afterSwap", () => {
  lay();
  keepStops();
});
lay();
keepStops();
