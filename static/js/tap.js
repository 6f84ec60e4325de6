// A tap is a press and a release of the same thing. Whatever puts a new part into the page by itself, or moves what is there,
// waits until no finger is down: a button that is replaced in between looks the same and has swallowed the tap.

const AFTER_RELEASE_MS = 100; // a touch's click comes a moment after the finger has left
const LONGEST_PRESS_MS = 3_000; // a drag out of the window, a long press: its end may never be told

let pressed = false;
let timer;
const waiting = [];

function released() {
  clearTimeout(timer);
  pressed = false;
  for (const go of waiting.splice(0)) go();
}

function within(ms) {
  clearTimeout(timer);
  timer = setTimeout(released, ms);
}

addEventListener("pointerdown", () => {
  pressed = true;
  within(LONGEST_PRESS_MS);
}, { capture: true, passive: true });
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, () => pressed && within(AFTER_RELEASE_MS), { capture: true, passive: true });
}
addEventListener("click", () => pressed && within(0), { capture: true, passive: true }); // when everybody has heard the click

/** Whether a finger, or a mouse's button, is down. */
export const isPressed = () => pressed;

/** Resolves at once, or as soon as the tap that is being made is over. */
export function untouched() {
  return pressed ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve();
}
