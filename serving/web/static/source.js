// Where the encoder looks in the source: all heads of all layers as small maps, and one of them large.

import { apart, element, shape } from "./elements.js";
import { GatewayError, askSource } from "./gateway.js";
import { Heatmap } from "./heatmap.js";
import { LEAST_SHOWN, colour, strongest, twoDecimals } from "./weights.js";

const SMALL_CELL = 12;
const SMALLEST_CELL = 3;
const WIDEST_SMALL_MAP = 150;
const MOST_NAMED = 3;

export class SourceAttention {
  /**
   * @param {string} text the source
   * @param {string} version that translated it
   * @param {number} width that there is for a large map, in pixels
   */
  constructor(text, version, width) {
    this.text = text;
    this.version = version;
    this.width = width;
    this.content = element("div", { class: "source-attention" });
    this.node = element(
      "details",
      { toggle: () => this.node.open && !this.isAsked && this.ask() },
      element("summary", {}, "How the encoder reads the source"),
      this.content,
    );
  }

  async ask() {
    this.isAsked = true;
    this.say("Asking …");
    try {
      const { sentences, omitted } = await askSource(this.text, this.version);
      this.content.replaceChildren(
        element("p", { class: "hint" }, "Each map is a head of a layer. A row is the word that " +
          "looks, a column the word that it looks at. Choose one to see its words."),
        ...sentences.map((sentence) => this.sentence(sentence)),
      );
      if (omitted) {
        this.content.append(element("p", { class: "hint" }, `Further sentences left out: ${omitted}.`));
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      this.isAsked = false;
      this.say(error.message);
    }
  }

  say(sentence) {
    this.content.replaceChildren(element("p", { class: "detail", role: "status" }, sentence));
  }

  /** The small maps of a sentence, a row for each layer, and a place for the large one. */
  sentence({ layers }) {
    const detail = element("p", { class: "detail", role: "status" });
    const large = element("div", { class: "scrolled" });
    const choose = (matrix, name, button) => {
      for (const each of maps.querySelectorAll("button")) {
        each.setAttribute("aria-pressed", each === button);
      }
      const heatmap = new Heatmap(matrix, name, this.width, (cell) => {
        heatmap.show(cell ?? {});
        detail.replaceChildren(...(cell ? described(matrix, cell) : [name]));
      });
      detail.textContent = name;
      large.replaceChildren(heatmap.node);
    };
    const maps = element(
      "div",
      { class: "heads" },
      ...layers.map((heads, layer) =>
        element(
          "div",
          { class: "layer", role: "group", "aria-label": `Layer ${layer + 1}` },
          ...heads.map((matrix, head) => {
            const name = `Layer ${layer + 1}, head ${head + 1}`;
            const button = element(
              "button",
              {
                type: "button",
                class: "head",
                "aria-pressed": "false",
                "aria-label": `${name}: ${summary(matrix)}`,
                click: () => choose(matrix, name, button),
              },
              smallMap(matrix),
              element("span", {}, name),
            );
            return button;
          }),
        ),
      ),
    );
    return element("div", {}, maps, detail, large);
  }
}

/** A map without words and numbers. */
function smallMap({ source, target, weights }) {
  const cell = Math.max(
    SMALLEST_CELL,
    Math.min(SMALL_CELL, Math.floor(WIDEST_SMALL_MAP / source.length)),
  );
  const [width, height] = [source.length * cell, target.length * cell];
  const node = shape("svg", {
    class: "small heatmap",
    "aria-hidden": "true",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
  });
  weights.forEach((row, y) =>
    row.forEach((weight, x) => {
      if (weight >= LEAST_SHOWN) {
        const rect = shape("rect", { x: x * cell, y: y * cell, width: cell, height: cell });
        colour(rect, weight);
        node.append(rect);
      }
    }),
  );
  return node;
}

/** Says in words where most words look, for those who cannot see the map. */
function summary({ source, target, weights }) {
  return weights
    .map((row, place) => [target[place], strongest(source, row, 1)])
    .filter(([, [best]]) => best)
    .map(([word, [[name, weight]]]) => `${word} at ${name} ${twoDecimals(weight)}`)
    .slice(0, MOST_NAMED)
    .join(", ");
}

const described = ({ source, target, weights }, cell) => [
  apart(target[cell.target]),
  " looks at ",
  apart(source[cell.source]),
  ` ${twoDecimals(weights[cell.target][cell.source])}`,
];
