// The trip's map, fetched when somebody wants it: the store, the stops in the order that the phone knows, and nothing beyond
// the last of them. The page's list says the same, so nothing is missing without it.

import * as maps from "./map.js";

let map, shapes;

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("#trip-map > button");
  const canvas = button && (await maps.opened(button));
  if (!canvas) return;
  const { tiles, words } = data();
  map = maps.base(canvas, { tiles: tiles.url, attribution: tiles.attribution, ...words }, { minZoom: 8, maxZoom: 18 });
  shapes = window.L.featureGroup().addTo(map);
  draw();
  canvas.focus();
});

// Something was done, here or on the server: `trip.js` has worked out what is ahead. The map stays where it was looked at.
document.addEventListener("trip:laid", () => map && data() && draw());

/** What the server says, null when the trip is over. */
function data() {
  const said = document.getElementById("trip-drawing");
  return said && JSON.parse(said.textContent);
}

/** The stops: what is done in its order, then what is ahead in the phone's. Numbers as the page gives them. */
function inOrder(stops) {
  const ahead = (document.querySelector("[data-trip]").dataset.ahead ?? "").split(" ").filter(Boolean).map(Number);
  const done = stops.filter((stop) => !ahead.includes(stop.id));
  return [...done, ...ahead.map((id) => stops.find((stop) => stop.id === id))].map((stop, index) => ({
    ...stop, number: index + 1, done: index < done.length, next: index === done.length,
  }));
}

function draw() {
  const { L } = window;
  const { store, stops, words } = data();
  const way = inOrder(stops);
  const first = shapes.getLayers().length === 0;
  shapes.clearLayers();
  if (first) map.setView(store, 12, { animate: false }); // before a layer can be measured the map needs a view
  L.polyline([store, ...way.map(({ at }) => at)], { interactive: false, className: "map-way" }).addTo(shapes);
  for (const { at, number, done, next } of way) {
    const [text, look] = done ? [`${number} ✓`, "map-done"] : next ? [`${number} ${words.next}`, "map-next"] : [String(number), ""];
    maps.label(at, text, { zIndexOffset: next ? 1000 : 0 }, `map-label ${look}`).addTo(shapes);
  }
  maps.label(store, words.store, {}, "map-label map-store").addTo(shapes);
  if (first) map.fitBounds(shapes.getBounds(), { padding: [36, 36], animate: false });
}
