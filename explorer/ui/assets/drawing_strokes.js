// Renders the strokes of a drawing like a network's own digits, with the same steps and constants as
// explorer/prediction/stroke_framing.py. Images are { height, width, data }, ink from 0 to 1, row after row.
const FINE = 8;
const MASS_FILL = 20 / 28;
const MASS_PEN = 0.125;
const BOX_WIDTH = 0.69, BOX_ASPECT = 0.75, BOX_SQUEEZE = 0.5, BOX_INK = 0.302;
const PENS = [0.6, 1.6];

// Returns 8-bit levels, size × size, or null if nothing is drawn.
function frameStrokes(drawing, framing, size) {
  const strokes = cropped(drawing);
  if (!strokes) return null;
  const shape = framing === "box" ? framedByBox(strokes, size) : framedByMass(strokes, size);
  return Uint8Array.from(shape, (ink) => roundHalfEven(Math.fround(255 * ink)));
}

function framedByMass(shape, size) {
  const longer = MASS_FILL * size * FINE;
  let ink = cropped(withPen(enlarged(shape, roundHalfEven(longer)), MASS_PEN * longer));
  const scale = longer / Math.max(ink.height, ink.width);
  ink = resized(ink, roundHalfEven(ink.height * scale), roundHalfEven(ink.width * scale));
  const [rows, columns] = sums(ink);
  // The field is the middle third of a canvas on which ink that reaches over an edge is cut off.
  const [top, left] = [rows, columns].map((lines) => {
    const start = 1.5 * size * FINE - middle(lines);
    return roundHalfEven(Math.round(1000 * start) / 1000) - size * FINE; // as in Python, symmetric strokes are a tie
  });
  return blockMeans(ink, top, left, size, FINE);
}

function framedByBox(shape, size) {
  const high = 8 * size;
  const straight = cropped(upright(enlarged(shape, high)));
  let wide = BOX_WIDTH * high * (straight.width / straight.height / BOX_ASPECT) ** BOX_SQUEEZE;
  wide = roundHalfEven(Math.min(Math.max(wide, 0.1 * high), high));
  const ink = withInk(resized(straight, high, wide), BOX_INK * high * high);
  return blockMeans(ink, 0, Math.floor((high - wide) / 2), size, 8);
}

function image(height, width) {
  return { height, width, data: new Float64Array(height * width) };
}

function roundHalfEven(value) {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

function clipped(value) {
  return Math.min(Math.max(value, 0), 1);
}

function sums({ height, width, data }) {
  const rows = new Float64Array(height), columns = new Float64Array(width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      rows[row] += data[row * width + column];
      columns[column] += data[row * width + column];
    }
  }
  return [rows, columns];
}

// Centre of mass in pixels from the edge of the first pixel.
function middle(ink) {
  let mass = 0, moment = 0;
  ink.forEach((value, index) => {
    mass += value;
    moment += value * (index + 0.5);
  });
  return moment / mass;
}

function blockMeans({ height, width, data }, top, left, size, block) {
  const means = new Float64Array(size * size);
  for (let row = Math.max(0, -top); row < height && row + top < size * block; row++) {
    for (let column = Math.max(0, -left); column < width && column + left < size * block; column++) {
      const cell = Math.floor((row + top) / block) * size + Math.floor((column + left) / block);
      means[cell] += data[row * width + column];
    }
  }
  return means.map((ink) => ink / block ** 2);
}

function cropped({ height, width, data }) {
  let top = height, left = width, bottom = -1, right = -1;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (data[row * width + column] <= 0.5) continue;
      top = Math.min(top, row);
      bottom = row;
      left = Math.min(left, column);
      right = Math.max(right, column);
    }
  }
  if (bottom < 0) return null;
  const part = image(bottom + 1 - top, right + 1 - left);
  for (let row = top; row <= bottom; row++) {
    part.data.set(data.subarray(row * width + left, row * width + right + 1), (row - top) * part.width);
  }
  return part;
}

function padded({ height, width, data }, rows, columns) {
  const wide = image(height + 2 * rows, width + 2 * columns);
  for (let row = 0; row < height; row++) {
    wide.data.set(data.subarray(row * width, (row + 1) * width), (row + rows) * wide.width + columns);
  }
  return wide;
}

function enlarged(shape, longer) {
  const scale = longer / Math.max(shape.height, shape.width);
  const [height, width] = [shape.height, shape.width].map((side) => Math.max(roundHalfEven(side * scale), 1));
  const margin = Math.floor(longer / 5);
  return padded(resized(shape, height, width), margin, margin);
}

// Pillow's bicubic filter: columns first, 32-bit floats after each axis.
function resized(shape, height, width) {
  height = Math.max(height, 1);
  width = Math.max(width, 1);
  const across = width === shape.width ? shape : image(shape.height, width);
  if (across !== shape) {
    filterTaps(shape.width, width).forEach(({ first, taps }, column) => {
      for (let row = 0; row < shape.height; row++) {
        let sum = 0;
        const start = row * shape.width + first;
        for (let tap = 0; tap < taps.length; tap++) sum += Math.fround(shape.data[start + tap]) * taps[tap];
        across.data[row * width + column] = Math.fround(sum);
      }
    });
  }
  const result = image(height, width);
  if (height === shape.height) {
    result.data.set(across.data);
  } else {
    filterTaps(shape.height, height).forEach(({ first, taps }, row) => {
      for (let column = 0; column < width; column++) {
        let sum = 0;
        for (let tap = 0; tap < taps.length; tap++) {
          sum += Math.fround(across.data[(first + tap) * width + column]) * taps[tap];
        }
        result.data[row * width + column] = sum;
      }
    });
  }
  result.data.forEach((value, index) => {
    result.data[index] = clipped(Math.fround(value));
  });
  return result;
}

function filterTaps(from, to) {
  const scale = from / to, stretch = Math.max(scale, 1), support = 2 * stretch;
  return Array.from({ length: to }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const last = Math.min(Math.trunc(centre + support + 0.5), from);
    const taps = Array.from({ length: last - first }, (_none, tap) => bicubic((tap + first - centre + 0.5) / stretch));
    const total = taps.reduce((sum, tap) => sum + tap, 0);
    return { first, taps: taps.map((tap) => tap / total) };
  });
}

function bicubic(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

// 1 for pixels of the ink, else 0. A loop takes a tenth of the time of Uint8Array.from.
function insideOf({ data }) {
  const inside = new Uint8Array(data.length);
  for (let index = 0; index < data.length; index++) inside[index] = data[index] > 0.5 ? 1 : 0;
  return inside;
}

// Distance of each pixel from the edge of the ink, positive inside.
function signedDistance(shape) {
  const inside = insideOf(shape);
  const data = distances(inside, 0, shape), outside = distances(inside, 1, shape);
  for (let index = 0; index < data.length; index++) {
    data[index] = data[index] > 0 ? data[index] - 0.5 : 0.5 - outside[index];
  }
  return { ...shape, data };
}

// Euclidean distance of each pixel from the nearest one with this value (Felzenszwalb and Huttenlocher 2012).
function distances(values, target, { height, width }) {
  const squares = new Float64Array(values.length);
  for (let index = 0; index < values.length; index++) squares[index] = values[index] === target ? 0 : Infinity;
  const longest = Math.max(height, width);
  const line = new Float64Array(longest), places = new Int32Array(longest), bounds = new Float64Array(longest + 1);
  const along = (start, step, count) => {
    let last = -1;
    for (let q = 0; q < count; q++) {
      line[q] = squares[start + q * step];
      if (line[q] === Infinity) continue;
      let bound = -Infinity;
      while (last >= 0) {
        const p = places[last];
        bound = (line[q] + q * q - line[p] - p * p) / (2 * (q - p));
        if (bound > bounds[last]) break;
        last--;
      }
      if (last < 0) bound = -Infinity;
      places[++last] = q;
      bounds[last] = bound;
    }
    if (last < 0) return;
    bounds[last + 1] = Infinity;
    for (let q = 0, k = 0; q < count; q++) {
      while (bounds[k + 1] < q) k++;
      squares[start + q * step] = (q - places[k]) ** 2 + line[places[k]];
    }
  };
  for (let column = 0; column < width; column++) along(column, width, height);
  for (let row = 0; row < height; row++) along(row * width, 1, width);
  return squares.map(Math.sqrt);
}

// Zhang and Suen 1984, as in explorer/prediction/thinning.py. The drawing has a margin, so every pixel has neighbours.
const REMOVALS = Array.from({ length: 256 }, (_, pattern) => {
  const ring = Array.from({ length: 8 }, (_none, bit) => (pattern >> bit) & 1);
  const count = ring.reduce((sum, one) => sum + one, 0);
  const steps = ring.filter((one, index) => one < ring[(index + 1) % 8]).length;
  if (count < 2 || count > 6 || steps !== 1) return 0;
  const [above, , right, , below, , left] = ring;
  const first = !(above && right && below) && !(right && below && left);
  const second = !(above && right && left) && !(above && below && left);
  return first + 2 * second;
});

// Returns the indices of the pixels on the centre lines.
function thinned({ height, width, data }) {
  const field = insideOf({ data });
  const offsets = [-width, 1 - width, 1, width + 1, width, width - 1, -1, -width - 1];
  const left = new Int32Array(field.length), removals = new Uint8Array(field.length);
  let count = 0;
  for (let index = width + 1; index < width * (height - 1) - 1; index++) if (field[index]) left[count++] = index;
  for (let before = -1; before !== count; ) {
    before = count;
    for (let bit = 1; bit <= 2; bit++) {
      for (let one = 0; one < count; one++) {
        let pattern = 0;
        for (let place = 0; place < 8; place++) pattern |= field[left[one] + offsets[place]] << place;
        removals[one] = REMOVALS[pattern] & bit;
      }
      let remaining = 0;
      for (let one = 0; one < count; one++) {
        if (removals[one]) field[left[one]] = 0;
        else left[remaining++] = left[one];
      }
      count = remaining;
    }
  }
  return left.subarray(0, count);
}

// Width of the strokes: twice the median distance of their centre line from the edge.
function penOf(shape, distance) {
  const widths = Float64Array.from(thinned(shape), (index) => distance.data[index]).sort();
  const half = widths.length >> 1;
  if (!widths.length) return 2 * distance.data.reduce((most, apart) => Math.max(most, apart), 0); // a dot
  return widths.length % 2 ? 2 * widths[half] : widths[half - 1] + widths[half];
}

function withPen(shape, pen) {
  const distance = signedDistance(shape), own = penOf(shape, distance);
  const wanted = Math.min(Math.max(pen, PENS[0] * own), Math.max(PENS[1] * own, own + 2));
  return { ...shape, data: distance.data.map((apart) => clipped(apart + (wanted - own) / 2 + 0.5)) };
}

function withInk(shape, ink) {
  const wide = padded(shape, 1, 1), far = signedDistance(wide), own = penOf(wide, far);
  const apart = new Float64Array(shape.data.length);
  for (let row = 0; row < shape.height; row++) {
    const start = (row + 1) * wide.width + 1;
    apart.set(far.data.subarray(start, start + shape.width), row * shape.width);
  }
  let edge = apart.slice().sort()[Math.max(apart.length - roundHalfEven(ink), 0)];
  edge = Math.min(Math.max(edge, -own * 0.4), own * 0.2);
  return { ...shape, data: apart.map((distance) => clipped(distance - edge + 0.5)) };
}

// Removes the slant by shearing, so that the columns of mass are vertical.
function upright(shape) {
  const [rows, columns] = sums(shape);
  const down = middle(rows), across = middle(columns);
  let both = 0, spread = 0;
  for (let row = 0; row < shape.height; row++) {
    for (let column = 0; column < shape.width; column++) {
      both += (row + 0.5 - down) * (column + 0.5 - across) * shape.data[row * shape.width + column];
    }
    spread += rows[row] * (row + 0.5 - down) ** 2;
  }
  const slant = Math.min(Math.max(both / Math.max(spread, 1e-6), -1), 1);
  const reach = Math.trunc((Math.abs(slant) * shape.height) / 2) + 1;
  const wide = padded(shape, 0, reach), result = image(wide.height, wide.width);
  for (let row = 0; row < wide.height; row++) {
    for (let column = 0; column < wide.width; column++) {
      const place = column + slant * (row - (down - 0.5)), first = Math.floor(place);
      if (place < 0 || place > wide.width - 1) continue;
      const start = row * wide.width + first, share = place - first;
      const next = first + 1 < wide.width ? wide.data[start + 1] : 0;
      result.data[row * wide.width + column] = Math.fround((1 - share) * wide.data[start] + share * next);
    }
  }
  return result;
}
