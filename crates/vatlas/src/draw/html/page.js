// The page: what is hovered, pinned and filtered; search; theme.

function setTheme() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  state.theme = { board: value("board"), paper: value("paper"), ink: value("ink"), accent: value("accent") };
  state.tiles = makeTiles(state.theme);
}

function drawAll() {
  square.measure();
  square.draw();
  bands.draw();
  panel.drawLegend();
  panel.drawFacts();
  table.refresh();
}

let frameAsked = false;

/** After a change of what is hovered or pinned: the pictures stay, their marks move. */
function drawMarks() {
  if (frameAsked) return;
  frameAsked = true;
  requestAnimationFrame(() => {
    frameAsked = false;
    square.drawOverlay();
    bands.draw();
    panel.drawFacts();
    table.draw();
  });
}

function hover(row, va, keepTable) {
  if (state.hovered === row && state.hoveredAt === va) return;
  const sameRow = state.hovered === row;
  state.hovered = row;
  state.hoveredAt = va;
  if (sameRow) panel.drawFacts();
  // Rebuilding the lines under the pointer would take them away from it.
  else if (keepTable) {
    square.drawOverlay();
    bands.draw();
    panel.drawFacts();
  } else drawMarks();
}

/** Pins a row, or lets it go when it is pinned already. */
function pin(row, va, move) {
  state.pinned = state.pinned === row && !move ? undefined : row;
  state.pinnedAt = state.pinned && va;
  if (move) {
    state.hovered = state.hoveredAt = undefined;
    hideTip();
    if (row) square.show(row);
  }
  if (row) table.show(row);
  drawMarks();
}

function toggleKind(kind) {
  if (!state.kinds.delete(kind)) state.kinds.add(kind);
  drawAll();
}

function clearKinds() {
  state.kinds.clear();
  drawAll();
}

function showTip(x, y, va) {
  const tip = element("tip");
  const row = rowAt(va);
  tip.replaceChildren(make("b", "", row ? row.usage : "not known"), make("span", "mono", addressText(va)));
  if (row) tip.append(make("span", "", `${data.states[row.state]}, ${bytesText(row.size)}`));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const [right, bottom] = [document.documentElement.clientWidth, window.innerHeight];
  tip.style.left = `${Math.max(4, x + 16 + box.width > right ? x - box.width - 12 : x + 16)}px`;
  tip.style.top = `${Math.max(4, y + 18 + box.height > bottom ? y - box.height - 12 : y + 18)}px`;
}

function hideTip() {
  element("tip").hidden = true;
}

/** An address in the ways people write it: 0x7ffe0000, 7ffe0000, 00007ff6`a1b20000. */
function parseAddress(text) {
  const digits = text.trim().replace(/^0x/i, "").replace(/h$/i, "").replace(/[`_' ]/g, "");
  return /^[0-9a-f]{1,16}$/i.test(digits) ? BigInt("0x" + digits) : undefined;
}

function search(text) {
  const result = element("search-result");
  const explicit = /^0x/i.test(text.trim());
  const named = (row) => row.usage.toLowerCase().includes(text.trim().toLowerCase());
  const va = parseAddress(text);
  const byAddress = va === undefined ? undefined : rowAt(va);
  const byName = explicit || text.trim() === "" ? undefined : rows.find(named);
  const row = byAddress ?? byName;
  if (text.trim() === "") result.textContent = "";
  else if (!row) result.textContent = va === undefined ? "no use of this name" : "outside the map";
  else {
    result.textContent = row === byAddress ? row.usage : `first of its name: ${row.firstText}`;
    pin(row, row === byAddress ? va : row.first, true);
  }
}

element("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search(element("search-text").value);
});
element("filter-text").addEventListener("input", (event) => {
  state.text = event.target.value.trim();
  table.refresh();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && state.pinned) {
    state.pinned = state.pinnedAt = undefined;
    drawMarks();
  }
  if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    element("search-text").focus();
  }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  setTheme();
  drawAll();
});
window.addEventListener("resize", () => drawAll());

setTheme();
drawAll();
