// One decision on all images that the filters and the selection leave, after a dialog that counts them.

const bulk = {
  rows: [],

  open() {
    this.rows = view.chosen.slice();
    const number = plural(this.rows.length, "image", "images");
    const decided = this.rows.filter((row) => decisions.get(row) !== null).length;
    const unseen = this.rows.filter((row) => !pictured.has(row)).length;
    byId("bulk-title").textContent = `Decide on ${number}`;
    byId("bulk-note").textContent = [
      "These are all images that the filters and the selection leave, on all pages.",
      decided ? `${plural(decided, "of them has a decision, which is", "of them have a decision, which is")} replaced.` : "",
      unseen ? `${plural(unseen, "of them has", "of them have")} no picture in this page.` : "",
      "Undo takes all back at once.",
    ].join(" ");
    byId("bulk-do").textContent = `Decide on ${number}`;
    const wanted = this.commonest();
    byId("bulk-class").replaceChildren();
    fill(byId("bulk-class"), data.classes.map((_, number) => number), (number) => visible(data.classes[number]));
    byId("bulk-class").value = wanted;
    byId("bulk").showModal();
  },

  /** The class that is suggested most often. */
  commonest() {
    const counts = new Uint32Array(data.classes.length);
    for (const row of this.rows) counts[rows.suggestion[row]] += 1;
    return counts.indexOf(counts.reduce((most, one) => Math.max(most, one), 0));
  },

  /** An image that has the class already is kept. */
  decisionOn(row, kind, label) {
    if (kind === "clear") return null;
    if (kind !== "relabel") return { decision: kind, label: null };
    return rows.given[row] === label ? { decision: "keep", label: null } : { decision: kind, label };
  },

  carryOut() {
    const kind = document.querySelector("input[name=bulk]:checked").value;
    const label = Number(byId("bulk-class").value);
    decisions.setAll(this.rows.map((row) => [row, this.decisionOn(row, kind, label)]));
    byId("bulk").close();
    draw();
    announce(`${kind === "clear" ? "Not decided" : decisionText({ decision: kind, label })}: ${plural(this.rows.length, "image", "images")}`);
  },

  listen() {
    byId("bulk-open").addEventListener("click", () => this.open());
    byId("bulk-class").addEventListener("input", () => {
      document.querySelector("input[name=bulk][value=relabel]").checked = true;
    });
    byId("bulk-do").addEventListener("click", () => this.carryOut());
  },
};
