// The Hilbert curve of the page's square, by the table that the program itself uses.

const QUARTERS = data.curve;

/** Step number of the cell in column x, row y of a square of 2^order cells an edge. */
function stepOf(order, x, y) {
  let step = 0;
  let orientation = 0;
  for (let level = order - 1; level >= 0; level--) {
    const right = Math.floor(x / 2 ** level) % 2;
    const down = Math.floor(y / 2 ** level) % 2;
    const quarter = QUARTERS[orientation].findIndex(([r, d]) => r === right && d === down);
    step = step * 4 + quarter;
    orientation = QUARTERS[orientation][quarter][2];
  }
  return step;
}

/** Visits the quadrants that tile the steps from `from` to `to`, as large as possible: visit(x, y, edge), square = 1. */
function visitQuadrants(total, from, to, visit) {
  const smallest = 2 ** -26;
  const node = (x, y, edge, orientation, first, length) => {
    if (first >= to || first + length <= from) return;
    if ((first >= from && first + length <= to) || edge < smallest) {
      visit(x, y, edge);
      return;
    }
    const half = edge / 2;
    QUARTERS[orientation].forEach(([right, down, inside], quarter) => {
      node(x + right * half, y + down * half, half, inside, first + (quarter * length) / 4, length / 4);
    });
  };
  node(0, 0, 1, 0, 0, total);
}
