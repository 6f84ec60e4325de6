// A step of set-up: asks the browser for the position or the camera, on a tap, and says what became of it. What was said
// before shows at once. Nothing is sent anywhere; the answer is the browser's to keep.

const ASK = {
  geolocation: () =>
    new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject, { timeout: 15_000 })),
  camera: async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    for (const track of stream.getTracks()) track.stop();
  },
};
const NO = { geolocation: (error) => error.code === 1, camera: (error) => error.name === "NotAllowedError" };

const part = document.getElementById("permission");
const { permission } = part.dataset;
const button = part.querySelector("button");
const said = part.querySelector("[role=status]");
part.hidden = false;

function show(state) {
  said.textContent = part.dataset[state] ?? "";
  button.disabled = state === "granted";
}

button.addEventListener("click", async () => {
  button.setAttribute("aria-busy", "true");
  try {
    await ASK[permission]();
    show("granted");
  } catch (error) {
    show(NO[permission](error) ? "denied" : "failed");
  } finally {
    button.removeAttribute("aria-busy");
  }
});

try {
  const status = await navigator.permissions.query({ name: permission });
  show(status.state);
  status.addEventListener("change", () => show(status.state));
} catch {
  // A browser that does not tell in advance: it says so when it is asked.
}
