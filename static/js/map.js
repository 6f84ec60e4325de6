// What every map has: Leaflet fetched when it is wanted, tiles where a setting names them, labels, no motion if none is liked.

/** Fetch Leaflet and its style; once, however often it is asked for. */
let fetched;
export function leaflet({ leaflet, style }) {
  fetched ??= Promise.all([sheet(style), import(leaflet)]).catch((error) => {
    fetched = undefined;
    throw error;
  });
  return fetched;
}

/** A tap on `button`, whose neighbours are a sorry sentence and a canvas: gives the canvas, shown and ready to draw in, or null
 *  when there is no signal, which the page then says. */
export async function opened(button) {
  const [, sorry, canvas] = button.parentElement.children;
  button.setAttribute("aria-busy", "true");
  sorry.hidden = true;
  try {
    await leaflet(button.dataset);
  } catch {
    button.removeAttribute("aria-busy");
    sorry.hidden = false;
    return null;
  }
  button.hidden = true;
  canvas.hidden = false;
  return canvas;
}

function sheet(href) {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: resolve, onerror: reject });
    document.head.prepend(link); // before ours, which says what is different here
  });
}

/** A map in `canvas`, with tiles where there are any. `data`: tiles, attribution, closer, wider. `options`: Leaflet's. */
export function base(canvas, data, options = {}) {
  const { L } = window;
  const animated = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(canvas, {
    attributionControl: false, zoomControl: false, scrollWheelZoom: false, zoomSnap: 0.25, maxZoom: 18,
    dragging: !L.Browser.mobile, // one finger scrolls the page; two move the map
    fadeAnimation: animated, markerZoomAnimation: animated, zoomAnimation: animated,
    ...options,
  });
  L.control.zoom({ zoomInTitle: data.closer, zoomOutTitle: data.wider }).addTo(map);
  if (data.tiles) {
    const attribution = Object.assign(document.createElement("i"), { textContent: data.attribution }).innerHTML;
    L.tileLayer(data.tiles, { attribution, referrerPolicy: "no-referrer" }).addTo(map);
    L.control.attribution({ prefix: false }).addAttribution(attribution).addTo(map);
  }
  return map;
}

/** A marker of words at a point, for `className`'s look. */
export function label(at, text, options = {}, className = "map-door") {
  const { L } = window;
  const html = Object.assign(document.createElement("span"), { textContent: text });
  return L.marker(at, { icon: L.divIcon({ className, html, iconSize: null }), interactive: false, keyboard: false, ...options });
}
