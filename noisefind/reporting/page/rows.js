// The rows of the run, filtered and sorted.

const rows = data.rows;
const nRows = rows.file.length;
const WORTH_A_LOOK = 2; // in rows.flagged; 1 is a label issue
const pictured = new Set(Object.keys(data.pictures).map(Number));
const highIsHard = { label_score: false };
for (const score of data.scores) highIsHard[score.name] = score.highIsHard;
for (const name of ["probability", ...Object.keys(highIsHard)]) rows[name] = unpacked(rows[name]);
const DEFAULT_QUERY = {
  flagged: rows.flagged.includes(1) || data.pairs.length ? "1" : rows.flagged.includes(WORTH_A_LOOK) ? "look" : "",
  given: "", suggestion: "", split: "", reason: "", decision: "", text: "",
  sort: "label_score", reverse: false, sample: false,
  selection: null, // a set of rows, drawn on the map
};

/** Float32 numbers from the base64 of their upper three bytes; NaN is a missing value. */
function unpacked(text) {
  const bytes = atob(text);
  const bits = new Uint32Array(bytes.length / 3);
  for (let n = 0, at = 0; n < bits.length; n++, at += 3) {
    bits[n] = (bytes.charCodeAt(at) << 8) | (bytes.charCodeAt(at + 1) << 16) | (bytes.charCodeAt(at + 2) << 24);
  }
  return new Float32Array(bits.buffer);
}

/** Row numbers that the filters leave, in the order requested. */
function chosenRows(query, decisionOf) {
  if (query.sample) return data.sample.slice();
  const text = query.text.toLowerCase();
  const hasReason = data.reasonKinds.map((kinds) => query.reason === "" || kinds.includes(query.reason));
  const isClass = (column, wanted) => wanted === "" || column === Number(wanted);
  const chosen = [];
  for (let row = 0; row < nRows; row++) {
    if (query.selection && !query.selection.has(row)) continue;
    if (query.flagged === "look" ? rows.flagged[row] !== WORTH_A_LOOK : query.flagged !== "" && isFinding(row) !== (query.flagged === "1")) continue;
    if (!isClass(rows.given[row], query.given) || !isClass(rows.suggestion[row], query.suggestion)) continue;
    if (!isClass(rows.split[row], query.split) || !hasReason[rows.reasons[row]]) continue;
    if (text && !rows.file[row].toLowerCase().includes(text)) continue;
    if (query.decision !== "" && !isDecided(decisionOf(row), query.decision)) continue;
    chosen.push(row);
  }
  return sorted(chosen, query.sort, query.reverse);
}

function isDecided(decision, wanted) {
  if (wanted === "none") return decision === null;
  if (wanted === "any") return decision !== null;
  return decision !== null && decision.decision === wanted;
}

/** Hardest first; rows are in the order of label_score, and equal values stay in it. */
function sorted(chosen, by, reverse) {
  if (by === "file") {
    chosen.sort((a, b) => (rows.file[a] < rows.file[b] ? -1 : 1));
  } else if (by !== "label_score") {
    const sign = by === "probability" || highIsHard[by] ? -1 : 1;
    const values = rows[by].map((value) => (Number.isNaN(value) ? Infinity : sign * value));
    chosen.sort((a, b) => values[a] - values[b] || a - b);
  }
  return reverse ? chosen.reverse() : chosen;
}

/** The 95 % interval of a share by Wilson's score. */
function wilson(hits, n) {
  const z = 1.959964;
  const share = hits / n;
  const middle = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/**
 * Counts of the decisions on the random sample. Only its first rows without a gap are counted:
 * decisions made in another order, for example from the worst label on, would bias the share.
 */
function sampleState(decisionOf) {
  const firstOpen = data.sample.findIndex((row) => decisionOf(row) === null);
  const counted = firstOpen < 0 ? data.sample : data.sample.slice(0, firstOpen);
  const counts = { keep: 0, relabel: 0, drop: 0, unsure: 0 };
  for (const row of counted) counts[decisionOf(row).decision] += 1;
  const wrong = counts.relabel + counts.drop;
  return { counted: counted.length, wrong, right: counts.keep, unsure: counts.unsure };
}
