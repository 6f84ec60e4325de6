// On every page of an associate: registers the service worker, sends what waits, and says in a strip how things stand.

import { untouched } from "./tap.js";

const EVERY_MS = 20_000; // while something waits and the page is looked at
const SOON_MS = 1_000; // doubled with each failure: a phone calls itself online before its line carries anything
const strip = document.getElementById("strip");
const line = strip.querySelector("p");
const refusedList = document.getElementById("refused");

/** Whose page this is, as the queue names them. */
export const person = strip.dataset.person;

/** Keys of items whose form is still open and waits for the answer: the form says a refusal, the strip need not. */
export const atTheForm = new Set();

let unreachable = false; // the network said yes, the server did not answer
let keptAt = null; // this page is from the phone, kept then
let signedOut = false;
let failed = 0; // tries in a row
let timer;

// --- The strip -----------------------------------------------------------------------------------------------------------

const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "numeric", minute: "2-digit" });

function counted(kind, number) {
  return strip.dataset[number === 1 ? `${kind}One` : `${kind}Many`].replace("{n}", number);
}

export async function show() {
  await untouched(); // the strip moves what is below it
  const items = await self.outbox.all(person).catch(() => []);
  const waiting = items.filter((item) => item.state === "waiting").length;
  const off = !navigator.onLine || unreachable || keptAt !== null;
  const parts = [];
  if (off) parts.push(strip.dataset.offline);
  if (keptAt) parts.push(strip.dataset.kept.replace("{t}", clock.format(new Date(keptAt))));
  if (waiting) parts.push(counted("waiting", waiting));
  const stranger = signedOut && waiting > 0;
  if (stranger) parts.push(strip.dataset.signIn);
  strip.querySelector("a").hidden = !stranger;
  const said = parts.join(" · ");
  if (line.textContent !== said) line.textContent = said;
  strip.hidden = !said;
  strip.classList.toggle("strip-off", off);
  showRefused(items.filter((item) => item.state === "refused" && !atTheForm.has(item.key)));
  clearTimeout(timer);
  const pause = failed ? Math.min(EVERY_MS, SOON_MS * 2 ** failed) : EVERY_MS;
  if (waiting) timer = setTimeout(() => !document.hidden && send(), pause);
}

function showRefused(items) {
  const shown = new Set([...refusedList.children].map((part) => part.dataset.key));
  if (items.length === shown.size && items.every((item) => shown.has(item.key))) return;
  refusedList.replaceChildren(
    ...items.map((item) => {
      const part = document.getElementById("refused-item").content.cloneNode(true).firstElementChild;
      part.dataset.key = item.key;
      part.querySelector("[data-what]").textContent = item.label;
      part.querySelector("[data-sentence]").textContent = item.sentence || refusedList.dataset.unknown;
      part.querySelector("a").href = item.stop ? `/trip/stops/${item.stop}/${item.kind === "problem" ? "problem" : "drop-off"}/` : "/trip/";
      part.querySelector("[data-again]").addEventListener("click", async () => {
        await self.outbox.again(item.key);
        await settle();
      });
      part.querySelector("[data-forget]").addEventListener("click", () => self.outbox.takeBack(item.key));
      return part;
    }),
  );
}

// --- Sending ---------------------------------------------------------------------------------------------------------------

/** Send what waits; then look at the server's page again, where something got there. */
export async function send() {
  const how = await self.outbox.flush(person).catch(() => "nothing");
  unreachable = how === "offline";
  failed = unreachable || how === "later" ? failed + 1 : 0;
  signedOut = how === "signed-out";
  await settle(how);
  return how;
}

async function settle(how = "done") {
  await show();
  if (how === "done") document.body.dispatchEvent(new CustomEvent("look"));
}

self.outbox.onChange(show);
addEventListener("online", () => {
  unreachable = false;
  failed = 0;
  show();
  send();
  document.body.dispatchEvent(new CustomEvent("look"));
});
addEventListener("offline", show);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) send();
});
// A form that needs the server, where there is none: say so instead of losing the page to the browser's error.
document.addEventListener("submit", (event) => {
  if (navigator.onLine || event.target.method !== "post" || event.target.matches("[data-queue]:not([data-plain])")) return;
  event.preventDefault();
  event.stopPropagation();
  needsSignal();
}, { capture: true });

/** Say that this needs a signal, where it is seen. */
export function needsSignal() {
  line.textContent = strip.dataset.needsSignal;
  strip.hidden = false;
  strip.scrollIntoView({ block: "center" });
}

// --- The worker --------------------------------------------------------------------------------------------------------------

if ("serviceWorker" in navigator) {
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (!("keptAt" in data)) return;
    keptAt = data.keptAt;
    unreachable = keptAt !== null;
    show();
  });
  navigator.serviceWorker.register(strip.dataset.worker).then(() => {
    navigator.serviceWorker.controller?.postMessage({ ask: "kept?" });
  }).catch(() => {}); // forbidden or not to be had: the pages work without it
}

show();
send();
