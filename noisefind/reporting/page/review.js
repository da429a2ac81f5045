// The review: images shown, focus, decisions, and the random sample.

const PER_PAGE = { cards: 48, table: 100 };
const view = { query: { ...DEFAULT_QUERY }, kind: pictured.size ? "cards" : "table", page: 0, active: null, open: new Set(), chosen: [], shown: [] };
const decisionOf = (row) => decisions.get(row);

/** Filter and sort again, and show the first page. */
function refresh() {
  view.chosen = chosenRows(view.query, decisionOf);
  view.page = 0;
  view.active = null;
  draw();
  imageMap.showChosen();
}

/** The rows that the present view can show: cards are for images with a picture; a group has one. */
function listed() {
  if (view.kind !== "cards") return view.chosen;
  const seen = new Set();
  return view.chosen.filter((row) => {
    const pair = pairShown(row);
    if (!pair) return pictured.has(row);
    return !seen.has(pair) && seen.add(pair);
  });
}

function draw() {
  const all = listed();
  const size = PER_PAGE[view.kind];
  const nPages = Math.max(1, Math.ceil(all.length / size));
  view.page = Math.min(view.page, nPages - 1);
  view.shown = all.slice(view.page * size, (view.page + 1) * size);
  if (!view.shown.includes(view.active)) view.active = view.shown.length ? view.shown[0] : null;
  const isCards = view.kind === "cards";
  const by = view.query.sort;
  byId("cards").replaceChildren(...(isCards ? view.shown.map((row) => card(row, by, view.open.has(row))) : []));
  byId("rows").replaceChildren(...(isCards ? [] : view.shown.map((row) => tableRow(row, by))));
  byId("cards").hidden = !isCards || !view.shown.length;
  byId("table-box").hidden = isCards || !view.shown.length;
  byId("score-head").textContent = by in highIsHard ? by : "label_score";
  markActive();
  drawPager(all.length, nPages, size);
  drawCounts();
  drawProgress();
}

function drawPager(n, nPages, size) {
  byId("pager").hidden = nPages < 2;
  const first = view.page * size + 1;
  byId("page-text").textContent = `${count(first)} to ${count(first + view.shown.length - 1)} of ${count(n)}`;
  byId("previous").disabled = view.page === 0;
  byId("next").disabled = view.page === nPages - 1;
}

function drawCounts() {
  const without = view.kind === "cards" ? view.chosen.filter((row) => !pictured.has(row)).length : 0;
  byId("none").hidden = view.chosen.length > 0;
  byId("none-all").hidden = view.query.flagged === "";
  byId("count").textContent = `${plural(view.chosen.length, "image", "images")} of ${count(nRows)}`;
  const selected = view.query.selection;
  byId("selection").hidden = selected === null;
  byId("selection-text").textContent = selected ? `${plural(selected.size, "image", "images")} selected on the map` : "";
  byId("bulk-open").disabled = !view.chosen.length || view.query.sample;
  byId("more").hidden = !without;
  byId("more").textContent = without ? `${plural(without, "more image without a picture is", "more images without a picture are")} in the table.` : "";
  const isFirst = Object.entries(DEFAULT_QUERY).every(([name, value]) => view.query[name] === value);
  byId("reset").hidden = isFirst;
  for (const kind of ["cards", "table"]) byId(`view-${kind}`).setAttribute("aria-pressed", String(view.kind === kind));
}

function drawProgress() {
  const nFlagged = rows.flagged.filter((one) => one === 1).length;
  const decided = [...decisions.of.keys()];
  const ofFlagged = decided.filter((row) => rows.flagged[row] === 1).length;
  const others = decided.length - ofFlagged;
  byId("progress").max = nFlagged || 1;
  byId("progress").value = nFlagged ? ofFlagged : 0;
  const also = others ? `, and ${plural(others, "other image", "other images")}` : "";
  byId("progress-text").textContent = `${count(ofFlagged)} of ${count(nFlagged)} label issues decided${also}`;
  byId("undo").disabled = !decisions.undone.length;
  byId("download").disabled = byId("forget").disabled = !decided.length;
  byId("storage-alert").hidden = decisions.canKeep;
  drawSample();
}

function drawSample() {
  const panel = byId("sample-panel");
  panel.hidden = !view.query.sample;
  byId("sample").setAttribute("aria-pressed", String(view.query.sample));
  if (!view.query.sample) return;
  const { counted, wrong, right, unsure } = sampleState(decisionOf);
  const n = wrong + right;
  const lines = [make("p", { class: "muted" }, `${count(data.sample.length)} drawn at random from the flagged labels, in random order. Relabel and drop count as “truly wrong”, keep as “was right”. The share is computed from the first decisions without a gap, so that it is unbiased.`)];
  if (!n) {
    lines.unshift(make("p", { class: "sample-number" }, "Decide on the first images to see how many of the flagged labels are truly wrong."));
  } else {
    const [low, high] = wilson(wrong, n);
    lines.unshift(
      make("p", { class: "sample-number" }, make("strong", {}, percent(wrong / n)), ` of the flagged labels are truly wrong`),
      make("p", {}, `95 % interval ${percent(low)} to ${percent(high)} · ${count(wrong)} of ${plural(n, "decision", "decisions")}${unsure ? `, ${count(unsure)} unsure left out` : ""} · ${count(counted)} of ${count(data.sample.length)} seen`),
    );
  }
  panel.replaceChildren(...lines);
}

const elementOf = (row) => document.querySelector(`#review [data-row="${row}"]`);

/** One image can be reached by Tab, and its buttons; the arrow keys go to the others. */
function markActive() {
  for (const element of document.querySelectorAll("#review [data-row]")) {
    const isActive = Number(element.dataset.row) === view.active;
    element.tabIndex = isActive ? 0 : -1;
    for (const button of element.querySelectorAll("button, summary")) button.tabIndex = isActive ? 0 : -1;
  }
}

function focusOn(row) {
  view.active = row;
  markActive();
  const element = elementOf(row);
  if (!element) return;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest" });
}

/** Whether the middle of an image is on the screen. */
function isOnScreen(row) {
  const { top, bottom } = elementOf(row).getBoundingClientRect();
  const middle = (top + bottom) / 2;
  return middle > 0 && middle < window.innerHeight;
}

/** Draw one image again, and keep the focus where it was. */
function redraw(row) {
  const element = elementOf(row);
  if (!element) return;
  const held = element.contains(document.activeElement) ? document.activeElement.dataset.action || "" : null;
  const by = view.query.sort;
  if (view.kind === "cards") element.closest("li").replaceWith(card(row, by, view.open.has(row)));
  else element.replaceWith(tableRow(row, by));
  markActive();
  if (held === null) return;
  const target = (held && elementOf(row).querySelector(`[data-action="${held}"]`)) || elementOf(row);
  target.focus({ preventScroll: true });
}

function decide(row, decision) {
  decisions.set(row, decision);
  redraw(row);
  drawProgress();
  announce(decision ? decisionText(decision) : "Not decided");
}

function undo() {
  const undone = decisions.undo();
  if (!undone.length) return;
  const row = listedAs(undone[0]);
  if (undone.length > 1 || !view.shown.includes(row)) {
    const place = listed().indexOf(row);
    if (place >= 0) view.page = Math.floor(place / PER_PAGE[view.kind]);
    draw();
  }
  redraw(row);
  drawProgress();
  focusOn(view.shown.includes(row) ? row : view.active);
  announce(undone.length > 1 ? `Undone for ${count(undone.length)} images` : "Undone");
}

/** The image ``step`` places on; past the end of the page to the next page. */
function go(step) {
  const place = view.shown.indexOf(view.active) + step;
  const size = PER_PAGE[view.kind];
  const target = view.page * size + place;
  if (target < 0 || target >= listed().length) return;
  if (place < 0 || place >= view.shown.length) {
    view.page = Math.floor(target / size);
    draw();
  }
  focusOn(listed()[target]);
}

function turnPage(step) {
  view.page += step;
  view.active = null;
  draw();
  byId("review").scrollIntoView();
  if (view.active !== null) focusOn(view.active);
}

/** The number of cards in a line: an arrow up or down moves by it. */
function perLine() {
  if (view.kind === "table") return 1;
  const tops = [...byId("cards").children].map((element) => element.offsetTop);
  const inFirst = tops.findIndex((top) => top !== tops[0]);
  return inFirst < 0 ? tops.length : inFirst;
}
