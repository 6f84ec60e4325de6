// The map of the customer whose stop is next: a circle for where the associate roughly is, and their own door. Fetched only
// then (static/js/tracking.js), and taken down with everything on it when theirs is done.

/** Fetch Leaflet and its style; once, however often it is asked for. */
let fetched;
export function leaflet({ leaflet, style }) {
  fetched ??= Promise.all([sheet(style), import(leaflet)]).catch((error) => {
    fetched = undefined;
    throw error;
  });
  return fetched;
}

function sheet(href) {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: resolve, onerror: reject });
    document.head.prepend(link); // before ours, which says what is different here
  });
}

/** A map in `canvas`, with tiles where there are any. `data`: tiles, attribution, closer, wider. */
export function base(canvas, data) {
  const { L } = window;
  const animated = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(canvas, {
    attributionControl: false, zoomControl: false, scrollWheelZoom: false, zoomSnap: 0.25, maxZoom: 18,
    dragging: !L.Browser.mobile, // one finger scrolls the page; two move the map
    fadeAnimation: animated, markerZoomAnimation: animated, zoomAnimation: animated,
  });
  L.control.zoom({ zoomInTitle: data.closer, zoomOutTitle: data.wider }).addTo(map);
  if (data.tiles) {
    const attribution = Object.assign(document.createElement("i"), { textContent: data.attribution }).innerHTML;
    L.tileLayer(data.tiles, { attribution, referrerPolicy: "no-referrer" }).addTo(map);
    L.control.attribution({ prefix: false }).addAttribution(attribution).addTo(map);
  }
  return map;
}

export function label(at, text, options = {}) {
  const { L } = window;
  const html = Object.assign(document.createElement("span"), { textContent: text });
  return L.marker(at, { icon: L.divIcon({ className: "map-door", html, iconSize: null }), interactive: false, keyboard: false, ...options });
}

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
