// Where the door is: a pin to drag, or where the phone is. Without either, or without script, the fields below do the same.

import { base, label, leaflet } from "./map.js";

const form = document.getElementById("pin");
const { lat, lon } = form?.elements ?? {};
const said = document.getElementById("said");
const far = document.getElementById("far");
const here = document.getElementById("here");
const HOUSE_ZOOM = 16; // about 2 m a pixel
let marker;

if (form) {
  const data = form.dataset;
  if (data.tiles) draw(data).catch(() => {}); // without streets on it there is nothing to aim at
  if (navigator.geolocation) {
    here.hidden = false;
    here.addEventListener("click", () => {
      here.setAttribute("aria-busy", "true");
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          here.removeAttribute("aria-busy");
          put(coords.latitude, coords.longitude, said.dataset.here);
        },
        () => {
          here.removeAttribute("aria-busy");
          said.textContent = data.nowhere;
        },
        { enableHighAccuracy: true, timeout: 15_000, maximumAge: 10_000 },
      );
    });
  }
  // Whoever chooses by hand means that, not the pin of before.
  document.getElementById("by-hand").addEventListener("change", () => {
    lat.disabled = lon.disabled = true;
    said.textContent = "";
    far.hidden = true;
  });
}

async function draw(data) {
  await leaflet(data);
  const { L } = window;
  const canvas = document.getElementById("map");
  canvas.hidden = false;
  const map = base(canvas, data);
  const first = [Number(data.firstLat), Number(data.firstLon)];
  map.setView([Number(data.lat), Number(data.lon)], 17, { animate: false });
  const limit = L.circle(first, { radius: Number(data.limit), className: "map-limit", interactive: false }).addTo(map);
  if (Number(data.limit) > 2_000) map.fitBounds(limit.getBounds(), { animate: false });
  marker = label([Number(data.lat), Number(data.lon)], data.pin, { interactive: true, keyboard: true, draggable: true, autoPan: true, title: data.pin });
  marker.addTo(map);
  const pick = (at) => {
    const close = map.getZoom() >= HOUSE_ZOOM;
    put(at.lat, at.lng, close ? said.dataset.moved : said.dataset.closer);
    // From far above a finger is as wide as a street: one look nearer, and the next tap is a house.
    if (!close && far.hidden) map.setView(at, Math.min(map.getZoom() + 3, 17), { animate: false });
  };
  marker.on("dragend", () => pick(marker.getLatLng()));
  map.on("click", ({ latlng }) => pick(latlng));
}

function put(latitude, longitude, words) {
  lat.disabled = lon.disabled = false;
  lat.value = latitude;
  lon.value = longitude;
  marker?.setLatLng([latitude, longitude]);
  const { firstLat, firstLon, limit } = form.dataset;
  far.hidden = metres(latitude, longitude, Number(firstLat), Number(firstLon)) <= Number(limit);
  said.textContent = far.hidden ? words : "";
}

function metres(lat1, lon1, lat2, lon2) {
  const rad = Math.PI / 180;
  const x = (lon2 - lon1) * rad * Math.cos(((lat1 + lat2) / 2) * rad);
  return 6_371_008.8 * Math.hypot((lat2 - lat1) * rad, x); // flat, within a few streets
}
