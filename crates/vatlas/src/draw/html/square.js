// The Hilbert square: view, zoom, pan, pointer and keyboard, outlines and address labels.

const square = (() => {
  const canvas = element("square");
  const overlay = element("overlay");
  const status = element("status");
  const order = Math.round(Math.log2(squareScale.cells) / 2);
  const pagesPerCell = Math.max(1, squareScale.bytesPerCell() / 4096);
  const smallest = Math.min(1, 8 / 2 ** (order + Math.ceil(Math.log2(pagesPerCell) / 2)));
  const view = { x: 0, y: 0, size: 1 };
  const cursor = { x: 0.5, y: 0.25 };
  const pointers = new Map();
  let side = 512;
  let moved = 0;
  let pinch = null;

  function clampView() {
    view.size = Math.min(1, Math.max(smallest, view.size));
    view.x = Math.min(1 - view.size, Math.max(0, view.x));
    view.y = Math.min(1 - view.size, Math.max(0, view.y));
  }

  /** As large as the page has room for; exactly one or two pixels a page where that fits. */
  function measure() {
    const ratio = window.devicePixelRatio || 1;
    const atlas = element("atlas").clientWidth;
    const beside = window.innerWidth > 900 ? 328 : 0;
    const room = Math.max(240, Math.min(atlas - beside, Math.max(420, window.innerHeight - 150)));
    let pixels = Math.floor(room * ratio);
    for (const exact of [512, 1024, 2048]) {
      if (pixels >= exact && pixels < exact * 1.12) pixels = exact;
    }
    side = Math.min(pixels, 2048) / ratio;
  }

  function draw() {
    clampView();
    const image = imageFor(canvas, side, side);
    paintSquare(image, view, state.tile);
    image.show();
    drawOverlay();
    status.textContent = statusText();
  }

  function statusText() {
    const level = Math.log2(1 / view.size);
    const perPixel = (view.size * 2 ** order * Math.sqrt(squareScale.bytesPerCell())) / (side * (window.devicePixelRatio || 1));
    const page = Math.round(640 / perPixel) / 10;
    const detail = page > 1 ? `a page of 4 KB is ${page} pixels wide` : `a pixel is ${bytesText(perPixel ** 2)}`;
    if (Number.isInteger(level) && level <= 20 && isWhole(view.x / view.size) && isWhole(view.y / view.size)) {
      const length = squareScale.cells / 4 ** level;
      const first = stepOf(level, Math.round(view.x / view.size), Math.round(view.y / view.size)) * length;
      const [low, high] = [squareScale.address(first), squareScale.address(first + length)];
      const last = first + length >= squareScale.cells ? high : high - 1n;
      return `${addressText(low)} – ${addressText(last)}; ${detail}`;
    }
    return `${Math.round((1 / view.size) * 10) / 10} × enlarged; ${detail}`;
  }

  function isWhole(value) {
    return Math.abs(value - Math.round(value)) < 1e-9;
  }

  function drawOverlay() {
    const ratio = window.devicePixelRatio || 1;
    overlay.width = Math.round(side * ratio);
    overlay.height = overlay.width;
    overlay.style.width = overlay.style.height = `${side}px`;
    const context = overlay.getContext("2d");
    context.scale(ratio, ratio);
    // Outlines first: they clear the inside of a region, labels must survive.
    outline(context, state.hovered, 2, state.theme.ink);
    outline(context, state.pinned, 3, state.theme.accent);
    grid(context);
    if (document.activeElement === overlay) crosshair(context);
  }

  /** Quadrants of a row, grown by the line's width; then their insides are cleared again: the rim remains. */
  function outline(context, row, width, colour) {
    if (!row) return;
    const quadrants = [];
    const zoom = side / view.size;
    for (const [from, to] of stretches(row)) {
      visitQuadrants(squareScale.cells, from, to, (x, y, edge) => {
        const [left, top, length] = [(x - view.x) * zoom, (y - view.y) * zoom, Math.max(1, edge * zoom)];
        if (left < side && top < side && left + length > 0 && top + length > 0) quadrants.push([left, top, length]);
      });
    }
    for (const [grow, style] of [[width + 1, state.theme.paper], [width, colour]]) {
      context.fillStyle = style;
      for (const [x, y, length] of quadrants) context.fillRect(x - grow, y - grow, length + 2 * grow, length + 2 * grow);
    }
    for (const [x, y, length] of quadrants) context.clearRect(x, y, length, length);
  }

  /** Where a row lies on the curve. */
  function stretches(row) {
    const from = squareScale.position(row.first);
    if (from === undefined) return [];
    const segment = squareScale.segmentAt(from);
    let last = segment;
    while (last + 1 < squareScale.rowOf.length && squareScale.rowOf[last + 1] === row.index) last++;
    return [[from, squareScale.end(last)]];
  }

  /** Lines and first addresses of quadrants of a size that can hold a label. */
  function grid(context) {
    const labelWidth = data.digits > 8 ? 148 : 100;
    const level = Math.max(1, Math.floor(Math.log2(side / view.size / (labelWidth * 1.6))));
    const cell = 2 ** -level;
    const zoom = side / view.size;
    const [left, top] = [Math.floor(view.x / cell), Math.floor(view.y / cell)];
    const [right, bottom] = [Math.ceil((view.x + view.size) / cell), Math.ceil((view.y + view.size) / cell)];
    lines(context, level, 0.35);
    if ((zoom * 2 ** -order) >= 12) lines(context, order, 0.12);
    context.font = "11px ui-monospace, Consolas, 'DejaVu Sans Mono', monospace";
    context.textBaseline = "top";
    context.lineJoin = "round";
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const length = squareScale.cells / 4 ** level;
        const first = stepOf(level, x, y) * length;
        // Inside a gap an address says nothing.
        if (squareScale.leftOut[squareScale.segmentAt(first)] && first > 0) continue;
        const text = letterOf(first, first + length) + addressText(squareScale.address(first));
        label(context, text, (x * cell - view.x) * zoom + 4, (y * cell - view.y) * zoom + 4);
      }
    }
  }

  /** The letter of the kind where a quadrant has one row in use only: colour does not stand alone. */
  function letterOf(from, to) {
    const low = squareScale.segmentAt(from);
    const row = rows[squareScale.rowOf[low]];
    const single = lastBefore(squareScale, to, low, squareScale.starts.length - 1) === low && !squareScale.leftOut[low];
    return single && row && isUsed(row) ? `${data.kinds[row.kind].letter} ` : "";
  }

  function lines(context, level, alpha) {
    const zoom = side / view.size;
    const cell = 2 ** -level;
    context.globalAlpha = alpha;
    context.fillStyle = state.theme.ink;
    for (let n = Math.ceil(view.x / cell); n * cell < view.x + view.size; n++) {
      if (n > 0) context.fillRect(Math.round((n * cell - view.x) * zoom), 0, 1, side);
    }
    for (let n = Math.ceil(view.y / cell); n * cell < view.y + view.size; n++) {
      if (n > 0) context.fillRect(0, Math.round((n * cell - view.y) * zoom), side, 1);
    }
    context.globalAlpha = 1;
  }

  function label(context, text, x, y) {
    context.lineWidth = 3;
    context.strokeStyle = state.theme.paper;
    context.globalAlpha = 0.8;
    context.strokeText(text, x, y);
    context.globalAlpha = 1;
    context.fillStyle = state.theme.ink;
    context.fillText(text, x, y);
  }

  function crosshair(context) {
    const [x, y] = [((cursor.x - view.x) / view.size) * side, ((cursor.y - view.y) / view.size) * side];
    for (const [width, colour] of [[4, state.theme.paper], [2, state.theme.ink]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + dx * 5, y + dy * 5);
        context.lineTo(x + dx * 13, y + dy * 13);
      }
      context.stroke();
    }
  }

  function pointAt(event) {
    const box = overlay.getBoundingClientRect();
    return {
      x: view.x + ((event.clientX - box.left) / side) * view.size,
      y: view.y + ((event.clientY - box.top) / side) * view.size,
    };
  }

  function addressAt(point) {
    const deep = 24;
    const [x, y] = [point.x, point.y].map((value) => Math.min(2 ** deep - 1, Math.max(0, Math.floor(value * 2 ** deep))));
    return squareScale.address((stepOf(deep, x, y) * squareScale.cells) / 4 ** deep);
  }

  function zoomAt(point, factor) {
    const before = view.size;
    view.size *= factor;
    clampView();
    const ratio = view.size / before;
    view.x = point.x - (point.x - view.x) * ratio;
    view.y = point.y - (point.y - view.y) * ratio;
    draw();
  }

  /** Shows exactly the quadrant around a point, one order deeper or less deep. */
  function zoomToQuadrant(point, by) {
    const level = Math.max(0, Math.round(Math.log2(1 / view.size)) + by);
    view.size = Math.max(smallest, 2 ** -level);
    view.x = Math.floor(point.x / view.size) * view.size;
    view.y = Math.floor(point.y / view.size) * view.size;
    draw();
  }

  function centre() {
    return { x: view.x + view.size / 2, y: view.y + view.size / 2 };
  }

  /** One device pixel a cell of the square: a page in 4 GB. */
  function oneToOne() {
    const middle = centre();
    view.size = Math.min(1, (side * (window.devicePixelRatio || 1)) / 2 ** order);
    view.x = middle.x - view.size / 2;
    view.y = middle.y - view.size / 2;
    draw();
  }

  /** Brings a row into sight, large enough to be seen. */
  function show(row) {
    const [stretch] = stretches(row);
    if (!stretch) return;
    let [left, top, right, bottom] = [1, 1, 0, 0];
    visitQuadrants(squareScale.cells, stretch[0], stretch[1], (x, y, edge) => {
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + edge), Math.max(bottom, y + edge)];
    });
    const extent = Math.max(right - left, bottom - top);
    const inSight = left >= view.x && top >= view.y && right <= view.x + view.size && bottom <= view.y + view.size;
    if (!inSight || extent < view.size / 24 || extent > view.size) {
      view.size = Math.min(1, 2 ** Math.ceil(Math.log2(Math.max(smallest, extent * 4))));
      view.x = (left + right - view.size) / 2;
      view.y = (top + bottom - view.size) / 2;
    }
    [cursor.x, cursor.y] = [(left + right) / 2, (top + bottom) / 2];
    draw();
  }

  overlay.addEventListener("wheel", (event) => {
    // Fully zoomed out, the wheel scrolls the page on.
    if (event.deltaY > 0 && view.size === 1) return;
    event.preventDefault();
    zoomAt(pointAt(event), Math.exp(Math.max(-1, Math.min(1, event.deltaY * 0.002))));
  }, { passive: false });

  overlay.addEventListener("pointerdown", (event) => {
    overlay.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    moved = pointers.size > 1 ? Infinity : 0;
    pinch = null;
  });

  overlay.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (before) {
      const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      moved += Math.abs(dx) + Math.abs(dy);
      if (pointers.size === 2) return pinchMove();
      if (moved > 4) {
        view.x -= (dx / side) * view.size;
        view.y -= (dy / side) * view.size;
        hideTip();
        draw();
        return;
      }
    }
    const va = addressAt(pointAt(event));
    hover(rowAt(va), va);
    showTip(event.clientX, event.clientY, va);
  });

  function pinchMove() {
    const [one, two] = [...pointers.values()];
    const distance = Math.hypot(one.x - two.x, one.y - two.y);
    const middle = pointAt({ clientX: (one.x + two.x) / 2, clientY: (one.y + two.y) / 2 });
    if (pinch) zoomAt(middle, pinch / Math.max(1, distance));
    pinch = distance;
  }

  for (const kind of ["pointerup", "pointercancel"]) {
    overlay.addEventListener(kind, (event) => {
      pointers.delete(event.pointerId);
      if (kind === "pointerup" && moved <= 4) {
        const point = pointAt(event);
        [cursor.x, cursor.y] = [point.x, point.y];
        const va = addressAt(point);
        pin(rowAt(va), va);
      }
    });
  }
  overlay.addEventListener("pointerleave", () => {
    hideTip();
    hover(undefined);
  });
  overlay.addEventListener("dblclick", (event) => zoomToQuadrant(pointAt(event), event.shiftKey ? -1 : 1));
  overlay.addEventListener("focus", () => drawOverlay());
  overlay.addEventListener("blur", () => drawOverlay());
  overlay.addEventListener("keydown", (event) => {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const arrow = arrows[event.key];
    if (arrow) moveCursor(arrow, event.shiftKey ? 4 : 1);
    else if (event.key === "+" || event.key === "=") zoomToQuadrant(cursor, 1);
    else if (event.key === "-") zoomToQuadrant(cursor, -1);
    else if (event.key === "0") zoomToQuadrant(cursor, -100);
    else if (event.key === "1") oneToOne();
    else if (event.key === "Enter" || event.key === " ") pin(rowAt(addressAt(cursor)), addressAt(cursor));
    else return;
    event.preventDefault();
  });

  function moveCursor([dx, dy], steps) {
    const length = (view.size / 32) * steps;
    cursor.x = Math.min(1 - 1e-9, Math.max(0, cursor.x + dx * length));
    cursor.y = Math.min(1 - 1e-9, Math.max(0, cursor.y + dy * length));
    view.x = Math.min(cursor.x, Math.max(view.x, cursor.x - view.size * 0.999));
    view.y = Math.min(cursor.y, Math.max(view.y, cursor.y - view.size * 0.999));
    draw();
    const va = addressAt(cursor);
    hover(rowAt(va), va);
  }

  element("zoom-in").addEventListener("click", () => zoomToQuadrant(centre(), 1));
  element("zoom-out").addEventListener("click", () => zoomToQuadrant(centre(), -1));
  element("zoom-all").addEventListener("click", () => zoomToQuadrant(centre(), -100));
  element("zoom-one").addEventListener("click", oneToOne);

  return { draw, drawOverlay, measure, show };
})();
