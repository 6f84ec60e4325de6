// What was done on the road and is not yet on the server: a queue in IndexedDB. Used by the pages and, through
// importScripts, by the service worker, so it is a plain script that makes one name: `outbox`.
//
// An item is kept until the server has answered it: done or already there, or refused with a sentence for the person.
// Its key makes a repeat harmless, so sending twice is never worse than not knowing. Sent items stay as long as the page
// that was kept from before does not show them yet.
//
//   { key, person, kind, stop: id | undefined, packages: [id], label, fields: {name: text}, photo: ArrayBuffer | null,
//     happenedAt: ms, state: "waiting" | "sent" | "refused", sentence, at: server's ISO time }
//
// Kinds, as deliveries/views/sync.py has them: arrived, drop_off, problem at a stop; keep, return, retry a package; undo a
// proof; reorder and cannot_go_on for the whole trip.

self.outbox = (() => {
  const ADDRESS = "/trip/sync/";
  const ASK_MS = 8_000;
  const SEND_MS = 45_000; // a photo on a bad line
  const KEEP_SENT_MS = 24 * 3600 * 1000;
  const channel = "BroadcastChannel" in self ? new BroadcastChannel("outbox") : null;
  const listeners = [];

  // --- The store -------------------------------------------------------------------------------------------------------

  let opened;

  function open() {
    opened ??= new Promise((resolve, reject) => {
      const asked = indexedDB.open("homeward", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("items", { keyPath: "key" });
      asked.onsuccess = () => {
        asked.result.onclose = asked.result.onversionchange = () => {
          asked.result.close();
          opened = undefined;
        };
        resolve(asked.result);
      };
      asked.onerror = () => {
        opened = undefined;
        reject(asked.error);
      };
    });
    return opened;
  }

  async function store(mode, work) {
    const database = await open();
    return new Promise((resolve, reject) => {
      const transaction = database.transaction("items", mode);
      const asked = work(transaction.objectStore("items"));
      // Told when the transaction is safe on the disk, not when the request was heard.
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  const every = () => store("readonly", (items) => items.getAll());
  const put = (item) => store("readwrite", (items) => items.put(item));
  const drop = (key) => store("readwrite", (items) => items.delete(key));

  /** This person's items, in the order in which things happened. */
  async function all(person) {
    const items = (await every()).filter((item) => item.person === person);
    return items.sort((a, b) => a.happenedAt - b.happenedAt);
  }

  function tell() {
    channel?.postMessage("changed");
    for (const listener of listeners) listener();
  }

  if (channel) channel.onmessage = () => listeners.forEach((listener) => listener());

  // One at a time over all pages and the worker. Where there are no locks, the keys alone must do.
  const alone = (work) => (navigator.locks ? navigator.locks.request("outbox", work) : work());

  // --- In and out ------------------------------------------------------------------------------------------------------

  /** Save one. Rejects when the phone cannot; then the form goes the plain way. */
  async function add(item) {
    await put({ happenedAt: Date.now(), fields: {}, photo: null, sentence: "", at: "", ...item, state: "waiting" });
    tell();
    try {
      const registration = await navigator.serviceWorker?.getRegistration("/");
      await registration?.sync?.register("outbox");
    } catch {
      // No background sync: the pages send it when they can.
    }
  }

  /** Take back what is not sent yet. False when it was sent meanwhile, or never was here. */
  async function takeBack(key) {
    const gone = await alone(async () => {
      const item = await store("readonly", (items) => items.get(key));
      if (!item || item.state === "sent") return false;
      await drop(key);
      return true;
    });
    tell();
    return gone;
  }

  /** Send a refused item once more. */
  async function again(key) {
    const item = await store("readonly", (items) => items.get(key));
    if (item?.state === "refused") await put({ ...item, state: "waiting", sentence: "" });
    tell();
    return flush(item?.person);
  }

  /** Forget sent items that a page made at `at`, by the server's clock, shows already. */
  async function shown(person, at) {
    const seen = (item) =>
      item.state === "sent" && (Date.parse(item.at) <= Date.parse(at) || Date.now() - item.happenedAt > KEEP_SENT_MS);
    const old = (await all(person)).filter(seen);
    for (const item of old) await drop(item.key);
    return old.length;
  }

  // --- Sending ---------------------------------------------------------------------------------------------------------

  async function ask() {
    const at = Date.now();
    const answer = await fetch(ADDRESS, { headers: { Accept: "application/json" }, cache: "no-store", signal: AbortSignal.timeout(ASK_MS) });
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Error(`${answer.status}`);
    // Everything that is sent now counts from here, by both clocks: how long each takes on its way is no matter.
    return { ...(await answer.json()), at };
  }

  function post(item, { csrf, now_ms: asked, at }) {
    const form = new FormData();
    for (const [name, value] of Object.entries(item.fields)) form.append(name, value);
    form.append("key", item.key);
    form.append("person", item.person);
    form.append("kind", item.kind);
    if (item.stop) form.append("stop", item.stop);
    for (const id of item.packages) form.append("package", id);
    form.append("asked_ms", asked);
    form.append("age_ms", Math.max(0, Math.round(at - item.happenedAt)));
    if (item.photo) form.append("photo", new Blob([item.photo], { type: "image/jpeg" }), "door.jpg");
    return fetch(ADDRESS, {
      method: "POST", body: form, headers: { "X-CSRFToken": csrf, Accept: "application/json" }, signal: AbortSignal.timeout(SEND_MS),
    });
  }

  /** Send everything that waits, of `only` this person where one is named. "nothing", "done", "offline", "signed-out", or "later" when
   *  the server has trouble. */
  function flush(only) {
    return alone(async () => {
      const waiting = (await every()).filter((item) => item.state === "waiting" && (!only || item.person === only));
      if (!waiting.length) return "nothing";
      let changed = false;
      try {
        let who = await ask();
        if (!who) return "signed-out";
        const mine = waiting.filter((item) => item.person === who.person).sort((a, b) => a.happenedAt - b.happenedAt);
        if (!mine.length) return "nothing";
        let trouble = false;
        const stuck = new Set(); // packages of items that did not get through: what came after them waits, too
        for (const item of mine) {
          if (item.packages.some((id) => stuck.has(id)) || (trouble && item.kind === "cannot_go_on")) {
            trouble = true;
            continue;
          }
          let answer = await post(item, who);
          if (answer.status === 403) {
            // Signed in again in between: the token of before is no longer good.
            who = await ask();
            if (!who) return "signed-out";
            answer = await post(item, who);
          }
          if (answer.status === 401) return "signed-out";
          const said = await answer.json().catch(() => ({}));
          if (said.result === "done" || said.result === "already") {
            await put({ ...item, photo: null, state: "sent", at: said.at });
            changed = true;
          } else if (said.result === "refused" || (answer.status >= 400 && ![403, 408, 425, 429].includes(answer.status) && answer.status < 500)) {
            await put({ ...item, state: "refused", sentence: said.sentence ?? "" });
            changed = true;
          } else {
            trouble = true; // one item the server stumbles over does not hold up the others
            for (const id of item.packages) stuck.add(id);
          }
        }
        return trouble ? "later" : "done";
      } catch (error) {
        return /^\d+$/.test(error.message) ? "later" : "offline";
      } finally {
        if (changed) tell();
      }
    });
  }

  return { open, add, all, again, takeBack, shown, flush, onChange: (listener) => listeners.push(listener) };
})();
