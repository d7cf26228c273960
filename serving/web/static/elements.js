// Makes elements. Text becomes text nodes and never markup, whatever is in it.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element of HTML.
 * @param {string} tag
 * @param {Object<string, any>} attributes A function is a listener, `true` an attribute without a
 *   value; what is null, undefined or false is left out.
 * @param {...(Node|string)} children
 */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Makes an element of SVG, as `element`. */
export function shape(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      node.addEventListener(name, value);
    } else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  node.append(...children);
  return node;
}

/** Sets words apart from the text around them, which may go in the other direction. */
export const apart = (word) => element("bdi", {}, word);

/** Lists words apart from each other, as nodes with commas between them. */
export const listed = (words) =>
  words.flatMap((word, place) => (place ? [", ", apart(word)] : [apart(word)]));

let made = 0;

/** An id that no other element of the page has. */
export function newId(stem) {
  made += 1;
  return `${stem}-${made}`;
}
