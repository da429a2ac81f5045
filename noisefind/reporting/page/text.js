// Text and elements. Names are data: they only ever become text, never markup.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** A name without what could break a line or turn the reading direction. */
const visible = (text) =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => "\\x" + c.codePointAt(0).toString(16).padStart(2, "0"));

const count = (number) => number.toLocaleString("en-US");
const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

/** 12 %, 3.1 %, 0.04 %: as the page's own numbers are written. */
function percent(share) {
  const value = 100 * share;
  const digits = value >= 10 || value < 0.005 ? 0 : value >= 0.1 ? 1 : 2;
  return `${value.toFixed(digits)} %`;
}

const scoreText = (value) => (Number.isNaN(value) ? "–" : String(Number(value.toPrecision(3))));

/** An element; children are elements or texts, attributes that are null or false are left out. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === false) continue;
    if (name === "onclick") element.addEventListener("click", value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A name as an element of its own, isolated from the direction of the text around it. */
const nameOf = (text, className) =>
  make("bdi", { class: className || null, title: visible(text) }, visible(text));

/** Announce a text to screen readers. */
const announce = (text) => {
  byId("announcement").textContent = text;
};
