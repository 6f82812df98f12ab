// Computes the forward pass of a network from the steps and weights of explorer/prediction/browser_network.py.
// Values are { data, shape }; data is a Float32Array, shape is [channels, height, width] or [features].
function networkFrom({ steps, weights, input }) {
  const bytes = Uint8Array.from(atob(weights), (character) => character.charCodeAt(0));
  const numbers = new Float32Array(bytes.buffer);
  const tensor = (part) => part && numbers.subarray(part[0], part[0] + part[1]);
  // Returns the probabilities of the classes for 8-bit levels: height × width for all channels, or for each channel.
  return (levels) => {
    const values = [prepared(levels, input)];
    for (const step of steps) {
      values.push(OPERATIONS[step.name](step, tensor, ...step.of.map((index) => values[index])));
    }
    return softmax(values.at(-1).data);
  };
}

function prepared(levels, { height, width, channels, mean, rate, order }) {
  const area = height * width, data = new Float32Array(channels * area);
  for (let channel = 0; channel < channels; channel++) {
    const start = levels.length > area ? channel * area : 0;
    for (let index = 0; index < area; index++) {
      const level = levels[start + (order ? order[index] : index)];
      const own = channel % mean.length;
      data[channel * area + index] = Math.fround(level - mean[own]) * rate[own];
    }
  }
  return { data, shape: [channels, height, width] };
}

const OPERATIONS = {
  convolution({ weight, bias, outputs, kernel, stride, padding, dilation, groups }, tensor, { data, shape }) {
    const [channels, height, width] = shape;
    const rows = outputLength(height, 0), columns = outputLength(width, 1);
    const weights = tensor(weight), biases = tensor(bias);
    const result = new Float32Array(outputs * rows * columns);
    const inputsInGroup = channels / groups, outputsInGroup = outputs / groups;
    const sums = new Float64Array(rows * columns);
    for (let output = 0; output < outputs; output++) {
      sums.fill(biases ? biases[output] : 0);
      const first = Math.floor(output / outputsInGroup) * inputsInGroup;
      for (let input = 0; input < inputsInGroup; input++) {
        for (let y = 0; y < kernel[0]; y++) {
          for (let x = 0; x < kernel[1]; x++) {
            const factor = weights[((output * inputsInGroup + input) * kernel[0] + y) * kernel[1] + x];
            for (let row = 0; row < rows; row++) {
              const from = row * stride[0] - padding[0] + y * dilation[0];
              if (from < 0 || from >= height) continue;
              const line = ((first + input) * height + from) * width;
              let across = x * dilation[1] - padding[1];
              for (let column = row * columns; column < (row + 1) * columns; column++, across += stride[1]) {
                if (across >= 0 && across < width) sums[column] += factor * data[line + across];
              }
            }
          }
        }
      }
      result.set(sums, output * rows * columns);
    }
    return { data: result, shape: [outputs, rows, columns] };

    function outputLength(length, axis) {
      return Math.floor((length + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis]) + 1;
    }
  },

  // Batch norm in evaluation: a factor and a summand for each channel.
  scale({ factor, summand }, tensor, { data, shape }) {
    const area = data.length / shape[0], factors = tensor(factor), summands = tensor(summand);
    const channel = (index) => Math.floor(index / area);
    return { data: data.map((value, index) => value * factors[channel(index)] + summands[channel(index)]), shape };
  },

  relu(_step, _tensor, { data, shape }) {
    return { data: data.map((value) => Math.max(value, 0)), shape };
  },

  activation({ function: name, slope }, _tensor, { data, shape }) {
    return { data: data.map((value) => ACTIVATIONS[name](value, slope)), shape };
  },

  maximum(step, _tensor, value) {
    return pooled(value, step, Math.max, -Infinity, (most) => most);
  },

  average(step, _tensor, value) {
    const whole = step.kernel[0] * step.kernel[1];
    return pooled(value, step, (sum, one) => sum + one, 0, (sum, count) => sum / (step.counts_padding ? whole : count));
  },

  adaptive_average({ size }, _tensor, { data, shape }) {
    const [channels, height, width] = shape, [rows, columns] = size;
    const result = new Float32Array(channels * rows * columns);
    const ends = (index, parts, length) => {
      return [Math.floor((index * length) / parts), Math.ceil(((index + 1) * length) / parts)];
    };
    for (let index = 0; index < result.length; index++) {
      const channel = Math.floor(index / (rows * columns));
      const [top, bottom] = ends(Math.floor(index / columns) % rows, rows, height);
      const [left, right] = ends(index % columns, columns, width);
      let sum = 0;
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) sum += data[(channel * height + row) * width + column];
      }
      result[index] = sum / ((bottom - top) * (right - left));
    }
    return { data: result, shape: [channels, rows, columns] };
  },

  flatten(_step, _tensor, { data }) {
    return { data, shape: [data.length] };
  },

  linear({ weight, bias, outputs }, tensor, { data }) {
    const weights = tensor(weight), biases = tensor(bias), result = new Float32Array(outputs);
    for (let output = 0; output < outputs; output++) {
      let sum = biases ? biases[output] : 0;
      for (let index = 0; index < data.length; index++) sum += weights[output * data.length + index] * data[index];
      result[output] = sum;
    }
    return { data: result, shape: [outputs] };
  },

  concatenate(_step, _tensor, ...values) {
    const data = new Float32Array(values.reduce((sum, value) => sum + value.data.length, 0));
    let start = 0;
    for (const value of values) {
      data.set(value.data, start);
      start += value.data.length;
    }
    const channels = values.reduce((sum, value) => sum + value.shape[0], 0);
    return { data, shape: [channels, ...values[0].shape.slice(1)] };
  },

  // Option A of ResNet's paper: subsamples the map, and pads new channels with zeros.
  pad_shortcut({ stride, channels: added }, _tensor, { data, shape }) {
    const [channels, height, width] = shape, rows = Math.ceil(height / stride), columns = Math.ceil(width / stride);
    const result = new Float32Array((channels + added) * rows * columns);
    for (let index = 0; index < channels * rows * columns; index++) {
      const channel = Math.floor(index / (rows * columns)), row = Math.floor(index / columns) % rows;
      result[index] = data[(channel * height + row * stride) * width + (index % columns) * stride];
    }
    return { data: result, shape: [channels + added, rows, columns] };
  },

  add(_step, _tensor, first, second) {
    return { data: first.data.map((value, index) => value + second.data[index]), shape: first.shape };
  },
};

const ACTIVATIONS = {
  leaky: (x, slope) => (x < 0 ? slope * x : x),
  elu: (x, slope) => (x < 0 ? slope * Math.expm1(x) : x),
  gelu: (x) => (x * (1 + erf(x / Math.SQRT2))) / 2,
  silu: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

// Abramowitz and Stegun 1964, 7.1.26: exact to 1.5e-7.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}

function pooled({ data, shape }, { kernel, stride, padding, ceil }, join, start, finish) {
  const [channels, height, width] = shape;
  const [rows, columns] = [height, width].map((length, axis) => {
    const steps = (length + 2 * padding[axis] - kernel[axis]) / stride[axis];
    const last = ceil ? Math.ceil(steps) : Math.floor(steps);
    return last * stride[axis] >= length + padding[axis] ? last : last + 1; // no window begins in the padding
  });
  const result = new Float32Array(channels * rows * columns);
  for (let index = 0; index < result.length; index++) {
    const channel = Math.floor(index / (rows * columns));
    const top = (Math.floor(index / columns) % rows) * stride[0] - padding[0];
    const left = (index % columns) * stride[1] - padding[1];
    let joined = start, count = 0;
    for (let row = Math.max(top, 0); row < Math.min(top + kernel[0], height); row++) {
      for (let column = Math.max(left, 0); column < Math.min(left + kernel[1], width); column++) {
        joined = join(joined, data[(channel * height + row) * width + column]);
        count++;
      }
    }
    result[index] = finish(joined, count);
  }
  return { data: result, shape: [channels, rows, columns] };
}

function softmax(scores) {
  const most = scores.reduce((highest, score) => Math.max(highest, score), -Infinity);
  const powers = Float64Array.from(scores, (score) => Math.exp(score - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
