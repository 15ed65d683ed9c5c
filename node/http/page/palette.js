// The colours of the page: one for each node, and those of style.css for what is drawn on a canvas.

// Okabe and Ito's colours, which people with any kind of colour blindness can distinguish; further nodes get hues that
// are far from each other. [light theme, dark theme]
const FIRST = [
  ["#0072b2", "#56b4e9"], ["#c25700", "#f0a030"], ["#00805a", "#2fd09a"], ["#a8377d", "#e08fc0"],
  ["#6b5b00", "#e8dc50"], ["#4a3fb5", "#a59bff"], ["#a3262a", "#ff7f73"], ["#3c5a64", "#b4c8d0"],
];
const GOLDEN_ANGLE = 137.508;

const order = [];  // names of nodes, in the order of their colours
const isDark = window.matchMedia("(prefers-color-scheme: dark)");

/**
 * Gives names without a colour the next ones. Call it with a sorted list, so that colours are the same after a reload.
 * @param {string[]} names
 */
export function learnNames(names) {
  for (const name of names) if (!order.includes(name)) order.push(name);
}

/**
 * The colour of a node as text for CSS.
 * @param {string} name
 */
export function colourOf(name) {
  learnNames([name]);
  const place = order.indexOf(name);
  if (place < FIRST.length) return FIRST[place][isDark.matches ? 1 : 0];
  return `hsl(${Math.round(place * GOLDEN_ANGLE) % 360} 70% ${isDark.matches ? 70 : 35}%)`;
}

/**
 * A colour as [red, green, blue], 0 to 255. Draws one pixel to have the browser read the text.
 * @param {string} colour
 * @returns {number[]}
 */
export function componentsOf(colour) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/**
 * The value of a variable of style.css, such as "--land", in the present theme.
 * @param {string} name
 */
export function variable(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Calls `action` when the user or the system changes between light and dark.
 * @param {() => void} action
 */
export function onTheme(action) {
  isDark.addEventListener("change", action);
}
