// Pixels: tiles of colour and pattern, the square quadrant by quadrant, the bands column by column.

const TILE = 8;
const GUARD = data.kinds.length * 4;
const LEFT_OUT = GUARD + data.kinds.length;
const STYLES = LEFT_OUT + 1;

/** What decides a row's look; the colour of its kind and the pattern of its state. */
function styleOf(row, leftOut) {
  if (leftOut) return LEFT_OUT;
  return row.guard ? GUARD + row.kind : row.kind * 4 + row.state;
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function mix(one, other, share) {
  return one.map((value, at) => Math.round(value * share + other[at] * (1 - share)));
}

function pixel([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Tiles of 8 by 8 pixels for every style, then once more faded, for kinds that are filtered out. */
function makeTiles(theme) {
  const board = rgb(theme.board);
  const paper = rgb(theme.paper);
  const ink = rgb(theme.ink);
  const tiles = [];
  for (let style = 0; style < STYLES; style++) tiles.push(tileOf(style, board, paper, ink));
  const faded = tiles.map((tile) => tile.map((colour) => mix(colour, board, 0.12)));
  return [...tiles, ...faded].map((tile) => Uint32Array.from(tile.map(pixel)));
}

function tileOf(style, board, paper, ink) {
  const kind = style >= GUARD ? style - GUARD : style >> 2;
  const strong = rgb(data.kinds[kind]?.colour ?? "#000000");
  // What is not known at all keeps in the background: often it is most of the picture.
  const light = mix(strong, board, kind === KIND_UNKNOWN ? 0.16 : 0.32);
  const tile = [];
  for (let y = 0; y < TILE; y++) {
    for (let x = 0; x < TILE; x++) tile.push(dotOf(style, x, y));
  }
  return tile;

  function dotOf(style, x, y) {
    if (style === LEFT_OUT) return (y + [0, 0, 1, 1, 2, 2, 1, 1][x]) % TILE === 3 ? mix(ink, paper, 0.6) : paper;
    if (style >= GUARD) return x === y || x + y === TILE - 1 ? mix(strong, ink, 0.2) : strong;
    if (kind === KIND_FREE) return board;
    if (style % 4 === STATE.committed) return strong;
    if (style % 4 === STATE.reserved) return (x + y) % TILE < 3 ? strong : light;
    return x % 4 === 0 && y % 4 === 0 ? strong : light;
  }
}

/** Fills a rectangle of pixels with a style's tile; clips at the edges. */
function fill(image, tile, left, top, right, bottom) {
  const { width, height, pixels } = image;
  left = Math.max(0, left);
  right = Math.min(width, right);
  bottom = Math.min(height, bottom);
  for (let y = Math.max(0, top); y < bottom; y++) {
    const line = y * width;
    const tileLine = (y % TILE) * TILE;
    for (let x = left; x < right; x++) pixels[line + x] = tile[tileLine + (x % TILE)];
  }
}

/** Paints the part of the square that a view shows: from the largest quadrants down to one pixel. */
function paintSquare(image, view, styleTile) {
  const scale = squareScale;
  const zoom = image.width / view.size;
  const node = (x, y, edge, orientation, first, length, low, high) => {
    const left = (x - view.x) * zoom;
    const top = (y - view.y) * zoom;
    const side = edge * zoom;
    if (left >= image.width || top >= image.height || left + side <= 0 || top + side <= 0) return;
    low = scale.segmentAt(first, low, high);
    high = lastBefore(scale, first + length, low, high);
    if (low === high || side < 2) {
      const segment = scale.dominating(low, high, first, first + length);
      const tile = styleTile(rows[scale.rowOf[segment]] ?? nowhere, scale.leftOut[segment]);
      fill(image, tile, Math.round(left), Math.round(top), Math.round(left + side), Math.round(top + side));
      return;
    }
    const half = edge / 2;
    const quarter = length / 4;
    for (let n = 0; n < 4; n++) {
      const [right, down, inside] = QUARTERS[orientation][n];
      node(x + right * half, y + down * half, half, inside, first + n * quarter, quarter, low, high);
    }
  };
  node(0, 0, 1, 0, 0, scale.cells, 0, scale.starts.length - 1);
}

/** The last segment from low to high that starts before a position. */
function lastBefore(scale, position, low, high) {
  const segment = scale.segmentAt(position, low, high);
  return segment > low && scale.starts[segment] >= position ? segment - 1 : segment;
}

/** Paints a band: use above, captured share below. */
function paintBand(image, scale, styleTile, theme) {
  const capture = Math.max(3, Math.round(image.height / 6));
  const ground = rgb(theme.paper);
  const dark = rgb(theme.ink);
  for (let x = 0; x < image.width; x++) {
    const from = (x / image.width) * scale.cells;
    const to = ((x + 1) / image.width) * scale.cells;
    const low = scale.segmentAt(from);
    const high = lastBefore(scale, to, low, scale.starts.length - 1);
    const segment = scale.dominating(low, high, from, to);
    const row = rows[scale.rowOf[segment]] ?? nowhere;
    fill(image, styleTile(row, scale.leftOut[segment]), x, 0, x + 1, image.height - capture - 1);
    const share = row.size > 0 && !scale.leftOut[segment] ? Math.min(1, row.captured / row.size) : 0;
    const colour = pixel(mix(dark, ground, share > 0 ? 0.15 + 0.75 * share : 0));
    for (let y = image.height - capture - 1; y < image.height; y++) {
      image.pixels[y * image.width + x] = y === image.height - capture - 1 ? pixel(ground) : colour;
    }
  }
}

/** A canvas of device pixels and the image that is drawn on it. */
function imageFor(canvas, cssWidth, cssHeight) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(1, Math.round(cssWidth * ratio));
  const height = Math.max(1, Math.round(cssHeight * ratio));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
    canvas.style.width = `${cssWidth}px`;
    canvas.style.height = `${cssHeight}px`;
  }
  const context = canvas.getContext("2d");
  const bitmap = context.createImageData(width, height);
  return {
    width,
    height,
    pixels: new Uint32Array(bitmap.data.buffer),
    show: () => context.putImageData(bitmap, 0, 0),
  };
}
