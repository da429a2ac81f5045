// The dialog in which a class is chosen by typing a part of its name.

const MAX_SHOWN = 50;
const NEW = -1; // among class numbers: what was typed, as a class of its own

const chooser = {
  row: null,
  found: [], // numbers of classes
  typed: "",
  at: 0,
  taken: false,
  goesOn: false, // to the next image, once a class is chosen

  open(row, goesOn) {
    this.row = row;
    this.goesOn = goesOn;
    this.taken = false;
    byId("choose-input").value = "";
    this.find();
    byId("choose").showModal();
    byId("choose-input").focus();
  },

  /** Names that begin with the text, then those that hold it, then the text itself if it is new. */
  find() {
    this.typed = byId("choose-input").value.trim();
    const text = this.typed.toLowerCase();
    const numbers = data.classes.map((_, number) => number).filter((number) => number !== rows.given[this.row]);
    const begins = (number) => data.classes[number].toLowerCase().startsWith(text);
    const holds = (number) => data.classes[number].toLowerCase().includes(text);
    this.found = [...numbers.filter(begins), ...numbers.filter((n) => !begins(n) && holds(n))];
    if (text && !data.classes.some((name) => name.toLowerCase() === text)) this.found.push(NEW);
    this.at = text ? 0 : Math.max(0, this.found.indexOf(rows.suggestion[this.row]));
    this.draw();
  },

  draw() {
    const shown = this.found.slice(0, Math.max(MAX_SHOWN, this.at + 1));
    byId("choose-list").replaceChildren(
      ...shown.map((number, place) =>
        make("li", { role: "option", id: `choose-${place}`, "aria-selected": String(place === this.at), "data-place": place }, number === NEW ? "new class " : "", nameOf(number === NEW ? this.typed : data.classes[number])),
      ),
    );
    const rest = this.found.length - shown.length;
    byId("choose-note").textContent = !shown.length ? "No other class is called so." : rest ? `and ${plural(rest, "more", "more")}` : "";
    if (shown.length) byId("choose-input").setAttribute("aria-activedescendant", `choose-${this.at}`);
    else byId("choose-input").removeAttribute("aria-activedescendant");
    const active = byId(`choose-${this.at}`);
    if (active) active.scrollIntoView({ block: "nearest" });
  },

  move(step) {
    if (!this.found.length) return;
    this.at = (this.at + step + this.found.length) % this.found.length;
    this.draw();
  },

  take(place) {
    if (!(place in this.found)) return;
    this.taken = true;
    byId("choose").close();
    const number = this.found[place];
    decide(this.row, { decision: "relabel", label: number === NEW ? classNumber(this.typed) : number });
    focusOn(this.row);
    if (this.goesOn) go(1);
  },

  listen() {
    byId("choose-input").addEventListener("input", () => this.find());
    byId("choose-input").addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) this.move(step);
      else if (event.key === "Enter") this.take(this.at);
      else return;
      event.preventDefault();
    });
    byId("choose-list").addEventListener("click", (event) => {
      const option = event.target.closest("[data-place]");
      if (option) this.take(Number(option.dataset.place));
    });
    byId("choose-cancel").addEventListener("click", () => byId("choose").close());
    // this event comes late: the dialog may be open for the next image already
    byId("choose").addEventListener("close", () => {
      if (!this.taken) focusOn(this.row);
    });
  },
};
