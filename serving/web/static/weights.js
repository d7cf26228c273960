// Weights as colours and as text.

/** Below this a weight would be written 0.00, and is left out. */
export const LEAST_SHOWN = 0.005;

// From these weights on the colour is so strong that its text must change sides, as
// serving/heatmap/colours.py computes for its two scales.
const DEEP_IN_LIGHT = 0.732;
const DEEP_IN_DARK = 0.611;

/** Colours an element by a weight; null takes the colour away. The style sheet says how. */
export function colour(node, weight) {
  node.classList.toggle("lit", weight !== null);
  node.classList.toggle("deep-in-light", weight >= DEEP_IN_LIGHT);
  node.classList.toggle("deep-in-dark", weight >= DEEP_IN_DARK);
  if (weight === null) {
    node.style.removeProperty("--weight");
  } else {
    node.style.setProperty("--weight", `${(100 * weight).toFixed(1)}%`);
  }
}

export const twoDecimals = (weight) => weight.toFixed(2);

/** Finds the strongest of some weights, as [name, weight]. */
export function strongest(names, weights, most) {
  return weights
    .map((weight, place) => ({ weight, name: names[place] }))
    .filter((each) => each.weight >= LEAST_SHOWN)
    .sort((one, other) => other.weight - one.weight)
    .slice(0, most)
    .map((each) => [each.name, each.weight]);
}

/** The weights that the target words put on one source word. */
export const column = (matrix, place) => matrix.weights.map((row) => row[place]);
