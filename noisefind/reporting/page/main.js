// Controls and keys.

const FILTERS = ["flagged", "given", "suggestion", "split", "reason", "decision", "text"];

function fill(select, values, text) {
  for (const value of values) select.append(make("option", { value }, text(value)));
}

function fillFilters() {
  const numbers = (names) => names.map((_, number) => number);
  const className = (number) => visible(data.classes[number]);
  fill(byId("f-given"), numbers(data.classes), className);
  fill(byId("f-suggestion"), numbers(data.classes), className);
  fill(byId("f-split"), numbers(data.splits), (number) => visible(data.splits[number]) || "none");
  byId("f-split-box").hidden = data.splits.length < 2;
  const words = [...new Set(data.reasonKinds.flat())].sort();
  fill(byId("f-reason"), words, visible);
  byId("f-reason-box").hidden = !words.length;
  fill(byId("sort"), ["label_score", "probability", "file", ...data.scores.map((s) => s.name)], (name) =>
    ({ label_score: "worst first", probability: "surest suggestion", file: "file name" })[name] || `${name}, hardest first`,
  );
}

/** Set the controls to the values of ``view.query``. */
function showQuery() {
  for (const name of FILTERS) {
    byId(`f-${name}`).value = view.query[name];
    byId(`f-${name}`).disabled = view.query.sample;
  }
  byId("sort").value = view.query.sort;
  byId("reverse").checked = view.query.reverse;
  byId("sort").disabled = byId("reverse").disabled = view.query.sample;
}

function setQuery(changes) {
  view.query = { ...view.query, ...changes };
  showQuery();
  refresh();
}

/** The marked image gets the focus, so that its keys work at once. */
function toReview() {
  if (view.active !== null) focusOn(view.active);
  else byId("review").focus();
}

function listenToFilters() {
  for (const name of FILTERS) {
    byId(`f-${name}`).addEventListener("input", (event) => setQuery({ [name]: event.target.value }));
  }
  byId("sort").addEventListener("input", (event) => setQuery({ sort: event.target.value }));
  byId("reverse").addEventListener("input", (event) => setQuery({ reverse: event.target.checked }));
  for (const id of ["reset", "none-reset"]) byId(id).addEventListener("click", () => setQuery({ ...DEFAULT_QUERY }));
  byId("none-all").addEventListener("click", () => setQuery({ flagged: "" }));
  byId("selection-clear").addEventListener("click", () => setQuery({ selection: null }));
  byId("sample").disabled = !data.sample.length;
  byId("sample").addEventListener("click", () => setQuery({ ...DEFAULT_QUERY, sample: !view.query.sample }));
  for (const kind of ["cards", "table"]) {
    byId(`view-${kind}`).addEventListener("click", () => {
      view.kind = kind;
      view.page = 0;
      draw();
    });
  }
  byId("previous").addEventListener("click", () => turnPage(-1));
  byId("next").addEventListener("click", () => turnPage(1));
  document.querySelector("main").addEventListener("click", (event) => {
    const button = event.target.closest("[data-given], [data-reason], [data-sort]");
    if (!button) return;
    const { given = "", suggestion = "", reason, sort } = button.dataset;
    if (sort) setQuery({ ...DEFAULT_QUERY, sort });
    else if (reason) setQuery({ ...DEFAULT_QUERY, reason, flagged: "" });
    else setQuery({ ...DEFAULT_QUERY, given, suggestion, flagged: hasFlagged(given, suggestion) ? "1" : "" });
    toReview();
  });
}

const hasFlagged = (given, suggestion) =>
  rows.flagged.some((one, row) => one === 1 && rows.given[row] === Number(given) && (suggestion === "" || rows.suggestion[row] === Number(suggestion)));

/** Carry out an action on one image; returns true if a key then goes on to the next image. */
function act(action, row, byKey) {
  const pair = pairShown(row);
  if (pair && action !== "details") return actOnPair(action, pair, row);
  if (action === "keep" || action === "drop" || action === "unsure") {
    decide(row, { decision: action, label: null });
    return true;
  }
  if (action === "relabel" && !agrees(row)) {
    decide(row, { decision: "relabel", label: rows.suggestion[row] });
    return true;
  }
  if (action === "choose" || action === "relabel") chooser.open(row, byKey);
  else if (action === "clear") decide(row, null);
  else if (action === "enlarge") viewer.open(row);
  else if (action === "details") {
    if (!view.open.delete(row)) view.open.add(row);
    redraw(row);
  }
  return false;
}

const KEYS = { k: "keep", r: "relabel", t: "choose", d: "drop", u: "unsure", x: "clear", n: "details", e: "enlarge", 1: "label-0", 2: "label-1" };

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || !byId("keys-on").checked) return;
  if (document.querySelector("dialog[open]") || event.target.matches("input:not([type=checkbox]), select, textarea")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "?") byId("help").showModal();
  else if (key === "z") undo();
  else if (view.active === null || !onKeyOfImage(key, event.target)) return;
  event.preventDefault();
}

/** Whether the key means something to the marked image. */
function onKeyOfImage(key, target) {
  if (key in KEYS) {
    if (!target.closest("[data-row]") && !isOnScreen(view.active)) focusOn(view.active); // nobody decides unseen
    else if (act(KEYS[key], view.active, true)) go(1);
    return true;
  }
  if (!target.closest("#review")) return false; // arrows scroll the rest of the page
  const steps = {
    ArrowRight: () => go(1), ArrowLeft: () => go(-1),
    ArrowDown: () => go(perLine()), ArrowUp: () => go(-perLine()),
    Home: () => focusOn(view.shown[0]), End: () => focusOn(view.shown[view.shown.length - 1]),
  };
  if (!(key in steps)) return false;
  steps[key]();
  return true;
}

function listenToImages() {
  for (const id of ["cards", "rows"]) {
    byId(id).addEventListener("click", (event) => {
      const element = event.target.closest("[data-row]");
      if (!element) return;
      const row = Number(element.dataset.row);
      const button = event.target.closest("[data-action]");
      view.active = row;
      markActive();
      if (!button) element.focus({ preventScroll: true });
      else if (button.getAttribute("aria-pressed") === "true" && button.dataset.action !== "choose") act("clear", row, false);
      else act(button.dataset.action, row, false);
    });
    byId(id).addEventListener("focusin", (event) => {
      const element = event.target.closest("[data-row]");
      if (!element || Number(element.dataset.row) === view.active) return;
      view.active = Number(element.dataset.row);
      markActive();
    });
  }
  document.addEventListener("keydown", onKey);
}

function listenToActions() {
  for (const link of document.querySelectorAll('a[href="#review"]')) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      toReview();
    });
  }
  byId("undo").addEventListener("click", undo);
  byId("download").addEventListener("click", download);
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  byId("forget").addEventListener("click", () => {
    if (!confirm(`Forget ${plural(decisions.of.size, "decision", "decisions")} on this run?`)) return;
    decisions.forget();
    draw();
  });
  window.addEventListener("storage", (event) => {
    if (event.key !== STORE) return; // another tab of the same report
    decisions.load();
    draw();
  });
}

/** Tables whose heads sort their rows. */
function listenToHeads() {
  for (const head of document.querySelectorAll(".sortable thead button")) {
    head.addEventListener("click", () => {
      const column = head.closest("th");
      const place = column.cellIndex;
      const falls = column.getAttribute("aria-sort") ? column.getAttribute("aria-sort") === "ascending" : place > 0;
      const body = head.closest("table").tBodies[0];
      const value = (line) => (place ? Number(line.cells[place].dataset.value) : line.cells[place].dataset.value);
      const lines = [...body.rows].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
      body.append(...(falls ? lines.reverse() : lines));
      for (const other of column.parentElement.cells) other.removeAttribute("aria-sort");
      column.setAttribute("aria-sort", falls ? "descending" : "ascending");
    });
  }
}

fillFilters(); // with the classes of the run, before those that reviewers made up
decisions.load();
decisions.keep();
showQuery();
listenToFilters();
listenToImages();
listenToActions();
listenToHeads();
bulk.listen();
imageMap.listen();
chooser.listen();
viewer.listen();
fillGalleries();
refresh();
if (location.hash === "#review") toReview();
