// Beside the square: legend (which is the filter) and the facts about one row.

const panel = (() => {
  const legend = element("legend");
  const facts = element("facts");
  const clear = element("filter-clear");
  const totals = data.kinds.map(() => ({ bytes: 0, rows: 0 }));
  const [lowest, highest] = data.range.map(BigInt);
  for (const row of rows) {
    const first = row.first > lowest ? row.first : lowest;
    const last = row.last < highest ? row.last : highest;
    totals[row.kind].bytes += last >= first ? Number(last - first + 1n) : 0;
    totals[row.kind].rows += 1;
  }

  const buttons = data.kinds.map((kind, index) => {
    const button = make("button", "kind");
    button.type = "button";
    button.append(swatch(index), make("b", "letter", kind.letter), make("span", "word", kind.word));
    button.append(make("span", "number", bytesText(totals[index].bytes)));
    button.title = `${totals[index].rows} rows; show ${kind.word} only, or not only`;
    button.addEventListener("click", () => toggleKind(index));
    button.hidden = totals[index].rows === 0;
    legend.append(button);
    return button;
  });
  clear.addEventListener("click", () => clearKinds());

  function swatch(kind) {
    const canvas = make("canvas", "swatch");
    canvas.dataset.style = kind * 4 + (kind === KIND_FREE ? STATE.free : kind === KIND_UNKNOWN ? STATE.unknown : STATE.committed);
    return canvas;
  }

  /** Swatches are painted with the same tiles as the pictures. */
  function paintSwatches() {
    for (const canvas of document.querySelectorAll("canvas.swatch")) {
      const image = imageFor(canvas, 22, 14);
      fill(image, state.tiles[Number(canvas.dataset.style)], 0, 0, image.width, image.height);
      image.show();
    }
  }

  function drawLegend() {
    buttons.forEach((button, kind) => button.setAttribute("aria-pressed", String(state.kinds.has(kind))));
    clear.hidden = state.kinds.size === 0;
    paintSwatches();
  }

  function drawFacts() {
    const row = state.hovered ?? state.pinned;
    const va = state.hovered ? state.hoveredAt : state.pinnedAt;
    facts.replaceChildren();
    element("facts-title").textContent = state.hovered || !state.pinned ? "Under the pointer" : "Pinned";
    if (!row) {
      const words = va === undefined ? "Point at a picture, or press Tab and use the arrow keys." : "No row of the map: not known.";
      facts.append(make("p", "quiet", words));
      return;
    }
    const list = make("dl");
    const fact = (name, value, className) => {
      if (value !== "") list.append(make("dt", "", name), make("dd", className ?? "", value));
    };
    fact("use", row.usage, "strong");
    fact("range", `${row.firstText} – ${row.lastText}`, "mono");
    fact("size", bytesText(row.size));
    fact("state", data.states[row.state] + (row.guard ? ", guard page" : ""));
    fact("type", row.type);
    fact("protection", row.protection.replaceAll("|", " | "), "mono");
    fact("allocation", row.base ?? "", "mono");
    fact("kind", `${data.kinds[row.kind].word} (${data.kinds[row.kind].letter})`);
    if (row.state === STATE.committed || row.captured > 0) fact("captured", capturedText(row));
    if (va !== undefined) fact("address", `${addressText(va)} = start + 0x${(va - row.first).toString(16)}`, "mono");
    facts.append(list);
  }

  return { drawLegend, drawFacts };
})();

function capturedText(row) {
  if (row.captured === 0) return "nothing";
  if (row.captured >= row.size) return "all";
  return `${bytesText(row.captured)}, ${Math.max(0.1, Math.round((row.captured / row.size) * 1000) / 10)} %`;
}
