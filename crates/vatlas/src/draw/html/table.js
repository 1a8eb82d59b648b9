// The table of rows: only the lines in sight exist, so that tens of thousands of rows stay quick.

const table = (() => {
  const LINE = 26;
  const frame = element("table-frame");
  const body = element("table-body");
  const count = element("table-count");
  const columns = [
    ["address", (row) => row.firstText + " – " + row.lastText, (a, b) => a.index - b.index],
    ["size", (row) => bytesText(row.size), (a, b) => b.size - a.size],
    ["use", (row) => row.usage, (a, b) => a.usage.localeCompare(b.usage)],
    ["kind", (row) => `${data.kinds[row.kind].letter} ${data.kinds[row.kind].word}`, (a, b) => a.kind - b.kind],
    ["state", (row) => data.states[row.state], (a, b) => a.state - b.state],
    ["protection", (row) => row.protection, (a, b) => a.protection.localeCompare(b.protection)],
    ["captured", (row) => (row.captured === 0 ? "" : capturedText(row)), (a, b) => b.captured - a.captured],
  ];
  let shown = rows;
  let sort = { column: 0, reverse: false };

  const head = element("table-head");
  const heads = columns.map(([name], index) => {
    const cell = make("div", `cell ${name}`);
    cell.setAttribute("role", "columnheader");
    const button = make("button", "", name);
    button.type = "button";
    button.addEventListener("click", () => {
      sort = { column: index, reverse: sort.column === index && !sort.reverse };
      refresh();
    });
    cell.append(button);
    head.append(cell);
    return cell;
  });

  /** Applies filter and order anew. */
  function refresh() {
    const [, , compare] = columns[sort.column];
    const text = state.text.toLowerCase();
    shown = rows.filter((row) => isShown(row) && (text === "" || row.usage.toLowerCase().includes(text)));
    if (sort.column > 0) shown.sort(compare);
    if (sort.reverse) shown.reverse();
    heads.forEach((cell, index) => {
      const order = sort.reverse ? "descending" : "ascending";
      cell.setAttribute("aria-sort", index === sort.column ? order : "none");
    });
    const words = shown.length === 1 ? "row" : "rows";
    count.textContent = shown.length === rows.length ? `${rows.length} ${words}` : `${shown.length} of ${rows.length} rows`;
    frame.setAttribute("aria-rowcount", String(shown.length));
    draw();
  }

  function draw() {
    const first = Math.max(0, Math.floor(frame.scrollTop / LINE) - 4);
    const last = Math.min(shown.length, first + Math.ceil(frame.clientHeight / LINE) + 9);
    const lines = shown.slice(first, last).map((row, index) => lineOf(row, first + index));
    body.style.height = `${shown.length * LINE}px`;
    body.replaceChildren(...lines);
  }

  function lineOf(row, index) {
    const line = make("div", "line");
    line.style.top = `${index * LINE}px`;
    line.setAttribute("role", "row");
    line.setAttribute("aria-rowindex", String(index + 1));
    line.setAttribute("aria-selected", String(state.pinned === row));
    if (state.hovered === row) line.classList.add("hovered");
    for (const [name, text] of columns) {
      const value = text(row);
      const cell = make("div", `cell ${name}`, value);
      if (name === "kind") cell.prepend(chip(row.kind));
      cell.title = value;
      cell.setAttribute("role", "cell");
      line.append(cell);
    }
    line.addEventListener("pointerenter", () => hover(row, row.first, true));
    line.addEventListener("click", () => pin(row, row.first, true));
    return line;
  }

  function chip(kind) {
    const dot = make("span", "chip");
    dot.style.background = kind === KIND_FREE ? "transparent" : data.kinds[kind].colour;
    return dot;
  }

  /** Scrolls to a row, if the filter shows it. */
  function show(row) {
    const index = shown.indexOf(row);
    if (index < 0) return;
    const top = index * LINE;
    if (top < frame.scrollTop || top + LINE > frame.scrollTop + frame.clientHeight - LINE) {
      frame.scrollTop = Math.max(0, top - frame.clientHeight / 2);
    }
    draw();
  }

  function move(by) {
    const at = shown.indexOf(state.pinned);
    const next = shown[Math.min(shown.length - 1, Math.max(0, at + by))];
    if (next) pin(next, next.first, true);
  }

  frame.addEventListener("scroll", () => draw());
  frame.addEventListener("pointerleave", () => hover(undefined));
  frame.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -Infinity, End: Infinity };
    const by = steps[event.key];
    if (by === undefined || event.target !== frame) return;
    event.preventDefault();
    move(by);
  });

  return { refresh, draw, show };
})();
