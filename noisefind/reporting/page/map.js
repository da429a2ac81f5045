// The map: a point per image on one canvas, hover and lasso on another above it.

const N_NAMED = 24; // classes with a line in the legend; more colours cannot be told apart
const HUES = ["#4269d0", "#e8a200", "#e4513c", "#3fb1a5", "#3a8f3f", "#e57fb0", "#8c6bd6", "#8a5a3c", "#5fb3e6", "#8b93a0"];
const N_SHADES = 32; // of a score
const CELL = 16; // px, of the grid in which the point under the mouse is searched
const REACH = 12; // px from the mouse to a point
const LEAST_DRAG = 5; // px; less is a click
const MARGIN = 14; // px, without points

/** Numbers of two bytes each from base64. */
function unpackedWhole(text) {
  const bytes = atob(text);
  const numbers = new Uint16Array(bytes.length / 2);
  for (let n = 0; n < numbers.length; n++) numbers[n] = bytes.charCodeAt(2 * n) | (bytes.charCodeAt(2 * n + 1) << 8);
  return numbers;
}

/** Rows sorted by the square cell that they are in: those of cell c are order[starts[c]..starts[c + 1]]. */
function gridOf(x, y, width, height) {
  const across = Math.max(1, Math.ceil(width / CELL));
  const down = Math.max(1, Math.ceil(height / CELL));
  const cell = new Uint32Array(x.length);
  const starts = new Uint32Array(across * down + 1);
  for (let row = 0; row < x.length; row++) {
    cell[row] = Math.min(down - 1, Math.floor(y[row] / CELL)) * across + Math.min(across - 1, Math.floor(x[row] / CELL));
    starts[cell[row] + 1] += 1;
  }
  for (let c = 0; c < across * down; c++) starts[c + 1] += starts[c];
  const next = starts.slice();
  const order = new Uint32Array(x.length);
  for (let row = 0; row < x.length; row++) order[next[cell[row]]++] = row;
  return { across, down, starts, order };
}

/** Whether a point is within a closed line [x, y, x, y, ...]: even-odd rule. */
function isWithin(line, x, y) {
  let within = false;
  for (let i = 0, j = line.length - 2; i < line.length; j = i, i += 2) {
    if (line[i + 1] > y !== line[j + 1] > y && x < ((line[j] - line[i]) * (y - line[i + 1])) / (line[j + 1] - line[i + 1]) + line[i]) within = !within;
  }
  return within;
}

const imageMap = {
  places: data.places && unpackedWhole(data.places),
  x: new Float32Array(data.places ? nRows : 0), // px on the canvas
  y: new Float32Array(data.places ? nRows : 0),
  grid: null,
  isChosen: new Uint8Array(nRows),
  hovered: null,
  line: null, // of the lasso
  waits: null, // for the next frame: "all" or "over"

  /** Draw in the next frame; many changes before it are drawn once. */
  request(what) {
    if (!this.places) return;
    if (this.waits === null) {
      requestAnimationFrame(() => {
        const all = this.waits === "all";
        this.waits = null;
        if (all) this.drawPoints();
        this.drawOver();
      });
    }
    if (this.waits !== "all") this.waits = what;
  },

  /** The images of the review become large. */
  showChosen() {
    if (!this.places) return;
    this.isChosen.fill(0);
    for (const row of view.chosen) this.isChosen[row] = 1;
    const selected = view.query.selection;
    byId("map-review").hidden = byId("map-clear").hidden = selected === null;
    byId("map-text").textContent = selected ? `${plural(selected.size, "image", "images")} selected` : "";
    this.request("all");
  },

  resize() {
    const { clientWidth: width, clientHeight: height } = byId("map-frame");
    const dense = window.devicePixelRatio || 1;
    for (const id of ["map-points", "map-over"]) {
      byId(id).width = Math.round(width * dense);
      byId(id).height = Math.round(height * dense);
      byId(id).getContext("2d").setTransform(dense, 0, 0, dense, 0, 0);
    }
    const side = Math.max(1, Math.min(width, height) - 2 * MARGIN);
    for (let row = 0; row < nRows; row++) {
      this.x[row] = (width - side) / 2 + (side * this.places[2 * row]) / 65535;
      this.y[row] = (height - side) / 2 + (side * (65535 - this.places[2 * row + 1])) / 65535;
    }
    this.grid = gridOf(this.x, this.y, width, height);
    this.request("all");
  },

  /** The colour of each row by number, and the colours. */
  colours() {
    const by = byId("map-colour").value;
    if (by === "given" || by === "suggestion") return { of: rows[by], list: data.classes.map((_, n) => HUES[n % HUES.length]) };
    const values = rows[by];
    const finite = values.filter(Number.isFinite).sort();
    const sign = by === "probability" || highIsHard[by] ? 1 : -1;
    // by rank: a few large values would leave one colour for all others
    const bounds = Array.from({ length: N_SHADES - 1 }, (_, n) => finite[Math.floor(((n + 1) * finite.length) / N_SHADES)]);
    const of = Array.from(values, (value) => {
      let shade = 0;
      while (shade < bounds.length && value >= bounds[shade]) shade += 1;
      return sign > 0 ? shade : N_SHADES - 1 - shade;
    });
    return { of, list: Array.from({ length: N_SHADES }, (_, n) => `hsl(${Math.round(225 - (200 * n) / (N_SHADES - 1))} 75% 55%)`) };
  },

  drawPoints() {
    const canvas = byId("map-points");
    const pen = canvas.getContext("2d");
    const { of, list } = this.colours();
    const large = nRows > 20000 ? 2.5 : nRows > 3000 ? 3.5 : 5;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    for (const chosen of [0, 1]) {
      pen.globalAlpha = chosen ? 1 : 0.4;
      const sprites = list.map((colour) => this.sprite(colour, chosen ? large : large * 0.6, chosen === 1 && nRows <= 20000));
      const size = sprites.length ? sprites[0].width / sprites[0].dense : 0;
      for (let row = 0; row < nRows; row++) {
        if (this.isChosen[row] === chosen) pen.drawImage(sprites[of[row]], this.x[row] - size / 2, this.y[row] - size / 2, size, size);
      }
    }
  },

  /** A disc, drawn once and copied for every point. */
  sprite(colour, radius, hasRim) {
    const dense = window.devicePixelRatio || 1;
    const disc = document.createElement("canvas");
    disc.dense = dense;
    disc.width = disc.height = Math.ceil(2 * (radius + 1) * dense);
    const pen = disc.getContext("2d");
    pen.arc(disc.width / 2, disc.width / 2, radius * dense, 0, 2 * Math.PI);
    pen.fillStyle = colour;
    pen.fill();
    if (hasRim) {
      pen.strokeStyle = getComputedStyle(document.body).getPropertyValue("--ink");
      pen.lineWidth = dense;
      pen.stroke();
    }
    return disc;
  },

  drawOver() {
    const canvas = byId("map-over");
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.strokeStyle = getComputedStyle(document.body).getPropertyValue("--accent");
    pen.lineWidth = 2;
    pen.beginPath();
    if (this.line) {
      for (let n = 0; n < this.line.length; n += 2) pen.lineTo(this.line[n], this.line[n + 1]);
      pen.closePath();
    } else if (this.hovered !== null) {
      pen.arc(this.x[this.hovered], this.y[this.hovered], 8, 0, 2 * Math.PI);
    }
    pen.stroke();
  },

  /** The nearest point to the mouse, of those that the review shows if there is one; or null. */
  at(x, y) {
    const { across, down, starts, order } = this.grid;
    const [column, line] = [Math.floor(x / CELL), Math.floor(y / CELL)];
    let best = null;
    let least = REACH * REACH;
    for (let down1 = Math.max(0, line - 1); down1 <= Math.min(down - 1, line + 1); down1++) {
      for (let across1 = Math.max(0, column - 1); across1 <= Math.min(across - 1, column + 1); across1++) {
        const c = down1 * across + across1;
        for (let n = starts[c]; n < starts[c + 1]; n++) {
          const row = order[n];
          const far = (this.x[row] - x) ** 2 + (this.y[row] - y) ** 2 + (this.isChosen[row] ? 0 : 9);
          if (far < least) [best, least] = [row, far];
        }
      }
    }
    return best;
  },

  hover(row) {
    if (row === this.hovered) return;
    this.hovered = row;
    const box = byId("map-hover");
    box.hidden = row === null;
    if (row !== null) {
      const uri = data.pictures[row] || data.small[row];
      box.replaceChildren(
        uri ? picture(uri, "") : make("p", { class: "muted" }, "no picture in this page"),
        make("p", {}, ...viewer.labels(row)),
        nameOf(rows.file[row], "file"),
      );
      const frame = byId("map-frame");
      const left = this.x[row] > frame.clientWidth / 2 ? this.x[row] - box.offsetWidth - 14 : this.x[row] + 14;
      box.style.left = `${Math.max(0, left)}px`;
      box.style.top = `${Math.max(0, Math.min(this.y[row] - 40, frame.clientHeight - 230))}px`;
    }
    this.request("over");
  },

  /** The rows within the lasso become the selection; all other filters are taken away. */
  select(line) {
    const selection = new Set();
    for (let row = 0; row < nRows; row++) if (isWithin(line, this.x[row], this.y[row])) selection.add(row);
    if (selection.size) setQuery({ ...DEFAULT_QUERY, flagged: "", selection });
  },

  listenToMouse() {
    const over = byId("map-over");
    over.addEventListener("pointerdown", (event) => {
      if (event.button || event.pointerType === "touch") return; // a finger scrolls the page
      over.setPointerCapture(event.pointerId);
      this.line = [event.offsetX, event.offsetY];
      this.hover(null);
    });
    over.addEventListener("pointermove", (event) => {
      if (!this.line) this.hover(this.at(event.offsetX, event.offsetY));
      else {
        this.line.push(event.offsetX, event.offsetY);
        this.request("over");
      }
    });
    over.addEventListener("pointerup", (event) => {
      if (!this.line) return;
      const line = this.line;
      this.line = null;
      const far = line.some((at, n) => Math.abs(at - line[n % 2]) > LEAST_DRAG);
      if (far) this.select(line);
      else {
        const row = this.at(event.offsetX, event.offsetY);
        if (row !== null) viewer.open(row);
      }
      this.request("over");
    });
    over.addEventListener("pointerleave", () => this.hover(null));
    over.addEventListener("pointercancel", () => {
      this.line = null;
      this.request("over");
    });
  },

  drawLegend() {
    const by = byId("map-colour").value;
    const { list } = this.colours();
    const swatch = (colour, name) => {
      const mark = make("span", { class: name });
      mark.style.background = colour;
      return mark;
    };
    const isClass = by === "given" || by === "suggestion";
    const named = isClass ? list.slice(0, N_NAMED).map((colour, n) => make("li", {}, swatch(colour, "swatch"), nameOf(data.classes[n]))) : [make("li", {}, "easy", swatch(`linear-gradient(to right, ${list.join()})`, "swatch-line"), "hard")];
    if (isClass && list.length > N_NAMED) named.push(make("li", { class: "muted" }, `and ${count(list.length - N_NAMED)} more classes`));
    byId("map-legend").replaceChildren(...named);
  },

  listen() {
    if (!this.places) return;
    fill(byId("map-colour"), ["label_score", "probability", ...data.scores.map((score) => score.name)], (name) => ({ probability: "probability of the suggestion" })[name] || name);
    byId("map-colour").addEventListener("input", () => {
      this.drawLegend();
      this.request("all");
    });
    byId("map-review").addEventListener("click", toReview);
    byId("map-clear").addEventListener("click", () => setQuery({ ...DEFAULT_QUERY }));
    this.listenToMouse();
    this.drawLegend();
    new ResizeObserver(() => this.resize()).observe(byId("map-frame"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.request("all"));
  },
};
