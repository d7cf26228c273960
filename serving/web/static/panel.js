// What one version answered: the translation and its words, the other hypotheses, the heatmap.

import { copyText } from "./copying.js";
import { apart, element, listed, newId } from "./elements.js";
import { GatewayError, askPicture } from "./gateway.js";
import { Heatmap } from "./heatmap.js";
import { SourceAttention } from "./source.js";
import { LinkedWords } from "./words.js";
import { column, strongest, twoDecimals } from "./weights.js";

const MOST_NAMED = 3;
const HOW_TO = "Point at a word, or use the arrow keys.";
const PATTERNS = {
  diagonal: "diagonal: word by word, in order",
  spread: "spread: many source words at once",
  reordering: "reordering: few source words, in another order",
  spurious: "spurious: punctuation, the end, or one word all the time",
};

export class Panel {
  /**
   * @param {object} answer of the gateway
   * @param {string} source the text that was translated
   * @param {object} languages {source, target}: codes or null
   * @param {string} name of the version, for its heading
   * @param {number} width that there is for it, in pixels
   */
  constructor(answer, source, languages, name, width) {
    this.answer = answer;
    this.source = source;
    this.languages = languages;
    this.width = width;
    this.unit = "words";
    this.different = new Set();
    this.detail = element("p", { class: "detail", role: "status" });
    this.facts = element("dl", { class: "facts" });
    this.plain = element("div");
    this.linked = element("div");
    this.figure = element("figure", { class: "figure" });
    const title = newId("version");
    this.node = element(
      "section",
      { class: "panel", "aria-labelledby": title },
      element("h2", { id: title }, name),
      this.plain,
      this.linked,
      this.detail,
      this.facts,
      ...this.beam(),
      this.figure,
      ...(answer.shows_source ? [new SourceAttention(source, answer.version, width).node] : []),
    );
    this.choose(0);
  }

  /** The translation that is shown. */
  get shown() {
    return this.answer.hypotheses[this.rank];
  }

  /** Only the best hypotheses are compared, word by word. */
  get showsDifferences() {
    return this.different.size > 0 && this.rank === 0 && this.unit === "words";
  }

  choose(rank) {
    this.rank = rank;
    this.draw();
  }

  /** Marks words that another version's translation does not have. */
  markDifferent(places) {
    this.different = places;
    this.draw();
  }

  draw() {
    const matrix = this.shown[this.unit];
    this.matrix = matrix;
    this.drawFacts();
    if (!matrix.target.length) {
      this.linked.replaceChildren(element("p", {}, "The model answered with no words."));
      this.plain.replaceChildren();
      this.figure.replaceChildren();
      this.detail.textContent = "";
      return;
    }
    this.plain.replaceChildren(...this.plainText());
    this.words = new LinkedWords(matrix, this.languages, (spot) => this.pointAtWord(spot));
    this.linked.replaceChildren(this.words.node);
    this.detail.textContent = HOW_TO;
    if (this.showsDifferences) {
      for (const place of this.different) {
        this.words.words.target[place].classList.add("different");
      }
    }
    const caption =
      `Attention weights: ${matrix.target.length} rows of the translation, ` +
      `${matrix.source.length} columns of the source.`;
    this.heatmap = new Heatmap(matrix, caption, this.width, (cell) => this.pointAtCell(cell));
    this.figure.replaceChildren(this.figureTools(), this.scrolled(this.heatmap.node));
  }

  /** The translation with its line breaks, to read, select and copy. */
  plainText() {
    const { text, words } = this.shown;
    const said = element("span", { role: "status" });
    const copy = async () => {
      said.textContent = ""; // a screen reader tells only what changes
      said.textContent = (await copyText(text))
        ? "Copied."
        : "The browser refused. Select the translation and copy it.";
    };
    return [
      element(
        "p",
        { class: "plain", lang: this.languages.target, dir: words.target_direction },
        text,
      ),
      element(
        "p",
        { class: "copying" },
        element(
          "button",
          {
            type: "button",
            class: "quiet-button",
            "aria-label": "Copy the translation",
            click: copy,
          },
          "Copy",
        ),
        said,
      ),
    ];
  }

  drawFacts() {
    const { score, pattern, never_looked_at: never, looked_at_again: again } = this.shown;
    const { warnings } = this.answer;
    const facts = [
      this.rank === 0 && warnings.length && ["Doubtful", warnings.join("; ")],
      ["Score", score === null ? "none" : twoDecimals(score).replace("-", "−")],
      pattern && ["Pattern", PATTERNS[pattern]],
      never.length && ["Never looked at", ...listed(never)],
      again.length && ["Looked at again", ...listed(again)],
      this.showsDifferences && ["Underlined", "differs from the other version"],
      this.answer.truncated && ["Cut", "the text is longer than the model takes"],
    ].filter(Boolean);
    this.facts.replaceChildren(
      ...facts.map(([name, ...values]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, ...values)),
      ),
    );
  }

  beam() {
    if (this.answer.hypotheses.length < 2) {
      return [];
    }
    const group = newId("beam");
    const options = this.answer.hypotheses.map((each, rank) =>
      element(
        "label",
        { class: "hypothesis" },
        element("input", {
          type: "radio",
          name: group,
          value: rank,
          checked: rank === 0,
          change: () => this.choose(rank),
        }),
        element(
          "span",
          { lang: this.languages.target, dir: each.words.target_direction },
          each.text || "(no words)",
        ),
        element("span", { class: "number" },
          each.score === null ? "" : twoDecimals(each.score).replace("-", "−")),
      ),
    );
    return [
      element(
        "fieldset",
        { class: "beam" },
        element("legend", {}, "What the search found, with scores"),
        ...options,
      ),
    ];
  }

  figureTools() {
    const group = newId("unit");
    const units = ["words", "tokens"].map((unit) =>
      element(
        "label",
        { class: "choice" },
        element("input", {
          type: "radio",
          name: group,
          checked: unit === this.unit,
          change: () => this.setUnit(unit),
        }),
        element("span", {}, unit === "words" ? "Words" : "Subwords"),
      ),
    );
    const downloads = ["png", "svg"].map((format) =>
      element(
        "button",
        { type: "button", class: "quiet-button", click: () => this.download(format) },
        `Download ${format.toUpperCase()}`,
      ),
    );
    this.tools = element(
      "figcaption",
      { class: "tools" },
      element(
        "fieldset",
        { class: "choices" },
        element("legend", { class: "unseen" }, "Show"),
        ...units,
      ),
      element("div", { class: "downloads" }, ...downloads),
    );
    return this.tools;
  }

  scrolled(node) {
    return element(
      "div",
      {
        class: "scrolled",
        dir: this.matrix.source_direction, // it scrolls from where the source begins
        tabindex: "0",
        role: "region",
        "aria-label": "Heatmap of the weights",
      },
      node,
    );
  }

  setUnit(unit) {
    this.unit = unit;
    this.draw();
    this.tools.querySelector("input:checked").focus();
  }

  pointAtWord(spot) {
    this.heatmap?.show(spot ? { [spot.side]: spot.place } : {});
    this.tell(spot);
  }

  pointAtCell(cell) {
    if (!cell) {
      this.words.rest();
      return;
    }
    this.heatmap.show(cell);
    this.words.show({ side: "target", place: cell.target });
    const { source, target, weights } = this.matrix;
    const weight = twoDecimals(weights[cell.target][cell.source]);
    this.detail.replaceChildren(
      apart(target[cell.target]), " ← ", apart(source[cell.source]), ` ${weight}`,
    );
  }

  /** Says in a line what a word looks at, or what looks at it. */
  tell(spot) {
    if (!spot) {
      this.detail.textContent = HOW_TO;
      return;
    }
    const { source, target, weights } = this.matrix;
    const isTarget = spot.side === "target";
    const word = (isTarget ? target : source)[spot.place];
    const named = isTarget
      ? strongest(source, weights[spot.place], MOST_NAMED)
      : strongest(target, column(this.matrix, spot.place), MOST_NAMED);
    const arrow = isTarget ? "looked at" : "was looked at by";
    this.detail.replaceChildren(
      apart(word),
      ` ${arrow} `,
      ...named.flatMap(([name, weight], place) =>
        [place ? ", " : "", apart(name), ` ${twoDecimals(weight)}`]),
      named.length ? "" : isTarget ? "nothing" : "no word",
    );
  }

  async download(format) {
    try {
      const title = `Attention: ${this.source} → ${this.shown.text}`.replace(/\s+/g, " ");
      const { file, missingFonts } = await askPicture(format, title, this.matrix);
      const link = element("a", {
        href: URL.createObjectURL(file),
        download: `attention-${this.answer.version}.${format}`,
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      this.detail.textContent = missingFonts
        ? `The picture is saved. The gateway's machine needs fonts for ${missingFonts}.`
        : "The picture is saved.";
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      this.detail.textContent = error.message;
    }
  }
}

/** Takes the place of a panel when a version gave no answer. */
export function complaint(name, sentence) {
  const title = newId("version");
  return element(
    "section",
    { class: "panel", "aria-labelledby": title },
    element("h2", { id: title }, name),
    element("p", { class: "complaint", role: "alert" }, sentence),
  );
}
