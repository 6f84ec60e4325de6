// The service worker. The view that serves it (deliveries/views/offline.py) writes one line above: KNOWS, with the version,
// the files of the shell and a few addresses.
//
// Kept: the shell, by version; and pages whose answer says `Homeward-Keep: <whose>`, for one person at a time, for half a
// day. Pages come from the network first; the kept one is for when it does not answer in time. Nothing else is touched.

importScripts(...KNOWS.parts);

const SHELL = `shell-${KNOWS.version}`;
const PAGES = "pages";
const OWNER = "/.owner"; // an entry of PAGES: whose the pages are
const PATIENCE_MS = 4_000;
const KEEP_MS = 12 * 3600 * 1000;
const REFRESH_MS = 10 * 60 * 1000;
const KEPT_AT = "Homeward-Kept-At";
// `Vary: Cookie` on Django's pages would make every look-up miss once the session's cookie has changed.
const LOOSE = { ignoreVary: true };

let signOuts = 0; // counted when one is asked for and again when it is answered: what was asked for before is not kept
const served = new Map(); // client id -> when the page it shows was kept, for pages that came from here

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(SHELL);
      await cache.addAll([...KNOWS.shell, KNOWS.offline].map((url) => new Request(url, { cache: "reload" })));
      await self.skipWaiting(); // pages and worker agree on `Homeward-Keep` and the outbox; there is nothing to wait for
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const names = await caches.keys();
      await Promise.all(names.filter((name) => name.startsWith("shell-") && name !== SHELL).map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (url.pathname === KNOWS.logout && request.method === "POST") {
    event.respondWith(signOut(request));
    return;
  }
  if (request.method !== "GET" || url.pathname === KNOWS.sync) return;
  if (url.pathname.startsWith(KNOWS.static)) {
    if (KNOWS.shell.includes(url.pathname)) event.respondWith(fromShell(request));
    else if (KNOWS.later.includes(url.pathname)) event.respondWith(keptLater(request));
    return;
  }
  if (request.mode === "navigate" || request.headers.has("HX-Request")) event.respondWith(page(event));
});

// --- The shell ---------------------------------------------------------------------------------------------------------

async function fromShell(request) {
  const kept = await (await caches.open(SHELL)).match(request, LOOSE);
  if (kept && !KNOWS.fresh) return kept;
  return fetch(request).catch((error) => kept ?? Promise.reject(error));
}

/** The scanner's files, a megabyte, and the map's: fetched by whoever uses them, once. */
async function keptLater(request) {
  const cache = await caches.open(SHELL);
  const kept = await cache.match(request, LOOSE);
  if (kept && !KNOWS.fresh) return kept;
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

// --- Pages -------------------------------------------------------------------------------------------------------------

async function page(event) {
  const { request } = event;
  const id = event.resultingClientId || event.clientId;
  const before = signOuts;
  const asked = fetch(request);
  const stored = asked.then((answer) => keep(request.url, answer.clone(), before)).catch(() => {});
  event.waitUntil(stored);
  const kept = await find(request.url);
  try {
    const answer = await (kept ? inTime(asked) : asked);
    served.delete(id);
    if (request.mode !== "navigate") tell(id);
    return answer;
  } catch {
    if (kept) {
      served.set(id, kept.headers.get(KEPT_AT));
      tell(id);
      return kept;
    }
    if (request.mode !== "navigate") return Response.error();
    return (await caches.match(KNOWS.offline, LOOSE)) ?? Response.error();
  }
}

function inTime(asked) {
  return new Promise((resolve, reject) => {
    setTimeout(reject, PATIENCE_MS);
    asked.then(resolve, reject);
  });
}

async function find(url) {
  const kept = await caches.match(url, { ...LOOSE, cacheName: PAGES });
  if (!kept || isFresh(kept, KEEP_MS)) return kept;
  await forget(); // from another evening
  return undefined;
}

function isFresh(kept, limit_ms) {
  return Date.now() - Date.parse(kept.headers.get(KEPT_AT)) < limit_ms;
}

/** Change PAGES, one change after another: a page on its way in must not bring back what a sign-out forgets. */
function inTurn(change) {
  return navigator.locks.request(PAGES, change);
}

function forget() {
  return inTurn(() => caches.delete(PAGES));
}

/** Until the server has answered, whoever signs out still gets pages: nothing asked for till then is kept. */
async function signOut(request) {
  signOuts += 1;
  await forget();
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(KNOWS.offline, LOOSE)) ?? Response.error();
  } finally {
    signOuts += 1;
    await forget();
  }
}

/** Keep what may be kept; forget everything where the answer shows that somebody else, or nobody, is signed in. */
async function keep(url, answer, before) {
  if (!answer.ok || answer.redirected) {
    if (answer.redirected && new URL(answer.url).pathname === KNOWS.login) await forget();
    return;
  }
  if (new URL(url).pathname === KNOWS.login) {
    await forget(); // somebody signed in is sent on from here
    return;
  }
  const whose = answer.headers.get(KNOWS.keep);
  if (!whose) return;
  const body = await answer.blob();
  const headers = new Headers(answer.headers);
  headers.set(KEPT_AT, new Date().toISOString());
  await inTurn(async () => {
    if (before !== signOuts) return;
    let cache = await caches.open(PAGES);
    const owner = await (await cache.match(OWNER))?.text();
    if (owner !== whose) {
      await caches.delete(PAGES);
      cache = await caches.open(PAGES);
      await cache.put(OWNER, new Response(whose));
    }
    await cache.put(url, new Response(body, { status: 200, headers }));
  });
}

/** The pages of this trip's stops: fetch those that are missing or old, forget those of other trips.
 *
 * Nobody looks at these answers now. They are asked for as an open page that looks again asks, so that a note meant for the
 * next page somebody sees ("Saved.") is neither used up nor kept (templates/base.html).
 */
async function keepStops(urls) {
  await inTurn(async () => {
    if (!(await caches.has(PAGES))) return; // opening it would bring it back
    const cache = await caches.open(PAGES);
    for (const request of await cache.keys()) {
      const { pathname } = new URL(request.url);
      if (pathname.startsWith(KNOWS.stops) && !urls.includes(pathname)) await cache.delete(request, LOOSE);
    }
  });
  for (const url of urls) {
    const kept = await caches.match(url, { ...LOOSE, cacheName: PAGES });
    if (kept && isFresh(kept, REFRESH_MS)) continue;
    const before = signOuts;
    try {
      await keep(new URL(url, location.origin).href, await fetch(url, { headers: { "HX-Request": "true" } }), before);
    } catch {
      return; // no signal: what is there has to do
    }
  }
}

// --- Talking with pages ------------------------------------------------------------------------------------------------

async function tell(id) {
  const client = id && (await self.clients.get(id));
  client?.postMessage({ keptAt: served.get(id) ?? null });
}

self.addEventListener("message", (event) => {
  if (event.data.ask === "kept?") event.waitUntil(tell(event.source.id));
  if (event.data.keep) event.waitUntil(keepStops(event.data.keep));
});

// --- The queue ---------------------------------------------------------------------------------------------------------

self.addEventListener("sync", (event) => {
  if (event.tag !== "outbox") return;
  event.waitUntil(
    (async () => {
      const how = await self.outbox.flush();
      if (how === "offline" || how === "later") throw new Error(how); // the browser asks again later
    })(),
  );
});
