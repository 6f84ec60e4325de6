// The drop-off form: finds the position, asks for a reason where it is far from the pin, shows the photo taken.
// Without it the form still sends a photo.

const EARTH_RADIUS_M = 6_371_008.8;
const form = document.getElementById("drop-off");
const status = document.getElementById("position");
const again = document.getElementById("again");

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
  const far = away - coords.accuracy > Number(form.dataset.farM);
  document.getElementById("far").hidden = !far;
  status.textContent = far ? status.dataset.away : status.dataset.here;
  again.hidden = !far;
}

function notFound() {
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

const photo = document.getElementById("photo");
const preview = document.getElementById("preview");
photo?.addEventListener("change", () => {
  if (preview.src) URL.revokeObjectURL(preview.src);
  const [file] = photo.files;
  preview.hidden = !file;
  if (file) preview.src = URL.createObjectURL(file);
});

// An answer that is no "yes" stands above the button: bring it into sight, whatever the keyboard covers.
document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target?.id !== "answer") return;
  document.querySelector("#answer [role=alert]")?.scrollIntoView({ block: "center" });
});
