// One image of the review: as a card with its picture, or as a row of the table.

const WORDS = { keep: "Keep", relabel: "Relabel", drop: "Drop", unsure: "Unsure" };
const PIXEL_ART = 64; // px; pictures up to this side show their pixels

/** A decision in words. */
function decisionText(decision) {
  if (decision === null) return "";
  if (decision.decision !== "relabel") return WORDS[decision.decision];
  return `Relabel to ${visible(data.classes[decision.label])}`;
}

const agrees = (row) => rows.given[row] === rows.suggestion[row];

/** The description of an image for screen readers. */
function describe(row) {
  const given = visible(data.classes[rows.given[row]]);
  const suggestion = visible(data.classes[rows.suggestion[row]]);
  const opinion = agrees(row) ? "no suggestion" : `suggestion ${suggestion}, ${percent(rows.probability[row])}`;
  const decision = decisionText(decisions.get(row));
  return `Rank ${row + 1}, given ${given}, ${opinion}${decision ? `, decided: ${decision}` : ""}`;
}

function picture(uri, className) {
  if (!uri) return make("span", { class: `no-picture ${className}` }, "no picture");
  const image = make("img", { src: uri, alt: "", class: className, decoding: "async" });
  keepSharp(image);
  return image;
}

/** Small pictures are enlarged without smoothing, which would blur them. */
function keepSharp(image) {
  const mark = () => image.classList.toggle("pixel-art", Math.max(image.naturalWidth, image.naturalHeight) <= PIXEL_ART);
  if (image.complete && image.naturalWidth) mark();
  else image.addEventListener("load", mark, { once: true });
}

function decisionButtons(row) {
  const decision = decisions.get(row);
  const is = (name) => decision !== null && decision.decision === name;
  const toSuggestion = is("relabel") && decision.label === rows.suggestion[row];
  const suggestion = data.classes[rows.suggestion[row]];
  const button = (action, pressed, label, ...children) =>
    make("button", { type: "button", class: `decide decide-${action}`, "data-action": action, "aria-pressed": String(pressed), "aria-label": label, tabindex: "-1" }, ...children);
  return make(
    "div",
    { class: "decide-row", role: "group", "aria-label": "Decision" },
    button("keep", is("keep"), "Keep", "Keep"),
    agrees(row) ? null : button("relabel", toSuggestion, `Relabel to ${visible(suggestion)}`, "→ ", nameOf(suggestion)),
    button("choose", is("relabel") && !toSuggestion, "Relabel to another class", "Other…"),
    button("drop", is("drop"), "Drop", "Drop"),
    button("unsure", is("unsure"), "Unsure", "Unsure"),
  );
}

function reasonList(row) {
  const kinds = data.reasonKinds[rows.reasons[row]];
  const items = data.reasons[rows.reasons[row]].map((text, place) => make("li", {}, reason(text, data.explanations[kinds[place]])));
  return items.length ? make("ul", { class: "reasons" }, ...items) : null;
}

/** The words of a reason; what they mean opens on request. */
function reason(text, explanation) {
  const words = make("bdi", {}, visible(text));
  return explanation ? make("details", { class: "why" }, make("summary", {}, words), make("p", {}, explanation)) : words;
}

/** The likeliest classes as bars, the given one among them; their probabilities come from one distribution. */
function classBars(row) {
  const pairs = data.alternatives[row];
  if (!pairs || !pairs.length) return null;
  const bar = ([number, share]) => {
    const role = number === rows.given[row] ? "given" : number === rows.suggestion[row] ? "suggested" : "";
    return make(
      "li",
      { class: role ? `is-${role}` : null },
      nameOf(data.classes[number], "label"),
      role ? make("span", { class: "sr" }, ` (${role})`) : null,
      make("meter", { min: "0", max: "1", value: share, "aria-hidden": "true" }),
      make("span", { class: "probability" }, percent(share)),
    );
  };
  return make("ol", { class: "bars", "aria-label": "Most probable classes" }, ...pairs.map(bar));
}

/** The nearest images and all scores, on request. */
function details(row) {
  const near = data.neighbours && data.neighbours[row];
  const neighbours = !near
    ? make("p", { class: "muted" }, data.neighbours ? "Nearest images are kept for images with a picture." : "This run has no nearest images.")
    : make("ol", { class: "near" }, ...near.map(([other, similarity]) => neighbour(row, other, similarity)));
  const names = ["label_score", ...data.scores.map((score) => score.name)];
  const values = names.flatMap((name) => [make("dt", {}, name), make("dd", {}, scoreText(rows[name][row]))]);
  return make("div", { class: "details" }, make("h4", {}, "Nearest images, with their given labels"), neighbours, make("h4", {}, "Scores"), make("dl", { class: "values" }, ...values));
}

function neighbour(row, other, similarity) {
  const label = data.classes[rows.given[other]];
  const isSame = rows.given[other] === rows.given[row];
  return make(
    "li",
    { class: isSame ? "same" : "other" },
    picture(data.pictures[other] || data.small[other], "near-picture"),
    nameOf(label, "label"),
    similarity === null ? null : make("small", { class: "muted" }, similarity.toFixed(2)),
  );
}

function suggestionLine(row) {
  if (agrees(row)) return make("p", { class: "muted" }, `no suggestion: the given label is right with ${percent(rows.probability[row])}`);
  return make("p", { class: "suggestion" }, "suggestion: ", nameOf(data.classes[rows.suggestion[row]], "label"), " ", make("span", { class: "probability" }, percent(rows.probability[row])));
}

function scoreLine(row, by) {
  return by === "label_score" || !(by in highIsHard) ? null : make("p", { class: "muted small" }, `${by} ${scoreText(rows[by][row])}`);
}

/** The picture with its rank and its decision. */
const pictureFrame = (row, decision) =>
  make(
    "div",
    { class: "frame" },
    picture(data.pictures[row], "photo"),
    make("span", { class: "rank" }, `#${count(row + 1)}`),
    decision ? make("span", { class: "decision" }, decisionText(decision)) : null,
  );

/** What is known of the label of an image. */
const knownOf = (row, by) => [
  make("p", { class: "given" }, make("span", { class: "muted" }, "given "), nameOf(data.classes[rows.given[row]], "label")),
  suggestionLine(row),
  classBars(row),
  reasonList(row),
  scoreLine(row, by),
  nameOf(rows.file[row], "file"),
];

const moreButton = (isOpen) =>
  make("button", { type: "button", class: "link more", "data-action": "details", "aria-expanded": String(isOpen), tabindex: "-1" }, isOpen ? "Less" : "Nearest images, scores");

function card(row, by, isOpen) {
  const pair = pairShown(row);
  if (pair) return pairCard(pair, row, by, isOpen);
  const decision = decisions.get(row);
  return make(
    "li",
    {},
    make(
      "article",
      { class: `card ${decision ? `is-${decision.decision}` : ""}`, "data-row": row, tabindex: "-1", "aria-label": describe(row) },
      pictureFrame(row, decision),
      make(
        "div",
        { class: "card-body" },
        ...knownOf(row, by),
        decisionButtons(row),
        moreButton(isOpen),
        isOpen ? details(row) : null,
      ),
    ),
  );
}

function tableRow(row, by) {
  const decision = decisions.get(row);
  const score = by in highIsHard ? by : "label_score";
  return make(
    "tr",
    { class: decision ? `is-${decision.decision}` : null, "data-row": row, tabindex: "-1", "aria-label": describe(row) },
    make("td", { class: "number" }, count(row + 1)),
    make("td", { class: "mono" }, nameOf(rows.file[row], "file")),
    make("td", {}, nameOf(data.classes[rows.given[row]])),
    make("td", {}, nameOf(data.classes[rows.suggestion[row]]), make("small", { class: "muted" }, ` ${percent(rows.probability[row])}`)),
    make("td", { class: "number" }, scoreText(rows[score][row])),
    make("td", { class: "small" }, data.reasons[rows.reasons[row]].map(visible).join("; ")),
    make("td", {}, decisionButtons(row)),
  );
}
