// A heatmap as inline SVG: source on top, target on the left.

import { shape } from "./elements.js";
import { LEAST_SHOWN, colour, twoDecimals } from "./weights.js";

const CELL = { width: 44, height: 30 };
const WIDEST_LEVEL_HEADING = 84;
const GAP = 8;
const MARGIN = 4;
const LINE = 16;
const LONGEST = 40;
const SIZE = 14;

export class Heatmap {
  /**
   * @param {object} matrix {source, target, weights, has_end}
   * @param {string} title for those who cannot see it
   * @param {function(?object)} point is told the cell that is pointed at, {source, target}, or null
   */
  constructor(matrix, title, point) {
    this.cells = [];
    this.headings = { source: [], target: [] };
    const measure = measurer();
    const columns = matrix.source.map(shortened);
    const rows = matrix.target.map(shortened);
    const widths = columns.map(measure);
    const widest = Math.max(...widths) + 2 * GAP;
    const isSlanted = widest > WIDEST_LEVEL_HEADING;
    const width = isSlanted ? CELL.width : Math.max(CELL.width, widest);
    const left = MARGIN + Math.max(...rows.map(measure)) + GAP;
    // At 45 degrees a heading rises as far as it reaches to the right.
    const reach = widths.map((each) => (each + LINE) * Math.SQRT1_2);
    const top = MARGIN + GAP + (isSlanted ? Math.max(...reach) : LINE);
    const x = (place) =>
      left + place * width + (matrix.has_end && place === columns.length - 1 ? GAP : 0);
    const y = (place) => top + place * CELL.height;
    const last = x(columns.length - 1) + width;
    const right = isSlanted
      ? Math.max(last, ...reach.map((each, place) => x(place) + width / 2 + each))
      : last;
    const size = { width: right + MARGIN, height: y(rows.length) + MARGIN };

    this.node = shape("svg", {
      class: "heatmap",
      role: "img",
      "aria-label": title,
      viewBox: `0 0 ${size.width} ${size.height}`,
      width: size.width,
      height: size.height,
      pointerleave: () => point(null),
    });
    columns.forEach((word, place) => {
      const middle = x(place) + width / 2;
      const isEnd = matrix.has_end && place === columns.length - 1;
      this.headings.source.push(
        heading(word, middle, top - GAP, isSlanted ? "slanted" : "level", isEnd),
      );
    });
    rows.forEach((word, place) => {
      const middle = y(place) + CELL.height / 2;
      this.headings.target.push(heading(word, left - GAP, middle, "row", false));
    });
    matrix.weights.forEach((row, target) => {
      this.cells.push(
        row.map((weight, source) => cell(x(source), y(target), width, weight, () => point({ source, target }))),
      );
    });
    this.node.append(...this.headings.source, ...this.headings.target, ...this.cells.flat());
  }

  /** Marks the row or the column of a word, or both; null for none. */
  show({ source = null, target = null }) {
    for (const [side, place] of Object.entries({ source, target })) {
      this.headings[side].forEach((each, own) => each.classList.toggle("chosen", own === place));
    }
    this.cells.forEach((row, own) =>
      row.forEach((each, place) => {
        const isIn = (target === null || own === target) && (source === null || place === source);
        each.classList.toggle("aside", !isIn);
      }),
    );
  }
}

function cell(x, y, width, weight, point) {
  const tile = shape("rect", { x, y, width, height: CELL.height });
  const node = shape("g", { class: "cell", pointerenter: point }, tile);
  colour(node, weight);
  if (weight >= LEAST_SHOWN) {
    node.append(
      shape("text", { x: x + width / 2, y: y + CELL.height / 2, class: weight < 0.1 ? "faint" : null },
        twoDecimals(weight)),
    );
  }
  return node;
}

function heading(word, x, y, kind, isEnd) {
  return shape(
    "text",
    {
      class: `heading ${kind}${isEnd ? " end" : ""}`,
      x,
      y,
      transform: kind === "slanted" ? `rotate(-45 ${x} ${y})` : null,
    },
    word,
  );
}

/** Cuts a long word in its middle: a compound is known by both ends. */
function shortened(word) {
  const letters = [...word];
  if (letters.length <= LONGEST) {
    return word;
  }
  const half = LONGEST / 2;
  return `${letters.slice(0, half).join("")}…${letters.slice(1 - half).join("")}`;
}

/** A function that measures text in the letters of the headings. */
function measurer() {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.font = `500 ${SIZE}px ${getComputedStyle(document.body).fontFamily}`;
  return (text) => canvas.measureText(text).width;
}
