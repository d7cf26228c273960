// The page: the form, the examples, the versions, and a panel for each version that is asked.

import { differences } from "./differences.js";
import { apart, element } from "./elements.js";
import { GatewayError, askModel, askTranslation, askVersions } from "./gateway.js";
import { Panel, complaint } from "./panel.js";

const NO_OTHER = "none";
const LIVE = "";
// About what the style sheet says, in pixels: from this width on two panels stand side by side.
const WIDTH_OF_TWO = 920;
const PANEL_PADDING = { wide: 72, narrow: 40 };

const part = (id) => document.getElementById(id);
const form = part("ask");
const text = part("text");
const version = part("version");
const other = part("other");
const status = part("status");
const notice = part("notice");
const results = part("results");
const narrow = matchMedia("(max-width: 34rem)");

let languages = { source: null, target: null };
let live = null;
let underWay = new AbortController();

/** Does what may fail at the gateway, and says on the page if it did. */
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    rethrowUnlessTold(error);
    complain(error.message);
  }
}

function complain(sentence) {
  notice.textContent = sentence;
  notice.hidden = false;
}

async function showModel() {
  const model = await askModel();
  languages = { source: model.source_language, target: model.target_language };
  const [from, to] = [languageName(languages.source), languageName(languages.target)];
  const pair = from && to && `${from} to ${to}`;
  part("about").textContent = [model.model, pair, `served at ${model.server}`]
    .filter(Boolean)
    .join(" · ");
  part("text-label").textContent = from ? `Sentence in ${from}` : "Sentence";
  if (languages.source) {
    text.lang = languages.source;
  }
  part("examples").hidden = !model.examples.length;
  part("example-list").replaceChildren(
    ...model.examples.map((sentence) =>
      element(
        "li",
        {},
        element(
          "button",
          { type: "button", class: "example", lang: languages.source, click: () => ask(sentence) },
          apart(sentence),
        ),
      ),
    ),
  );
}

function languageName(code) {
  try {
    return code && new Intl.DisplayNames(["en"], { type: "language" }).of(code);
  } catch {
    return code; // it is of no form that the browser knows
  }
}

async function showVersions() {
  const answer = await askVersions();
  live = answer.live;
  const shown = answer.versions.filter((each) => each.state !== "end" || each.problem);
  const options = () =>
    shown.map((each) =>
      element(
        "option",
        { value: each.version, disabled: !each.is_available, title: each.problem || null },
        each.is_available
          ? described(each)
          : `${each.version} (${each.state === "end" ? "failed" : each.state})`,
      ),
    );
  const liveOne = shown.find((each) => each.version === live);
  const liveName = liveOne ? `Live (${described(liveOne)})` : "Live";
  refill(version, element("option", { value: LIVE }, liveName), options());
  refill(other, element("option", { value: NO_OTHER }, "no other"), options());
  excludeSame();
  part("version-hint").textContent = shown.some((each) => each.bleu !== null || each.chrf !== null)
    ? "BLEU and chrF of a version are those on the validation split."
    : "";
  const isAlone = shown.filter((each) => each.is_available).length < 2;
  other.disabled = isAlone;
  part("other-hint").textContent = isAlone
    ? "There is nothing to compare: the server has one version."
    : "";
}

/** Names a version with the day of its push and its scores, as far as they are known. */
function described({ version: number, date, bleu, chrf }) {
  const scores = Object.entries({ BLEU: bleu, chrF: chrf })
    .filter(([, score]) => score !== null)
    .map(([name, score]) => `${name} ${score.toFixed(1)}`);
  return [number, date, ...scores].filter(Boolean).join(" · ");
}

/** Fills a list, keeping what is chosen if it is still there. */
function refill(select, first, rest) {
  const chosen = select.value;
  select.replaceChildren(first, ...rest);
  select.value = chosen;
  if (select.selectedIndex < 0) {
    select.selectedIndex = 0;
  }
}

/** Lets no version be compared with itself. */
function excludeSame() {
  const same = version.value === LIVE ? live : version.value;
  for (const option of other.options) {
    option.hidden = option.value === same;
  }
  if (other.value === same) {
    other.value = NO_OTHER;
  }
}

/** Fits the box to its text; the style sheet has the limits. */
function fitBox() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + text.offsetHeight - text.clientHeight}px`;
}

function ask(sentence) {
  text.value = sentence;
  fitBox();
  form.requestSubmit();
}

const nameOf = (asked, answered) => {
  const number = answered ?? (asked === LIVE ? live : asked);
  const name = number ? `Version ${number}` : "The live version";
  return number && number === live ? `${name}, live` : name;
};

async function translate() {
  underWay.abort();
  underWay = new AbortController();
  const { signal } = underWay;
  const sentence = text.value;
  if (!sentence.trim()) {
    status.textContent = "";
    complain("There is no text yet. Type a sentence.");
    text.focus();
    return;
  }
  const asked = other.value === NO_OTHER ? [version.value] : [version.value, other.value];
  notice.hidden = true;
  status.textContent = "Translating …";
  results.setAttribute("aria-busy", "true");
  const answers = await Promise.allSettled(
    asked.map((each) => askTranslation(sentence, each === LIVE ? null : each, signal)),
  );
  if (signal.aborted) {
    return; // something else is asked by now
  }
  results.removeAttribute("aria-busy");
  showAnswers(answers, asked, sentence);
  await showVersions().catch(() => {}); // whoever reads this was told what is wrong, or asks next
}

function showAnswers(answers, asked, sentence) {
  const complaints = answers.map((answer) => answer.reason?.message);
  if (complaints.every((each) => each !== undefined && each === complaints[0])) {
    rethrowUnlessTold(answers[0].reason);
    results.replaceChildren();
    status.textContent = "";
    complain(complaints[0]);
    return;
  }
  const panels = answers.map((answer, place) =>
    panelOf(answer, asked[place], sentence, asked.length),
  );
  showDifferences(panels);
  results.replaceChildren(...panels.map((panel) => panel.node ?? panel));
  status.textContent = panels
    .filter((panel) => panel instanceof Panel)
    .map((panel) => `Translation: ${panel.shown.text}`)
    .join(". ");
  history.replaceState(null, "", `#${new URLSearchParams({ text: sentence })}`);
  if (narrow.matches) {
    part("examples").open = false; // they would stand between the sentence and its translation
  }
}

function rethrowUnlessTold(error) {
  if (!(error instanceof GatewayError)) {
    throw error;
  }
}

function panelOf(answer, asked, sentence, panels) {
  if (answer.status === "fulfilled") {
    const name = nameOf(asked, answer.value.version);
    const width = results.clientWidth / (panels > 1 && results.clientWidth > WIDTH_OF_TWO ? 2 : 1);
    const padding = narrow.matches ? PANEL_PADDING.narrow : PANEL_PADDING.wide;
    return new Panel(answer.value, sentence, languages, name, width - padding);
  }
  rethrowUnlessTold(answer.reason);
  return complaint(nameOf(asked), answer.reason.message);
}

function showDifferences(panels) {
  if (panels.length === 2 && panels.every((panel) => panel instanceof Panel)) {
    const [one, another] = panels.map((panel) => panel.shown.words.target);
    differences(one, another).forEach((places, which) => panels[which].markDifferent(places));
  }
}

version.addEventListener("change", excludeSame);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  translate();
});
text.addEventListener("input", fitBox);
addEventListener("resize", fitBox);
text.addEventListener("keydown", (event) => {
  // While a word is composed, as in Japanese, Enter belongs to that.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    showVersions().catch(() => {}); // whoever translates next is told what is wrong
  }
});

await attempt(showModel);
await attempt(showVersions);
const linked = new URLSearchParams(location.hash.slice(1)).get("text");
if (linked) {
  ask(linked);
} else if (!narrow.matches) {
  text.focus(); // on a telephone its keyboard would hide the page
}
