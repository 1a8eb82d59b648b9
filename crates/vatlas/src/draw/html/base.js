// Ground of the page's script: the embedded data, elements, and the state that all parts share.
// Text from the file reaches the page through textContent only.

const element = (id) => document.getElementById(id);
const data = JSON.parse(element("data").textContent);

function make(tag, className = "", text) {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const state = {
  hovered: undefined,
  hoveredAt: undefined,
  pinned: undefined,
  pinnedAt: undefined,
  kinds: new Set(),
  text: "",
  theme: {},
  tiles: [],
  /** The tile of a row; faded when its kind is filtered out. */
  tile: (row, leftOut) => state.tiles[styleOf(row, leftOut) + (isShown(row) ? 0 : STYLES)],
};

function isShown(row) {
  return state.kinds.size === 0 || state.kinds.has(row.kind);
}
