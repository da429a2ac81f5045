// Pictures outside the cards, and the dialog that enlarges a picture.

/** The name of an image; those of other splits are numbered after the rows. */
const fileOf = (number) => (number < nRows ? rows.file[number] : data.others[number - nRows]);

/** A picture that a click enlarges; a plain one, or none, where only that is kept. */
function enlargeable(number, className) {
  if (!data.pictures[number]) return picture(data.small[number], className);
  return make(
    "button",
    { type: "button", class: "enlarge", "data-picture": number, tabindex: "-1", "aria-label": `Enlarge ${visible(fileOf(number))}` },
    picture(data.pictures[number], className),
  );
}

/** The template names the pictures of the galleries by number: each is in the page once. */
function fillGalleries() {
  for (const button of document.querySelectorAll("button[data-picture]:empty")) button.append(picture(data.pictures[button.dataset.picture], "shot"));
}

const viewer = {
  number: null,

  open(number) {
    if (!data.pictures[number]) return;
    this.number = number;
    this.show(data.larger[number] || data.pictures[number]);
    if (!data.larger[number]) this.tryFile(number);
    byId("viewer-file").textContent = visible(fileOf(number));
    byId("viewer-labels").replaceChildren(...(number < nRows ? this.labels(number) : []));
    byId("viewer").showModal();
  },

  labels(row) {
    const given = [make("span", { class: "muted" }, "given "), nameOf(data.classes[rows.given[row]], "label")];
    if (agrees(row)) return given;
    return [...given, make("span", { class: "muted" }, " → predicted "), nameOf(data.classes[rows.suggestion[row]], "label suggested")];
  },

  show(uri) {
    const image = picture(uri, "viewer-picture");
    byId("viewer-frame").replaceChildren(image);
    return image;
  },

  /** The image file itself, if this browser finds it beside the page and it has more pixels. */
  tryFile(number) {
    if (data.folder === null || location.protocol !== "file:") return;
    const file = new Image();
    file.addEventListener("load", () => {
      const shown = byId("viewer-frame").firstElementChild;
      if (this.number === number && file.naturalWidth > shown.naturalWidth) this.show(file.src);
    });
    file.src = data.folder + fileOf(number).split("/").map(encodeURIComponent).join("/");
  },

  listen() {
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-picture]");
      if (button) this.open(Number(button.dataset.picture));
    });
    byId("viewer").addEventListener("click", (event) => {
      if (event.target === byId("viewer") || event.target.closest("#viewer-frame")) byId("viewer").close();
    });
  },
};
