// The customer's page, live. The server renders the fragment; this swaps it, and is honest about how fresh it is.
//
// A socket says what changed. A beat every half minute says that nothing did; without one the socket counts as dead,
// whatever the browser believes. A cut socket is opened again after a random pause that grows (full jitter), because
// thousands of pages are cut at once when a server restarts. While there is none, and whenever the phone wakes up, the
// page asks by itself.

import { untouched } from "./tap.js";

const BEAT_MS = 50_000; // a little more than the hub's 30 s
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const POLL_MS = 30_000;
const POLL_AFTER_FAILURES = 3;

const live = document.getElementById("live");
const connection = document.getElementById("connection");
const connectionText = document.getElementById("connection-text");
const said = document.getElementById("said");
const ago = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });

let version = live.dataset.version.split(".").map(Number);
let knownAt = Date.now(); // when the server last told us that this is so
let socket = null;
let failures = 0;
let beatTimer, socketTimer, pollTimer, againTimer;

const isOlder = (a, b) => (a[0] - b[0] || a[1] - b[1]) < 0;

async function show(message) {
  knownAt = Date.now();
  askAgainIn(message.again_s);
  await untouched();
  if (isOlder(message.version, version)) return;
  place(message.position);
  version = message.version;
  live.dataset.version = version.join(".");
  const fragment = document.createElement("template");
  fragment.innerHTML = message.html;
  const before = live.querySelector("h1").textContent;
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  // The map stays where it is, below the status: whoever moves it keeps it.
  for (const part of [...live.children]) if (part !== mapCard) part.remove();
  mapCard.before(fragment.content.firstElementChild);
  mapCard.after(fragment.content);
  if (focused) document.getElementById(focused)?.focus();
  const now = live.querySelector("h1");
  if (now.textContent !== before) {
    now.parentElement.classList.add("changed");
    const more = [...now.parentElement.querySelectorAll(".stops, .window")].map((line) => line.textContent);
    said.textContent = [now.textContent, ...more].join(". ");
  }
}

// --- Where they are, while this is the next stop -----------------------------------------------------------------------

const mapCard = document.getElementById("map-card");
live.firstElementChild.after(mapCard); // the server renders the rest for everybody who watches, so it comes without the map
let nearby;

async function place(position) {
  if (!position) return (await nearby)?.hide();
  nearby ??= import("./nearby.js").then(({ Nearby }) => new Nearby(mapCard));
  (await nearby.catch(() => (nearby = undefined)))?.show(position);
}

function tellAge() {
  const line = live.querySelector(".ago");
  if (!line) return;
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(line.dateTime)) / 1000));
  const text = seconds < 90 ? ago.format(-seconds, "second") : ago.format(-Math.round(seconds / 60), "minute");
  if (line.textContent !== text) line.textContent = text;
}

// The server knows when what it said stops being true: the window closes.
function askAgainIn(seconds) {
  clearTimeout(againTimer);
  if (seconds) againTimer = setTimeout(ask, Math.min(seconds, 86_400) * 1000);
}

async function ask() {
  try {
    const answer = await fetch(live.dataset.state, { cache: "no-store", credentials: "omit" });
    if (answer.status === 404) return location.reload(); // the link has ended, and the page says so in words
    if (answer.ok) show(await answer.json());
  } catch {
    // No network. The line below the page says how old this is.
  }
  tell();
}

function open() {
  clearTimeout(socketTimer);
  if (socket || document.hidden || !navigator.onLine) return tell();
  const address = new URL(live.dataset.socket, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(address);
  socket = mine;
  mine.onmessage = (event) => {
    if (socket !== mine) return;
    failures = 0;
    poll(false);
    const message = JSON.parse(event.data);
    if (message.type === "state") show(message);
    knownAt = Date.now();
    expectBeat();
    tell();
  };
  mine.onclose = () => socket === mine && lost();
  expectBeat();
  tell();
}

function expectBeat() {
  clearTimeout(beatTimer);
  beatTimer = setTimeout(() => {
    socket?.close();
    lost();
  }, BEAT_MS);
}

function lost() {
  clearTimeout(beatTimer);
  socket = null;
  failures += 1;
  if (failures >= POLL_AFTER_FAILURES) poll(true);
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  clearTimeout(socketTimer);
  socketTimer = setTimeout(open, Math.random() * longest);
  tell();
}

function poll(on) {
  if (on && !pollTimer) {
    ask();
    pollTimer = setInterval(() => document.hidden || ask(), POLL_MS);
  } else if (!on) {
    clearInterval(pollTimer);
    pollTimer = undefined;
  }
}

function wake() {
  if (document.hidden) return;
  ask();
  if (socket && Date.now() - knownAt > BEAT_MS) {
    // It slept through its beats: not to be trusted.
    socket.close();
    socket = null;
  }
  open();
}

function tell() {
  const isLive = socket?.readyState === WebSocket.OPEN && Date.now() - knownAt < BEAT_MS;
  const is = isLive ? "live" : !navigator.onLine ? "offline" : pollTimer ? "polling" : "connecting";
  const minutes = Math.floor((Date.now() - knownAt) / 60_000);
  const age = minutes ? ago.format(-minutes, "minute") : connection.dataset.now;
  connection.dataset.is = is;
  const text = isLive
    ? connection.dataset.live
    : `${connection.dataset[is]} ${connection.dataset.updated} ${age}.`;
  if (connectionText.textContent !== text) connectionText.textContent = text;
}

document.addEventListener("visibilitychange", wake);
window.addEventListener("online", wake);
window.addEventListener("offline", tell);
window.addEventListener("pageshow", (event) => event.persisted && wake());
document.getElementById("again").addEventListener("click", (event) => {
  event.preventDefault();
  ask();
  open();
});
setInterval(tell, 15_000);
setInterval(tellAge, 5_000);
place(JSON.parse(mapCard.dataset.position));
askAgainIn(Number(live.dataset.again));
open();
