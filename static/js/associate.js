// An associate's open page: looks again when something changed, and keeps its clocks. The page works without it.

import { isPressed, untouched } from "./tap.js";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const WITHOUT_SOCKET_MS = 60_000;

// --- Look again --------------------------------------------------------------------------------------------------------

// Somebody sent a form, and the page is on its way to the answer: what a look says now, a redirect above all, would overtake
// it, and the answer's words ("Your trip is as agreed now.") would never be seen.
let leaving = false;
document.addEventListener("submit", (event) => {
  setTimeout(() => (leaving = !event.defaultPrevented)); // when whoever sends it without leaving has said so
  setTimeout(() => (leaving = false), LONGEST_WAIT_MS); // it never came: the page goes on
});
addEventListener("pageshow", () => (leaving = false));
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.requestConfig.triggeringEvent?.type !== "look") return;
  if (leaving) event.preventDefault();
  else if (isPressed()) {
    event.preventDefault();
    untouched().then(look); // if the tap has not led away
  }
});

// What somebody opened or closed stays so when the page looks again. Known by its words, and its number where two have the same.
const openParts = new Map();

function eachPart(does) {
  const seen = {};
  for (const part of document.querySelectorAll("details")) {
    const words = part.querySelector("summary").textContent.trim();
    seen[words] = (seen[words] ?? 0) + 1;
    does(part, `${words} ${seen[words]}`);
  }
}

document.body.addEventListener("htmx:beforeSwap", () => {
  openParts.clear();
  eachPart((part, name) => openParts.set(name, part.open));
});
document.body.addEventListener("htmx:afterSwap", () => eachPart((part, name) => (part.open = openParts.get(name) ?? part.open)));

let stale = 0;

function look() {
  // A hidden page does not spend the phone's battery; it looks once when it is shown.
  if (document.hidden) {
    stale += 1;
    return;
  }
  stale = 0;
  document.body.dispatchEvent(new CustomEvent("look"));
}

function listen(path) {
  let attempts = 0;
  let socket;

  const connect = () => {
    socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    socket.addEventListener("open", () => {
      // What was said while nobody listened is on the page after one look.
      if (attempts > 0) look();
      attempts = 0;
    });
    socket.addEventListener("message", look);
    socket.addEventListener("close", () => {
      // Full jitter: after a restart a store's phones do not all come back in the same second.
      const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempts);
      attempts += 1;
      setTimeout(connect, Math.random() * ceiling);
    });
  };

  connect();
  setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) look();
  }, WITHOUT_SOCKET_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && (stale > 0 || socket.readyState !== WebSocket.OPEN)) look();
  });
}

const live = document.querySelector("[data-live]");
if (live) listen(live.dataset.live);

// What a screen reader should hear after a quote was worked out anew: the region itself must stay in the page.
document.body.addEventListener("htmx:afterSwap", () => {
  const said = document.querySelector("[data-say]")?.dataset.say;
  const region = document.getElementById("announce");
  if (region && said && region.textContent !== said) region.textContent = said;
  tick();
});

// --- Clocks --------------------------------------------------------------------------------------------------------------

const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { style: "short" });

function minutesAndSeconds(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const rest = `${String(Math.floor(seconds / 60) % 60).padStart(hours ? 2 : 1, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  return hours ? `${hours}:${rest}` : rest;
}

function tick() {
  const now = Date.now();
  for (const clock of document.querySelectorAll("[data-since]")) {
    clock.textContent = minutesAndSeconds(now - Date.parse(clock.dataset.since));
  }
  for (const clock of document.querySelectorAll("[data-countdown]")) {
    const left = Date.parse(clock.dataset.countdown) - now;
    clock.textContent = left > 0 ? `· ${relative.format(Math.ceil(left / 60_000), "minute")}` : "";
  }
  for (const clock of document.querySelectorAll("[data-seconds-to]")) {
    clock.textContent = minutesAndSeconds(Date.parse(clock.dataset.secondsTo) - now);
  }
  for (const part of document.querySelectorAll("[data-gone-at]")) {
    if (Date.parse(part.dataset.goneAt) <= now) part.hidden = true;
  }
}

tick();
setInterval(tick, 1_000);
