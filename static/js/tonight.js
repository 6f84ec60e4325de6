// Tonight's board: look again when the store's socket says that something moved, every 15 seconds while there is no
// socket, and every minute anyway, because ages grow by themselves. The server renders; this only replaces.

import { untouched } from "./tap.js";

const board = document.getElementById("hw-board");
const status = document.getElementById("hw-status");
const SETTLE_MS = 400; // one look for a burst of moves
const POLL_MS = 15_000;
const AGES_MS = 60_000;
const LONGEST_WAIT_MS = 30_000;

let socket = null;
let attempts = 0;
let soon = 0;
let looking = false;
let again = false;
let lastLook = Date.now();

function say(kind) {
  // The store's clock, as everywhere on the board: whoever looks may sit in another time zone.
  const time = new Date(lastLook).toLocaleTimeString(document.documentElement.lang, { timeZone: status.dataset.zone });
  status.classList.toggle("hw-stale", kind === "offline");
  // The time is not announced again and again: only the words are in the live region when the kind changes.
  if (status.dataset.kind !== kind) {
    status.dataset.kind = kind;
    status.textContent = status.dataset[kind];
    status.append(Object.assign(document.createElement("span"), { ariaHidden: "true" }));
  }
  status.lastChild.textContent = ` · ${status.dataset.updated} ${time}`;
}

function kind() {
  return socket?.readyState === WebSocket.OPEN ? "live" : "polling";
}

async function look() {
  if (looking) {
    again = true; // what moved during a look may not be in its answer
    return;
  }
  looking = true;
  try {
    const answer = await fetch(board.dataset.part, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (answer.redirected || answer.status === 403) {
      location.reload(); // signed out, or the role is gone
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    await untouched();
    replace(html);
    lastLook = Date.now();
    say(kind());
  } catch (error) {
    console.warn("board:", error);
    say("offline");
  } finally {
    looking = false;
    if (again) {
      again = false;
      lookSoon();
    }
  }
}

// Whoever was on a link stays on it, if it is still there.
function replace(html) {
  const held = board.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  board.innerHTML = html;
  if (held) [...board.querySelectorAll("a")].find((a) => a.getAttribute("href") === held)?.focus({ preventScroll: true });
}

function lookSoon() {
  clearTimeout(soon);
  soon = setTimeout(look, SETTLE_MS);
}

function listen() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}${board.dataset.socket}`);
  socket.onopen = () => {
    attempts = 0;
    lookSoon();
  };
  socket.onmessage = lookSoon;
  socket.onclose = () => {
    socket = null;
    say("polling");
    attempts += 1;
    // Full jitter, so that a restart of the server does not bring every store back in the same second.
    setTimeout(listen, Math.random() * Math.min(LONGEST_WAIT_MS, 1000 * 2 ** attempts));
  };
}

setInterval(() => {
  if (document.hidden) return;
  const due = kind() === "live" ? AGES_MS : POLL_MS;
  if (Date.now() - lastLook >= due) look();
}, 1000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});
addEventListener("online", look);
addEventListener("offline", () => say("offline"));
// Choosing another store shows it at once.
document.getElementById("hw-store")?.addEventListener("change", (event) => event.target.form.requestSubmit());

say("polling");
listen();
