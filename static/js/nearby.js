// The map of the customer whose stop is next: a circle for where the associate roughly is, and their own door. Fetched only
// then (static/js/tracking.js), and taken down with everything on it when theirs is done.

import { base, label, leaflet } from "./map.js";

export class Nearby {
  #map;
  #shapes;

  constructor(card) {
    this.card = card;
    this.canvas = card.querySelector(".map");
  }

  async show(position) {
    this.wanted = position;
    try {
      await leaflet(this.card.dataset);
    } catch {
      return; // the words above say the same
    }
    if (!this.wanted) return;
    this.card.hidden = false;
    this.#map ??= base(this.canvas, this.card.dataset);
    this.#draw(this.wanted);
  }

  hide() {
    this.wanted = null;
    this.card.hidden = true;
    this.#map?.remove();
    this.#map = this.#shapes = undefined;
  }

  #draw({ lat, lon, radius, door }) {
    const { L } = window;
    const first = !this.#shapes;
    this.#shapes?.remove();
    if (first) this.#map.setView(door, 14, { animate: false });
    this.#shapes = L.featureGroup().addTo(this.#map);
    const quiet = { interactive: false };
    L.polyline([[lat, lon], door], { ...quiet, className: "map-line" }).addTo(this.#shapes);
    L.circle([lat, lon], { ...quiet, radius, className: "map-seen" }).addTo(this.#shapes);
    label(door, this.card.dataset.door).addTo(this.#shapes);
    this.#map.fitBounds(this.#shapes.getBounds(), { padding: [24, 24], maxZoom: 16, animate: !first });
  }
}
