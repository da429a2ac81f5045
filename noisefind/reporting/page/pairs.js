// Duplicates under different labels: one card and one decision for all images of the group.

const pairOf = new Map(data.pairs.flatMap((pair) => pair.map((row) => [row, pair])));

/** Flagged, or a duplicate of an image with another label, whatever the scores are. */
const isFinding = (row) => rows.flagged[row] === 1 || pairOf.has(row);

/** The group whose card shows the image; the random sample and the table show every image alone. */
const pairShown = (row) => (view.kind === "cards" && !view.query.sample && pairOf.get(row)) || null;

/** The row under which an image is listed: of a group the first one that the filters leave. */
function listedAs(row) {
  const pair = pairShown(row);
  return (pair && view.chosen.find((other) => pair.includes(other))) ?? row;
}

const labelsOf = (pair) => [...new Set(pair.map((row) => rows.given[row]))];
const wordFor = (pair) => (pair.length === 2 ? "both" : "all");

/** What an action decides on each image of the group; null where it is none. */
function pairChanges(pair, action) {
  if (action === "clear") return pair.map((row) => [row, null]);
  if (["keep", "drop", "unsure"].includes(action)) return pair.map((row) => [row, { decision: action, label: null }]);
  const label = action.startsWith("label-") ? labelsOf(pair)[Number(action.slice(6))] : undefined;
  if (label === undefined) return null;
  return pair.map((row) => [row, rows.given[row] === label ? { decision: "keep", label: null } : { decision: "relabel", label }]);
}

/** The actions that a group offers, with their words. */
function pairActions(pair) {
  const word = wordFor(pair);
  const labels = labelsOf(pair).map((label, place) => [`label-${place}`, `${visible(data.classes[label])} for ${word}`]);
  return [["keep", `Keep ${word}`], ...labels, ["drop", `Drop ${word}`], ["unsure", "Unsure"]];
}

const isSame = (a, b) => a !== null && b !== null && a.decision === b.decision && a.label === b.label;

/** The action that was decided for the whole group, with its words; null for none. */
function pairDecision(pair) {
  return pairActions(pair).find(([action]) => pairChanges(pair, action).every(([row, change]) => isSame(decisions.get(row), change))) || null;
}

function pairText(pair) {
  const names = labelsOf(pair).map((label) => visible(data.classes[label]));
  const decided = pairDecision(pair);
  return `The same picture with the labels ${names.join(" and ")}${decided ? `, decided: ${decided[1]}` : ""}`;
}

/** Whether the action decided something. */
function actOnPair(action, pair, row) {
  const changes = pairChanges(pair, action);
  if (changes === null) return false;
  decisions.setAll(changes);
  redraw(row);
  drawProgress();
  const decided = pairDecision(pair);
  announce(decided ? decided[1] : "Not decided");
  return action !== "clear";
}

function pairCard(pair, row, by, isOpen) {
  const decided = pairDecision(pair);
  const kind = decided ? (decided[0].startsWith("label-") ? "relabel" : decided[0]) : "";
  const button = ([action, text]) =>
    make("button", { type: "button", class: `decide decide-${action.startsWith("label-") ? "relabel" : action}`, "data-action": action, "aria-pressed": String(decided !== null && decided[0] === action), tabindex: "-1" }, text);
  return make(
    "li",
    { class: "pair" },
    make(
      "article",
      { class: `card ${kind ? `is-${kind}` : ""}`, "data-row": row, tabindex: "-1", "aria-label": pairText(pair) },
      make("div", { class: "pair-images" }, ...pair.map((one) => pairImage(one, by, isOpen))),
      make(
        "div",
        { class: "card-body" },
        make("p", {}, "The same picture has different labels: at least one of them is wrong."),
        decided ? make("p", { class: "pair-decision" }, decided[1]) : null,
        make("div", { class: "decide-row", role: "group", "aria-label": `Decision for ${wordFor(pair)}` }, ...pairActions(pair).map(button)),
        moreButton(isOpen),
      ),
    ),
  );
}

/** One image of the group, with what is known of its label. */
function pairImage(row, by, isOpen) {
  const decision = decisions.get(row);
  return make("div", { class: "pair-image" }, pictureFrame(row, decision), make("div", { class: "card-body" }, ...knownOf(row, by), isOpen ? details(row) : null));
}
