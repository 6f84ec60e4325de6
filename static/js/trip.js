// The trip's page, with what is saved on the phone laid over it: the next stop is the next one that is not done yet, on
// the server or here. Also after a reload without a signal, when the page itself is from before.

import { person, send } from "./offline.js";
import { untouched } from "./tap.js";

const numbers = (text) => (text ? text.split(" ").map(Number) : []);
const QUIET = ["arrived"]; // shown by the stop itself, not in the list of what is saved

// --- What the phone knows --------------------------------------------------------------------------------------------------

/** Package id -> "out", "attempted" or "done", as the page says and as the phone has been told since. */
function standing(trip, items) {
  const found = new Map();
  for (const stop of trip.querySelectorAll("section[data-stop]")) {
    for (const id of numbers(stop.dataset.out)) found.set(id, "out");
    for (const id of numbers(stop.dataset.attempted)) found.set(id, "attempted");
  }
  const becomes = { drop_off: "done", problem: "attempted", keep: "done", return: "done", retry: "out" };
  for (const { kind, packages } of items) {
    for (const id of packages) if (becomes[kind] && found.has(id)) found.set(id, becomes[kind]);
  }
  if (items.some(({ kind }) => kind === "cannot_go_on")) for (const id of found.keys()) found.set(id, "done");
  return found;
}

/** The stops of the page in the order that was last asked for. */
function inOrder(trip, items) {
  const stops = [...trip.querySelectorAll("section[data-stop]")];
  const asked = numbers(items.findLast(({ kind }) => kind === "reorder")?.fields.order);
  const place = (stop) => (asked.includes(Number(stop.dataset.stop)) ? asked.indexOf(Number(stop.dataset.stop)) : asked.length);
  const sorted = asked.length ? stops.toSorted((a, b) => place(a) - place(b)) : stops;
  if (asked.length) {
    const first = Math.min(...stops.map((stop) => Number(stop.dataset.position)));
    sorted.forEach((stop, number) => {
      const said = stop.querySelector("[data-place]");
      said.textContent = said.dataset.place.replace("{n}", first + number);
    });
    const list = trip.querySelector("#later-list ol");
    list?.append(...sorted.map((stop) => list.querySelector(`[data-later="${stop.dataset.stop}"]`)).filter(Boolean));
  }
  return sorted;
}

async function saved() {
  return (await self.outbox.all(person)).filter((item) => item.state !== "refused");
}

// --- Laid over the page ----------------------------------------------------------------------------------------------------

async function lay() {
  const trip = document.querySelector("[data-trip]");
  if (!trip) return;
  await untouched();
  await self.outbox.shown(person, trip.dataset.at);
  const items = await saved();
  const now = standing(trip, items);
  const arrived = new Set(items.filter((item) => item.kind === "arrived").map((item) => item.stop));
  let next = null;
  const ahead = [];
  for (const stop of inOrder(trip, items)) {
    const ids = [...numbers(stop.dataset.out), ...numbers(stop.dataset.attempted)];
    const out = ids.filter((id) => now.get(id) === "out");
    const attempted = ids.filter((id) => now.get(id) === "attempted");
    for (const row of stop.querySelectorAll("[data-package]")) row.hidden = now.get(Number(row.dataset.package)) === "done";
    for (const card of stop.querySelectorAll("[data-choices]")) card.hidden = !attempted.includes(Number(card.dataset.choices));
    const done = out.length + attempted.length === 0;
    if (!done) {
      next ??= stop;
      ahead.push(stop.dataset.stop);
    }
    stop.hidden = stop !== next;
    const thumb = stop.querySelector(".thumb");
    if (thumb) thumb.hidden = out.length === 0;
    const there = arrived.has(Number(stop.dataset.stop)) || stop.dataset.arrived === "yes";
    stop.querySelector("[data-arrive]")?.toggleAttribute("hidden", there);
    stop.querySelector("[data-drop]")?.toggleAttribute("hidden", !there);
    const later = trip.querySelector(`[data-later="${stop.dataset.stop}"]`);
    if (later) later.hidden = done || stop === next;
  }
  const list = trip.querySelector("#later-list");
  if (list) list.hidden = ![...list.querySelectorAll("[data-later]")].some((row) => !row.hidden);
  for (const row of trip.querySelectorAll("form[data-proof]")) {
    if (items.some(({ kind, fields }) => kind === "undo" && fields.proof === row.dataset.proof)) row.hidden = true;
  }
  const all = trip.querySelector("#all-saved");
  if (all) {
    all.hidden = next !== null || items.every(({ kind }) => [...QUIET, "answer"].includes(kind)); // words end no stop
    all.querySelector("[data-back]").hidden = !items.some(({ kind }) => kind === "return" || kind === "cannot_go_on");
  }
  listSaved(trip, items.filter((item) => !QUIET.includes(item.kind)));
  trip.dataset.ahead = ahead.join(" "); // for the map
  document.dispatchEvent(new CustomEvent("trip:laid"));
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
        else if (item.kind === "reorder") location.reload(); // the page was put into that order
      });
      return row;
    }),
  );
  if (held) rows.querySelector(`[data-key="${held}"] button`)?.focus();
}

// --- What one taps ---------------------------------------------------------------------------------------------------------

/** The order of the stops ahead with this one a place earlier or later. */
async function moved(form) {
  const trip = form.closest("[data-trip]");
  const items = await saved();
  const now = standing(trip, items);
  const ahead = inOrder(trip, items).filter((stop) =>
    [...numbers(stop.dataset.out), ...numbers(stop.dataset.attempted)].some((id) => now.get(id) !== "done"),
  );
  const order = ahead.map((stop) => stop.dataset.stop);
  const was = order.indexOf(form.dataset.moves);
  const becomes = Math.min(Math.max(was + Number(form.dataset.by), 0), order.length - 1);
  order.splice(becomes, 0, ...order.splice(was, 1));
  return order.join(" ");
}

async function itemOf(form) {
  const { queue: kind, stop, about, proof, label } = form.dataset;
  const fields = {};
  if (proof) fields.proof = proof;
  if (kind === "reorder") fields.order = await moved(form);
  return {
    key: crypto.randomUUID(), person, kind, label, fields, stop: Number(stop) || undefined, packages: about ? [Number(about)] : [],
  };
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-trip] form[data-queue]");
  if (!form || form.dataset.plain) return;
  event.preventDefault();
  if (form.dataset.busy) return; // two taps are one
  form.dataset.busy = "1";
  try {
    await self.outbox.add(await itemOf(form));
  } catch {
    form.dataset.plain = "1";
    form.requestSubmit();
    return;
  } finally {
    delete form.dataset.busy;
  }
  await lay();
  const said = document.getElementById("announce");
  if (said && form.dataset.queue !== "arrived") said.textContent = form.dataset.label;
  if (form.dataset.queue === "arrived") document.querySelector(`section[data-stop="${form.dataset.stop}"] [data-drop]`)?.focus();
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
