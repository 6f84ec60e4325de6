// The camera as a scanner of labels: QR and Code 128. The browser's own detector where there is one, else ZXing in a
// worker; either is loaded when somebody opens the camera, not before. Whoever uses it says what a code means.

const WANTED = ["qr_code", "code_128"];
const EVERY_MS = 150;
const SAME_AGAIN_MS = 3_000; // a label held before the camera is one scan
const LONGEST_SIDE = 960; // of the picture that is looked at

// --- Two readers -----------------------------------------------------------------------------------------------------------

async function ownReader() {
  if (!("BarcodeDetector" in self)) return null;
  const can = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!WANTED.every((format) => can.includes(format))) return null;
  const detector = new BarcodeDetector({ formats: WANTED });
  return { read: async (video) => (await detector.detect(video)).map(({ rawValue }) => rawValue), close() {} };
}

async function workersReader({ worker: address, library, wasm }) {
  const worker = new Worker(address);
  const ask = (message, moved = []) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.codes));
      worker.onerror = () => reject(new Error("worker"));
      worker.postMessage(message, moved);
    });
  await ask({ library: new URL(library, location.href).href, wasm: new URL(wasm, location.href).href });
  const canvas = document.createElement("canvas");
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const read = (video) => {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    brush.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data, width, height } = brush.getImageData(0, 0, canvas.width, canvas.height);
    return ask({ pixels: data.buffer, width, height }, [data.buffer]);
  };
  return { read, close: () => worker.terminate() };
}

// --- The camera ------------------------------------------------------------------------------------------------------------

/** Why there is no picture: "denied", "none", "busy" or "broken" (what reads codes could not be loaded). */
export class NoScanner extends Error {}

const WHY = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "none", OverconstrainedError: "none" };

async function camera() {
  if (!navigator.mediaDevices?.getUserMedia) throw new NoScanner("none");
  const video = { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } };
  return navigator.mediaDevices.getUserMedia({ video, audio: false }).catch((error) => {
    throw new NoScanner(WHY[error.name] ?? "busy");
  });
}

/**
 * Show the camera in `video` and call `seen(text)` for every code in sight, each at most once in three seconds.
 * Returns { stop, light }; `light` is null where there is none to switch. Throws NoScanner.
 */
export async function open(video, files, seen) {
  const stream = await camera();
  const stopCamera = () => {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  let reader;
  try {
    video.srcObject = stream;
    await video.play();
    reader = (await ownReader()) ?? (await workersReader(files));
  } catch {
    stopCamera();
    throw new NoScanner("broken");
  }
  const last = new Map();
  let going = true;
  const look = async () => {
    if (!going) return;
    const codes = video.videoWidth ? await reader.read(video).catch(() => []) : [];
    for (const text of codes) {
      const known = last.get(text) ?? -Infinity;
      last.set(text, performance.now());
      if (going && performance.now() - known > SAME_AGAIN_MS) seen(text);
    }
    if (going) setTimeout(look, EVERY_MS);
  };
  look();
  const [track] = stream.getVideoTracks();
  let lit = false;
  const light = track.getCapabilities?.().torch
    ? () => track.applyConstraints({ advanced: [{ torch: (lit = !lit) }] }).catch(() => {})
    : null;
  const stop = () => {
    going = false;
    reader.close();
    stopCamera();
  };
  return { stop, light };
}
