// An offer's page: the map, fetched when somebody wants it, and ticks that go back where there is no signal. The list beside
// the map says the same, so nothing is missing without it.

import * as maps from "./map.js";
import { needsSignal } from "./offline.js";

const part = document.getElementById("way-map");
let map;

if (part) {
  const [button] = part.children;
  button.addEventListener("click", async () => {
    const canvas = await maps.opened(button);
    if (!canvas) return;
    map = new OfferMap(canvas, data());
    canvas.focus();
  });
  // The quote was worked out anew: the map stays where it is (hx-preserve) and shows what is ticked now.
  document.body.addEventListener("htmx:afterSwap", () => document.getElementById("drawing") && map?.draw(data()));
}

// Ticked while the answer to the tick before was on its way, before the scripts were here, or by the browser on the way back:
// boxes stay as they are (hx-preserve), and are asked for again.
function compare() {
  const form = document.getElementById("claim");
  const ticked = form && [...form.querySelectorAll("[name=package]:checked")].map((box) => box.value).join(" ");
  if (form && ticked !== form.dataset.quoted.trim()) document.body.dispatchEvent(new CustomEvent("look"));
}

document.body.addEventListener("htmx:afterSettle", compare);
addEventListener("pageshow", compare);

document.body.addEventListener("htmx:sendError", ({ detail }) => {
  if (detail.requestConfig.triggeringEvent?.type !== "change") return;
  document.getElementById("claim").reset(); // what is ticked and what is quoted stay the same
  needsSignal();
});

function data() {
  return JSON.parse(document.getElementById("drawing").textContent);
}

class OfferMap {
  constructor(canvas, { tiles, words }) {
    const { L } = window;
    this.map = maps.base(canvas, { tiles: tiles.url, attribution: tiles.attribution, ...words }, { minZoom: 8, maxZoom: 15 });
    this.shapes = L.featureGroup().addTo(this.map);
    this.draw(data());
  }

  draw({ store, areas, radius, words }) {
    const { L } = window;
    this.shapes.clearLayers();
    // Before a layer can be measured the map needs a view.
    this.map.setView(store, 12, { animate: false });
    const quiet = { interactive: false };
    L.polyline([store, ...areas], { ...quiet, className: "map-way" }).addTo(this.shapes);
    const numbers = new Map(); // several stops may lie in one area
    areas.forEach((at, index) => numbers.set(String(at), [...(numbers.get(String(at)) ?? []), index + 1]));
    for (const [, here] of numbers) {
      const at = areas[here[0] - 1];
      L.circle(at, { ...quiet, radius, className: "map-area" }).addTo(this.shapes);
      maps.label(at, here.join(" · "), {}, "map-label").addTo(this.shapes);
    }
    maps.label(store, words.store, {}, "map-label map-store").addTo(this.shapes);
    this.map.fitBounds(this.shapes.getBounds(), { padding: [20, 20], animate: false });
  }
}
