// The drop-off form: finds the position, asks for a reason where it is far from the pin, shows the photo taken, shrinks it
// and saves it on the phone before it is sent. Without it the form still sends a photo.

import { labelOf } from "./labels.js";
import { person } from "./offline.js";
import { sayIn, takeOver } from "./save.js";
import { scanner } from "./scanner.js";

const LONGEST_SIDE = 1_600; // pixels, as on the server (deliveries/photos.py)
const QUALITY = 0.82;

const EARTH_RADIUS_M = 6_371_008.8;
const form = document.getElementById("drop-off");
const status = document.getElementById("position");
const again = document.getElementById("again");
const answer = () => document.getElementById("answer"); // htmx may have put another there

let far = false;

// --- Position ------------------------------------------------------------------------------------------------------------

function metresBetween(lat1, lon1, lat2, lon2) {
  const rad = (degrees) => (degrees * Math.PI) / 180;
  const half = Math.sin(rad(lat2 - lat1) / 2) ** 2
    + Math.cos(rad(lat1)) * Math.cos(rad(lat2)) * Math.sin(rad(lon2 - lon1) / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(half)));
}

function found({ coords }) {
  form.elements.lat.value = coords.latitude;
  form.elements.lon.value = coords.longitude;
  form.elements.accuracy.value = Math.ceil(coords.accuracy);
  const away = metresBetween(coords.latitude, coords.longitude, Number(form.dataset.lat), Number(form.dataset.lon));
  // The phone's own uncertainty counts for the person, as on the server, which has the last word.
  far = away - coords.accuracy > Number(form.dataset.farM);
  document.getElementById("far").hidden = !far;
  status.textContent = far ? status.dataset.away : status.dataset.here;
  again.hidden = !far;
}

function notFound() {
  far = false;
  for (const name of ["lat", "lon", "accuracy"]) form.elements[name].value = "";
  status.textContent = status.dataset.none;
  again.hidden = false;
}

function locate() {
  if (!navigator.geolocation) {
    notFound();
    return;
  }
  status.textContent = status.dataset.looking;
  navigator.geolocation.getCurrentPosition(found, notFound, { enableHighAccuracy: true, timeout: 15_000, maximumAge: 10_000 });
}

if (form && status) {
  again.addEventListener("click", locate);
  locate();
}

// --- Photo -----------------------------------------------------------------------------------------------------------------

const photo = document.getElementById("photo");
const preview = document.getElementById("preview");
photo?.addEventListener("change", () => {
  if (preview.src) URL.revokeObjectURL(preview.src);
  const [file] = photo.files;
  preview.hidden = !file;
  if (file) preview.src = URL.createObjectURL(file);
});

/** The picture as a JPEG that is quick to send; as it is where the browser cannot read it, so that the server can say so. */
async function shrunk(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const made = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    return await (made ?? file).arrayBuffer();
  } catch {
    return file.arrayBuffer();
  }
}

// --- The right package -----------------------------------------------------------------------------------------------------

function check(label) {
  const place = document.getElementById("checked");
  const mine = form.querySelector(`[name=package][data-label="${CSS.escape(label)}"]`);
  const said = (mine ? place.dataset.right : place.dataset.wrong).replace("{code}", label);
  place.textContent = said;
  place.className = mine ? "note note-success" : "note note-error";
  if (mine?.type === "checkbox") mine.checked = true;
  return { say: said, tone: mine ? "success" : "error", close: Boolean(mine) };
}

if (form) {
  scanner({ label: async (label) => check(label) });
  const typed = document.getElementById("check-label");
  const look = () => {
    if (!typed.value.trim()) return;
    check(labelOf(typed.value) || typed.value.trim());
  };
  typed.addEventListener("change", look);
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would confirm the drop-off
    look();
  });
}

// --- Confirm ---------------------------------------------------------------------------------------------------------------

// The server has the last word on all of this; here it is asked while the person still stands at the door.
async function prepare() {
  const said = new FormData(form);
  const [file] = photo.files;
  if (!said.has("package")) return { refused: form.dataset.needsPackage };
  const pins = [...form.querySelectorAll("[data-pin]")].filter((field) => said.getAll("package").includes(field.dataset.pin));
  const without = said.get("pin_reason").trim() && pins.some((field) => field.disabled);
  if (pins.some((field) => !field.disabled && !field.value.trim())) return { refused: form.dataset.needsPin };
  if (pins.some((field) => field.disabled) && !(without && file)) return { refused: form.dataset.noMoreTries };
  if (pins.length && !file && !navigator.onLine) return { refused: form.dataset.pinPhoto };
  if (!file && !said.get("lat") && !pins.length) return { refused: form.dataset.proofSentence };
  if (far && !said.get("far_reason").trim()) return { refused: form.dataset.farSentence };
  return { photo: file ? await shrunk(file) : null };
}

function say(sentence) {
  // Told that it is far, by the server or by the phone: there is the field for the reason.
  if (sentence === form.dataset.farSentence) document.getElementById("far").hidden = false;
  if (sentence === form.dataset.noMoreTries) {
    document.getElementById("without-pin").hidden = false;
    for (const field of form.querySelectorAll("[data-pin]")) field.disabled = true;
  }
  sayIn(answer(), sentence);
}

if (form) {
  takeOver(form, { prepare, say });
  self.outbox.all(person).then((items) => {
    // Opened again from the phone's own copy, after it was confirmed: there is nothing left to do at this stop.
    const done = new Set(items.filter(({ kind, state }) => kind !== "arrived" && state !== "refused").flatMap(({ packages }) => packages));
    const here = [...form.querySelectorAll("[name=package]")].map((box) => Number(box.value));
    if (here.length && here.every((id) => done.has(id))) location.replace(form.dataset.then);
  }).catch(() => {});
}

// An answer that is no "yes" stands above the button: bring it into sight, whatever the keyboard covers.
document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target?.id !== "answer") return;
  document.querySelector("#answer [role=alert]")?.scrollIntoView({ block: "center" });
});
