// Decisions: kept in the browser under the run's id, undone, written as CSV.

const STORE = `noisefind:${data.runId}`;
const MAX_UNDO = 1000;
const rowOf = new Map(rows.file.map((name, row) => [name, row]));

/** The number of a class; one that a reviewer made up gets the next. */
function classNumber(name) {
  const number = data.classes.indexOf(name);
  return number < 0 ? data.classes.push(name) - 1 : number;
}

const decisions = {
  of: new Map(), // row -> {decision, label}
  undone: [], // lists of [row, what was decided before], the last one at the end
  canKeep: true,

  get(row) {
    return this.of.get(row) || null;
  },

  set(row, decision) {
    this.setAll([[row, decision]]);
  },

  /** Pairs of a row and its decision, which are undone together. */
  setAll(changes) {
    this.undone.push(changes.map(([row]) => [row, this.get(row)]));
    if (this.undone.length > MAX_UNDO) this.undone.shift();
    for (const [row, decision] of changes) this.put(row, decision);
    this.keep();
  },

  /** The rows whose last decision is taken back; none is an empty list. */
  undo() {
    if (!this.undone.length) return [];
    const changes = this.undone.pop();
    for (const [row, before] of changes) this.put(row, before);
    this.keep();
    return changes.map(([row]) => row);
  },

  put(row, decision) {
    if (decision === null) this.of.delete(row);
    else this.of.set(row, decision);
  },

  forget() {
    this.of.clear();
    this.undone = [];
    this.keep();
  },

  /** Into the browser's storage, by names: a new report of the same run finds them. */
  keep() {
    const kept = [...this.of].map(([row, { decision, label }]) => [rows.file[row], decision, label === null ? null : data.classes[label]]);
    try {
      if (kept.length) localStorage.setItem(STORE, JSON.stringify(kept));
      else localStorage.removeItem(STORE);
      this.canKeep = true;
    } catch {
      this.canKeep = false; // storage is full or forbidden
    }
  },

  load() {
    this.of.clear();
    try {
      for (const [name, decision, label] of JSON.parse(localStorage.getItem(STORE) || "[]")) {
        if (rowOf.has(name)) this.of.set(rowOf.get(name), { decision, label: label === null ? null : classNumber(label) });
      }
    } catch {
      this.canKeep = false;
    }
  },
};

/** RFC 4180: quoted where needed, quotes doubled; every name comes back as it was. */
const cell = (text) => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** decisions.csv, sorted by file name; the label is the class that a review gives or confirms. */
function decisionsCsv() {
  const lines = [...decisions.of].map(([row, { decision, label }]) => {
    const name = decision === "relabel" ? data.classes[label] : "";
    return [rows.file[row], decision, name, data.runId];
  });
  lines.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return ["file_name,decision,label,run_id", ...lines.map((line) => line.map(cell).join(","))].join("\n") + "\n";
}

function download() {
  const link = make("a", {
    href: URL.createObjectURL(new Blob([decisionsCsv()], { type: "text/csv" })),
    download: "decisions.csv",
  });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
