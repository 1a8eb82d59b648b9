// The data of the page: rows of the map, scales, and what dominates a stretch of a scale.

const STATE = { free: 0, reserved: 1, committed: 2, unknown: 3 };
const KIND_UNKNOWN = data.kinds.findIndex((kind) => kind.word === "unknown");
const KIND_FREE = data.kinds.findIndex((kind) => kind.word === "free");

const rows = data.rows.map((row, index) => ({
  index,
  first: BigInt(row[0]),
  last: BigInt(row[1]),
  firstText: row[0],
  lastText: row[1],
  size: Number(BigInt(row[1]) - BigInt(row[0]) + 1n),
  state: row[2],
  kind: row[3],
  type: data.types[row[4]] ?? "",
  protection: data.protections[row[5]] ?? "",
  usage: data.usages[row[6]] ?? "",
  captured: row[7],
  base: row[8],
  guard: row[9] === 1,
}));
const nowhere = { index: -1, state: STATE.unknown, kind: KIND_UNKNOWN, guard: false, size: 0, captured: 0 };

function isUsed(row) {
  return (row.kind !== KIND_FREE && row.kind !== KIND_UNKNOWN) || row.state === STATE.committed || row.state === STATE.reserved;
}

/** Cells and their addresses, piece by piece, and the segments of rows on them. */
class Scale {
  constructor(cells, pieces) {
    this.cells = cells;
    this.pieces = pieces.map(([first, last, cell, count, span, leftOut]) => ({
      first: BigInt(first),
      last: BigInt(last),
      cell,
      count,
      span: Number(BigInt(span)),
      leftOut: leftOut === 1,
    }));
    this.cut();
  }

  /** Position of an address, in cells; undefined outside. */
  position(va) {
    const piece = this.pieces.find((candidate) => va >= candidate.first && va <= candidate.last);
    return piece && piece.cell + (Number(va - piece.first) / piece.span) * piece.count;
  }

  /** The address at a position. */
  address(position) {
    const last = this.pieces.length - 1;
    const piece = this.pieces.find((candidate) => position < candidate.cell + candidate.count) ?? this.pieces[last];
    const offset = BigInt(Math.max(0, Math.floor(((position - piece.cell) / piece.count) * piece.span)));
    const va = piece.first + offset;
    return va > piece.last ? piece.last : va;
  }

  /** Bytes of a cell in the parts that are not left out. */
  bytesPerCell() {
    const piece = this.pieces.find((candidate) => !candidate.leftOut) ?? this.pieces[0];
    return piece.span / piece.count;
  }

  /** Cuts rows and pieces into segments, so that each has one row and one scale; rows are sorted. */
  cut() {
    const starts = [];
    const indices = [];
    const leftOut = [];
    let next = 0;
    for (const piece of this.pieces) {
      for (let va = piece.first; va <= piece.last; ) {
        while (next < rows.length && rows[next].last < va) next++;
        const row = rows[next];
        const inRow = row !== undefined && row.first <= va;
        let end = inRow ? row.last : row === undefined ? piece.last : row.first - 1n;
        if (end > piece.last) end = piece.last;
        starts.push(piece.cell + (Number(va - piece.first) / piece.span) * piece.count);
        indices.push(inRow ? next : -1);
        leftOut.push(piece.leftOut ? 1 : 0);
        va = end + 1n;
      }
    }
    this.starts = Float64Array.from(starts);
    this.rowOf = Int32Array.from(indices);
    this.leftOut = Uint8Array.from(leftOut);
  }

  end(segment) {
    return segment + 1 < this.starts.length ? this.starts[segment + 1] : this.cells;
  }

  /** The last segment from low to high that starts at or before a position. */
  segmentAt(position, low = 0, high = this.starts.length - 1) {
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Of the segments low to high, the one to show for the positions from `from` to `to`: used before unused, then the
   *  kind, the state and the row with most of them. */
  dominating(low, high, from, to) {
    if (low === high) return low;
    const sums = new Float64Array(data.kinds.length * 4);
    const kinds = new Float64Array(data.kinds.length);
    const share = (segment) => Math.min(to, this.end(segment)) - Math.max(from, this.starts[segment]);
    const rowAt = (segment) => rows[this.rowOf[segment]] ?? nowhere;
    let anyUsed = false;
    for (let segment = low; segment <= high; segment++) anyUsed ||= isUsed(rowAt(segment));
    for (let segment = low; segment <= high; segment++) {
      const row = rowAt(segment);
      if (anyUsed && !isUsed(row)) continue;
      sums[row.kind * 4 + row.state] += share(segment);
      kinds[row.kind] += share(segment);
    }
    const kind = kinds.indexOf(Math.max(...kinds));
    const states = sums.subarray(kind * 4, kind * 4 + 4);
    const state = states.indexOf(Math.max(...states));
    let best = low;
    let most = -1;
    for (let segment = low; segment <= high; segment++) {
      const row = rowAt(segment);
      if (row.kind === kind && row.state === state && share(segment) > most) {
        most = share(segment);
        best = segment;
      }
    }
    return best;
  }
}

const squareScale = new Scale(data.square.cells, data.square.pieces);
const wholeScale = new Scale(1, [[data.range[0], data.range[1], 0, 1, sizeText(data.range), 0]]);
const usedScale = new Scale(data.band.cells, data.band.pieces);

function sizeText([first, last]) {
  return String(BigInt(last) - BigInt(first) + 1n);
}

function addressText(va) {
  return "0x" + va.toString(16).padStart(data.digits, "0");
}

function bytesText(bytes) {
  const units = ["bytes", "KB", "MB", "GB", "TB", "PB", "EB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${Math.floor(bytes * 10) / 10} ${units[unit]}`;
}

/** The row that holds an address. */
function rowAt(va) {
  let low = 0;
  let high = rows.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (va < rows[middle].first) high = middle - 1;
    else if (va > rows[middle].last) low = middle + 1;
    else return rows[middle];
  }
  return undefined;
}
