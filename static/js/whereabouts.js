// Tells the server where the phone is while a stop is ahead and this page is open, for the customer who is next. The server
// blurs it and says when to stop. Never asks for the permission by itself: a tap does.

const AGAIN_MS = 15_000; // as deliveries/nearby.py; the server has the last word
const STALE_MS = 120_000; // the page says so when the phone has not found itself for so long
const box = () => document.getElementById("sharing");
const offKey = () => `sharing-${box().dataset.trip}`;

let watching = null;
let sentAt = 0;
let foundAt = 0;
let againMs = AGAIN_MS;

function post(fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  body.append("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "");
  return fetch(box().dataset.sharing, { method: "POST", body, headers: { Accept: "application/json" } });
}

async function found({ coords, timestamp }) {
  if (!box()) return stop(); // the last stop is done
  foundAt = Date.now();
  show();
  if (!navigator.onLine || Date.now() - sentAt < againMs) return;
  sentAt = Date.now();
  try {
    const answer = await post({
      lat: coords.latitude, lon: coords.longitude, accuracy: Math.ceil(coords.accuracy), age_ms: Math.max(0, Date.now() - timestamp),
    });
    if (!answer.ok || answer.redirected) return;
    const { share, again_s: seconds } = await answer.json();
    againMs = (seconds ?? 0) * 1000 || AGAIN_MS;
    if (!share) stop();
  } catch {
    // No signal: nobody sees it, and the next one is newer anyway.
  }
}

/** In a garage it is only lost for a while; the page says so when that lasts. */
function lost(error) {
  if (error.code === error.PERMISSION_DENIED) stop();
}

function start() {
  if (watching === null) foundAt = Date.now();
  watching ??= navigator.geolocation.watchPosition(found, lost, { enableHighAccuracy: true, maximumAge: 5_000 });
  show();
}

function stop() {
  if (watching !== null) navigator.geolocation.clearWatch(watching);
  watching = null;
  show();
}

function show() {
  const here = box();
  if (!here) return;
  here.hidden = !navigator.geolocation;
  const on = watching !== null;
  const stale = on && Date.now() - foundAt > STALE_MS;
  const words = stale ? here.dataset.stale : on ? here.dataset.on : here.dataset.off;
  const said = here.querySelector("p");
  if (said.textContent !== words) said.textContent = words;
  here.querySelector("button").textContent = on ? here.dataset.stop : here.dataset.start;
}

async function begin() {
  if (!box()) return stop();
  show();
  if (watching !== null || localStorage.getItem(offKey())) return;
  const asked = await navigator.permissions?.query({ name: "geolocation" }).catch(() => null);
  if (asked?.state === "granted" && box()) start();
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#sharing button")) return;
  if (watching === null) {
    localStorage.removeItem(offKey());
    sentAt = 0;
    return start();
  }
  localStorage.setItem(offKey(), "off");
  stop();
  post({ stop: "1" }).catch(() => {}); // without a signal it goes stale by itself
});
document.body.addEventListener("htmx:afterSwap", begin);
addEventListener("pagehide", stop);
addEventListener("pageshow", ({ persisted }) => persisted && begin());
setInterval(show, AGAIN_MS);
begin();
