// A heatmap as inline SVG: source on top, target on the left; turned round for a source from right
// to left.

import { shape } from "./elements.js";
import { LEAST_SHOWN, colour, twoDecimals } from "./weights.js";

const CELL = { width: 42, height: 30 };
const NARROWEST_CELL = 27;
const SHORT_NUMBERS_BELOW = 34;
const WIDEST_LEVEL_HEADING = 84;
const GAP = 8;
const MARGIN = 4;
const LINE = 16;
const LONGEST_HEADING = { wide: 40, narrow: 16 };
const NARROW = 480;
const LETTERS = "500 14px";
const FAINT_BELOW = 0.1;

export class Heatmap {
  /**
   * @param {object} matrix of the gateway
   * @param {string} title for those who cannot see it
   * @param {number} available the width that there is for it, in pixels
   * @param {function(?object)} point is told the cell that is pointed at, {source, target}, or null
   */
  constructor(matrix, title, available, point) {
    this.places = layOut(matrix, available);
    const { width, height } = this.places;
    this.cells = [];
    this.node = shape("svg", {
      class: this.places.isMirrored ? "heatmap mirrored" : "heatmap",
      role: "img",
      "aria-label": title,
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      pointermove: (event) => point(this.cellAt(event)),
      pointerleave: (event) => event.pointerType !== "touch" && point(null),
    });
    this.headings = { source: this.columnHeadings(matrix), target: this.rowHeadings() };
    this.node.append(grid(this.places), ...this.headings.source, ...this.headings.target);
    matrix.weights.forEach((row, target) => this.addRow(row, target));
  }

  /** Marks the row or the column of a word, or both. */
  show({ source = null, target = null }) {
    for (const [side, chosen] of Object.entries({ source, target })) {
      this.headings[side].forEach((each, own) => each.classList.toggle("chosen", own === chosen));
    }
    for (const cell of this.cells) {
      const isIn =
        (target === null || cell.target === target) && (source === null || cell.source === source);
      cell.node.classList.toggle("aside", !isIn);
    }
  }

  /** Draws the cells of a row that have any weight to show. */
  addRow(row, target) {
    const { lefts, top, cellWidth } = this.places;
    const isShort = cellWidth < SHORT_NUMBERS_BELOW;
    const y = top + target * CELL.height;
    row.forEach((weight, source) => {
      if (weight < LEAST_SHOWN) {
        return;
      }
      const x = lefts[source];
      const number = isShort ? twoDecimals(weight).replace("0.", ".") : twoDecimals(weight);
      const node = shape(
        "g",
        { class: weight < FAINT_BELOW ? "cell faint" : "cell" },
        shape("rect", { x, y, width: cellWidth, height: CELL.height }),
        shape("text", { x: x + cellWidth / 2, y: y + CELL.height / 2 }, number),
      );
      colour(node, weight);
      this.cells.push({ source, target, node });
      this.node.append(node);
    });
  }

  columnHeadings(matrix) {
    const { columns, lefts, top, cellWidth, isSlanted, isMirrored } = this.places;
    return columns.map((word, place) => {
      const x = lefts[place] + cellWidth / 2;
      const y = top - GAP;
      const isEnd = matrix.has_end && place === columns.length - 1;
      const names = ["heading", isSlanted ? "slanted" : "level", isEnd ? "end" : ""];
      const transform = isSlanted ? `rotate(${isMirrored ? 45 : -45} ${x} ${y})` : null;
      return shape("text", { class: names.join(" "), x, y, transform }, word);
    });
  }

  rowHeadings() {
    const { rows, lefts, top, cellWidth, isMirrored } = this.places;
    const x = isMirrored ? lefts[0] + cellWidth + GAP : lefts[0] - GAP;
    return rows.map((word, place) => {
      const y = top + (place + 0.5) * CELL.height;
      return shape("text", { class: "heading row", x, y }, word);
    });
  }

  /** Finds the cell at the pointer; null beside them. */
  cellAt(event) {
    const { lefts, top, cellWidth, rows } = this.places;
    const frame = this.node.getBoundingClientRect();
    const x = event.clientX - frame.left;
    const target = Math.floor((event.clientY - frame.top - top) / CELL.height);
    const source = lefts.findIndex((left) => x >= left && x < left + cellWidth);
    return source >= 0 && target >= 0 && target < rows.length ? { source, target } : null;
  }
}

/** Finds the place of everything: as large as words and numbers need it. */
function layOut(matrix, available) {
  const measure = measurer();
  const longest = available < NARROW ? LONGEST_HEADING.narrow : LONGEST_HEADING.wide;
  const columns = matrix.source.map((word) => shortened(word, longest));
  const rows = matrix.target.map((word) => shortened(word, longest));
  const widths = columns.map(measure);
  const left = MARGIN + Math.max(...rows.map(measure)) + GAP;
  const levelWidth = Math.max(CELL.width, Math.max(...widths) + 2 * GAP);
  const isSlanted =
    levelWidth > WIDEST_LEVEL_HEADING || left + columns.length * levelWidth + GAP > available;
  const share = Math.floor((available - left - GAP - MARGIN - LINE) / columns.length);
  const cellWidth = isSlanted
    ? Math.min(CELL.width, Math.max(NARROWEST_CELL, share))
    : levelWidth;
  const lefts = columns.map(
    (_, place) =>
      left + place * cellWidth + (matrix.has_end && place === columns.length - 1 ? GAP : 0),
  );
  // At 45 degrees a heading rises as far as it reaches to the right.
  const reach = widths.map((each) => (isSlanted ? (each + LINE) * Math.SQRT1_2 : 0));
  const top = MARGIN + GAP + (isSlanted ? Math.max(...reach) : LINE);
  const ends = reach.map((each, place) => lefts[place] + Math.max(cellWidth, cellWidth / 2 + each));
  const width = Math.ceil(Math.max(...ends) + MARGIN);
  const isMirrored = matrix.source_direction === "rtl";
  return {
    columns,
    rows,
    lefts: isMirrored ? lefts.map((each) => width - each - cellWidth) : lefts,
    top,
    cellWidth,
    isSlanted,
    isMirrored,
    width,
    height: Math.ceil(top + rows.length * CELL.height + MARGIN),
  };
}

/** Draws the lines around all cells, those without weight included. */
function grid({ lefts, top, rows, cellWidth }) {
  const bottom = top + rows.length * CELL.height;
  const upright = lefts.map((left) => `M${left} ${top}V${bottom}m${cellWidth} 0V${top}`);
  const level = Array.from({ length: rows.length + 1 }, (_, place) => {
    const y = top + place * CELL.height;
    return lefts.map((left) => `M${left} ${y}h${cellWidth}`).join("");
  });
  return shape("path", { class: "grid", d: [...upright, ...level].join("") });
}

/** Cuts a long word in its middle: a compound is known by both ends. */
function shortened(word, longest) {
  const letters = [...word];
  if (letters.length <= longest) {
    return word;
  }
  const half = longest / 2;
  return `${letters.slice(0, half).join("")}…${letters.slice(1 - half).join("")}`;
}

/** A function that measures text in the letters of the headings. */
function measurer() {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.font = `${LETTERS} ${getComputedStyle(document.body).fontFamily}`;
  return (text) => canvas.measureText(text).width;
}
