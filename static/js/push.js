// "Notify me on this device": asks the browser, and tells the server where to write. Without notifications, or without
// script, the button is not there and everything else is.

const box = document.getElementById("push");
if (box && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window) start(box);

function start(part) {
  const button = part.querySelector("button");
  const said = part.querySelector("[role=status]");
  part.hidden = false;
  if (Notification.permission === "denied") {
    button.disabled = true;
    said.textContent = part.dataset.denied;
  }
  button.addEventListener("click", async () => {
    button.setAttribute("aria-busy", "true");
    said.textContent = "";
    try {
      // Asked for on a tap and never by the page itself.
      if ((await Notification.requestPermission()) !== "granted") {
        said.textContent = part.dataset.denied;
        return;
      }
      const answer = await tell(part, await subscription(part.dataset));
      if (answer.ok) {
        said.textContent = part.dataset.done;
        button.disabled = true;
      } else {
        said.textContent = (await answer.json()).error;
      }
    } catch {
      said.textContent = part.dataset.failed;
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

async function subscription({ key, worker }) {
  const registration = await navigator.serviceWorker.register(worker);
  await active(registration);
  const options = { userVisibleOnly: true, applicationServerKey: bytes(key) };
  try {
    return await registration.pushManager.subscribe(options);
  } catch (error) {
    // Subscribed under a key the server no longer has: that one will never be written to again.
    const old = await registration.pushManager.getSubscription();
    if (!old) throw error;
    await old.unsubscribe();
    return registration.pushManager.subscribe(options);
  }
}

function active(registration) {
  const worker = registration.installing ?? registration.waiting;
  if (registration.active || !worker) return undefined;
  return new Promise((resolve) => {
    worker.addEventListener("statechange", () => worker.state === "activated" && resolve());
  });
}

function tell(part, made) {
  return fetch(part.dataset.url, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": part.dataset.csrf },
    body: JSON.stringify(made),
  });
}

function bytes(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
