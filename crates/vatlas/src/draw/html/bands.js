// The two bands above the square: the whole range at a true scale, and what is in use.

const bands = (() => {
  const height = 34;
  const all = [
    { canvas: element("band-whole"), scale: wholeScale },
    { canvas: element("band-used"), scale: usedScale },
  ];

  function draw() {
    for (const band of all) {
      if (band.canvas.closest("[hidden]")) continue;
      const width = Math.floor(band.canvas.parentElement.clientWidth);
      const image = imageFor(band.canvas, width, height);
      paintBand(image, band.scale, state.tile, state.theme);
      image.show();
      letters(band, width);
      mark(band, width, state.hovered, state.theme.ink, 2);
      mark(band, width, state.pinned, state.theme.accent, 3);
    }
  }

  /** The kind's letter on every stretch that is wide enough: colour does not stand alone. */
  function letters({ canvas, scale }, width) {
    const context = canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    context.save();
    context.scale(ratio, ratio);
    context.font = "bold 12px ui-monospace, Consolas, 'DejaVu Sans Mono', monospace";
    context.textAlign = "center";
    context.lineWidth = 3;
    context.lineJoin = "round";
    for (let segment = 0; segment < scale.starts.length; segment++) {
      const left = (scale.starts[segment] / scale.cells) * width;
      const right = (scale.end(segment) / scale.cells) * width;
      const row = rows[scale.rowOf[segment]];
      if (right - left < 16 || !row || !isUsed(row) || !isShown(row) || scale.leftOut[segment]) continue;
      context.strokeStyle = state.theme.paper;
      context.fillStyle = state.theme.ink;
      context.strokeText(data.kinds[row.kind].letter, (left + right) / 2, 18);
      context.fillText(data.kinds[row.kind].letter, (left + right) / 2, 18);
    }
    context.restore();
  }

  /** A frame around a row's part of a band, three pixels wide at least. */
  function mark({ canvas, scale }, width, row, colour, line) {
    const from = row && scale.position(row.first);
    if (from === undefined) return;
    let last = scale.segmentAt(from);
    while (last + 1 < scale.rowOf.length && scale.rowOf[last + 1] === row.index) last++;
    const left = (from / scale.cells) * width;
    const right = Math.max(left + 3, (scale.end(last) / scale.cells) * width);
    const context = canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    context.save();
    context.scale(ratio, ratio);
    for (const [grow, style] of [[line + 2, state.theme.paper], [line, colour]]) {
      context.strokeStyle = style;
      context.lineWidth = grow;
      context.strokeRect(left, line / 2, right - left, height - line);
    }
    context.restore();
  }

  for (const { canvas, scale } of all) {
    const addressAt = (event) => {
      const box = canvas.getBoundingClientRect();
      const share = Math.min(1 - 1e-12, Math.max(0, (event.clientX - box.left) / box.width));
      const width = box.width * (window.devicePixelRatio || 1);
      const [from, to] = [Math.floor(share * width) / width, (Math.floor(share * width) + 1) / width];
      const low = scale.segmentAt(from * scale.cells);
      const high = lastBefore(scale, to * scale.cells, low, scale.starts.length - 1);
      const row = rows[scale.rowOf[scale.dominating(low, high, from * scale.cells, to * scale.cells)]];
      const va = scale.address(share * scale.cells);
      // The column shows one row; speak of that one even where the exact address belongs to a neighbour.
      return row && (va < row.first || va > row.last) ? row.first : va;
    };
    canvas.addEventListener("pointermove", (event) => {
      const va = addressAt(event);
      hover(rowAt(va), va);
      showTip(event.clientX, event.clientY, va);
    });
    canvas.addEventListener("pointerleave", () => {
      hideTip();
      hover(undefined);
    });
    canvas.addEventListener("click", (event) => {
      const va = addressAt(event);
      pin(rowAt(va), va, true);
    });
  }

  return { draw };
})();
