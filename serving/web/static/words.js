// Source and translation as two rows of words. One that is pointed at or focused lights up those of
// the other side by the weight between them; threads between the rows show all weights at once.

import { element, shape } from "./elements.js";
import { colour, column } from "./weights.js";

const LEAST_THREAD = 0.08;

export class LinkedWords {
  /**
   * @param {object} matrix {source, target, weights, has_end}
   * @param {object} languages {source, target}: codes or null
   * @param {function(?object)} point is told the word that is pointed at, as
   *   {side: "target", place: 2}, or null
   */
  constructor(matrix, languages, point) {
    this.matrix = matrix;
    this.point = point;
    this.pinned = null;
    this.words = { source: [], target: [] };
    this.threads = shape("svg", { class: "threads", "aria-hidden": "true" });
    this.node = element(
      "div",
      { class: "linked", pointerleave: () => this.rest() },
      this.threads,
      this.row("source", "Source", languages.source),
      this.row("target", "Translation", languages.target),
    );
    new ResizeObserver(() => this.drawThreads()).observe(this.node);
  }

  row(side, name, language) {
    const end = this.matrix.has_end && side === "source" ? this.matrix.source.length - 1 : null;
    this.words[side] = this.matrix[side].map((word, place) =>
      element(
        "button",
        {
          type: "button",
          class: place === end ? "word end" : "word",
          tabindex: place === 0 ? "0" : "-1",
          "aria-pressed": "false",
          pointerenter: (event) => event.pointerType !== "touch" && this.light({ side, place }),
          focus: () => this.light({ side, place }),
          blur: () => this.rest(),
          click: () => this.pin({ side, place }),
          keydown: (event) => this.move(event, side, place),
        },
        word,
      ),
    );
    return element(
      "div",
      { class: `side ${side}` },
      element("p", { class: "side-name", "aria-hidden": "true" }, name),
      element(
        "div",
        {
          class: "words",
          role: "toolbar",
          "aria-label": `${name}, word by word`,
          lang: language,
          dir: this.matrix[`${side}_direction`],
        },
        ...this.words[side],
      ),
    );
  }

  /** Lights up what belongs to a word, and tells that it is pointed at. */
  light(spot) {
    this.show(spot);
    this.point(spot);
  }

  /** Shows what the keyboard is on, else what is pinned, else nothing. */
  rest() {
    for (const side of ["source", "target"]) {
      const place = this.words[side].findIndex((word) => word.matches(":focus-visible"));
      if (place >= 0) {
        this.light({ side, place });
        return;
      }
    }
    this.light(this.pinned);
  }

  /** Keeps a word lit until it is chosen again; null keeps none. */
  pin(spot) {
    const isSame = this.pinned?.side === spot?.side && this.pinned?.place === spot?.place;
    this.pinned = isSame ? null : spot;
    for (const side of ["source", "target"]) {
      this.words[side].forEach((word, place) => {
        const isPinned = this.pinned?.side === side && this.pinned.place === place;
        word.setAttribute("aria-pressed", String(isPinned));
      });
    }
    this.rest();
  }

  /** Shows a word and what belongs to it, without telling. */
  show(spot) {
    const weights = spot && weightsOf(this.matrix, spot);
    for (const side of ["source", "target"]) {
      this.words[side].forEach((word, place) => {
        const isSelf = spot?.side === side;
        word.classList.toggle("chosen", isSelf && spot.place === place);
        colour(word, spot && !isSelf ? weights[place] : null);
      });
    }
    this.threads.classList.toggle("quiet", Boolean(spot));
    for (const thread of this.threads.children) {
      const place = spot && Number(thread.dataset[spot.side]);
      thread.classList.toggle("followed", Boolean(spot) && place === spot.place);
    }
  }

  move(event, side, place) {
    const words = this.words[side];
    const isFromRight = getComputedStyle(words[place].parentNode).direction === "rtl";
    const onward = isFromRight ? -1 : 1;
    const steps = {
      ArrowLeft: place - onward,
      ArrowRight: place + onward,
      Home: 0,
      End: words.length - 1,
    };
    const other = side === "source" ? "target" : "source";
    const leads = side === "source" ? "ArrowDown" : "ArrowUp";
    if (event.key in steps) {
      this.focus(side, Math.min(Math.max(steps[event.key], 0), words.length - 1));
    } else if (event.key === leads) {
      const weights = weightsOf(this.matrix, { side, place });
      this.focus(other, weights.indexOf(Math.max(...weights)));
    } else if (event.key === "Escape") {
      this.pin(null);
    } else {
      return;
    }
    event.preventDefault();
  }

  focus(side, place) {
    const word = this.words[side][place];
    for (const each of this.words[side]) {
      each.tabIndex = each === word ? 0 : -1;
    }
    word?.focus();
  }

  /** Draws a thread for each weight, from below a source word to above the word that looked. */
  drawThreads() {
    const frame = this.node.getBoundingClientRect();
    const from = this.words.source.map((word) => word.getBoundingClientRect());
    const to = this.words.target.map((word) => word.getBoundingClientRect());
    // Between lines of words, threads would only be in their way.
    this.node.classList.toggle("crossing", isWrapped(from) || isWrapped(to));
    this.threads.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    this.threads.replaceChildren(
      ...this.matrix.weights.flatMap((row, target) =>
        row.flatMap((weight, source) =>
          weight < LEAST_THREAD
            ? []
            : [thread(from[source], to[target], frame, { weight, source, target })],
        ),
      ),
    );
  }
}

const isWrapped = (places) => places.some((each) => each.top !== places[0].top);

function weightsOf(matrix, { side, place }) {
  return side === "target" ? matrix.weights[place] : column(matrix, place);
}

function thread(above, below, frame, { weight, source, target }) {
  const [x, y] = [above.left + above.width / 2 - frame.left, above.bottom - frame.top];
  const [toX, toY] = [below.left + below.width / 2 - frame.left, below.top - frame.top];
  const bend = (toY - y) / 2;
  const node = shape("path", {
    d: `M${x} ${y}C${x} ${y + bend} ${toX} ${toY - bend} ${toX} ${toY}`,
    "data-source": source,
    "data-target": target,
  });
  node.style.setProperty("--weight", weight.toFixed(3));
  return node;
}
