// What a drag does to the strip, from a sample of every tensor's deltas: no call to Python while a hand moves.
//
// Operation by operation what merger/methods and merger/methods/ops.py do in torch, in float32 where they do (Math.fround), so that
// the counts are the same. sketch.py tells what a sample and a law are; tests compare both sides for every method.
// Signs and comparisons are worked out on the numbers' bits: changes point either way at random, which no processor foresees,
// and a wrong guess costs more than the sum it is about.
//
// sketchOf(sample)        -> the deltas, decoded (a promise: in pieces, so that no frame waits)
// meterOf(sketch, law)    -> (lanes) => {rows, summary, lanes} as the Mixer's `stats`, or null where only Python can say
const percent = (share) => `${Math.round(100 * share)}%`;
const { sketchOf, meterOf } = (() => {
  const f = Math.fround;
  const bitsOf = (floats) => new Int32Array(floats.buffer, floats.byteOffset, floats.length);
  const SIZE = 0x7fffffff; // the bits of a magnitude; as integers they are in the same order

  // base64 -> bytes, a piece at a time
  async function bytesOf(text) {
    const bytes = new Uint8Array((text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0));
    const piece = 1 << 18; // of four characters each
    for (let from = 0, at = 0; from < text.length; from += 4 * piece) {
      const part = atob(text.slice(from, from + 4 * piece));
      for (let i = 0; i < part.length; i += 1) bytes[at + i] = part.charCodeAt(i);
      at += part.length;
      await new Promise((go) => { setTimeout(go); });
    }
    return bytes;
  }

  async function sketchOf(sample) {
    const values = new Float32Array((await bytesOf(sample.data)).buffer);
    let at = 0;
    const tensors = sample.tensors.map(([row, column, attention, n, first, second]) => {
      const deltas = Array.from({ length: sample.models }, (_, m) => values.subarray(at + m * n, at + (m + 1) * n));
      at += n * sample.models;
      return { row, column, attention: Boolean(attention), n, ties: [first, second], deltas, bits: deltas.map(bitsOf), sorted: [], shares: [], lengths: [], draws: [] };
    });
    return { rows: sample.rows, columns: sample.columns, models: sample.models, tensors };
  }

  // ops._hash: a number in [0, 1) for an index and a key of two words
  function uniform(index, first, second) {
    let x = (index + first) | 0;
    x ^= x >>> 16;
    x = Math.imul(x, 0x7feb352d);
    x ^= x >>> 15;
    x = (x + second) | 0;
    x = Math.imul(x, 0x846ca68b);
    x ^= x >>> 16;
    return (x >>> 8) * 2 ** -24;
  }

  // Magnitudes from the smallest, kept: thresholds of any density are read off them.
  function sortedOf(tensor, m) {
    tensor.sorted[m] ??= Float32Array.from(tensor.deltas[m], Math.abs).sort();
    return tensor.sorted[m];
  }

  // How many of the sorted lie below x, and how many at or below.
  function below(sorted, x, through) {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (through ? sorted[middle] <= x : sorted[middle] < x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // ops.cut_for: the k-th largest magnitude, and the share of those equal to it that makes k
  function cutFor(sorted, k) {
    const n = sorted.length;
    const cut = sorted[n - k];
    const through = below(sorted, cut, true);
    return [cut, f((k - (n - through)) / (through - below(sorted, cut, false)))];
  }

  // trims.largest: where the k largest are kept, 1
  function largest(tensor, m, k, kept) {
    const sorted = sortedOf(tensor, m);
    const { n, ties: [first, second] } = tensor;
    if (k <= 0 || k >= n) return void kept.fill(k <= 0 ? 0 : 1, 0, n);
    const [cut, room] = cutFor(sorted, k);
    const bits = tensor.bits[m];
    const edge = bitsOf(Float32Array.of(cut))[0];
    for (let i = 0; i < n; i += 1) {
      const short = edge - (bits[i] & SIZE);
      kept[i] = short >>> 31; // 1 above the cut
      if (short === 0 && (room >= 1 || uniform(i, first, second) < room)) kept[i] = 1;
    }
    return undefined;
  }

  // trims._rank_share of each element: 0 (smallest) to 1; equal ones share the mean
  function sharesOf(tensor, m) {
    if (!tensor.shares[m]) {
      const sorted = sortedOf(tensor, m);
      const { n } = tensor;
      tensor.shares[m] = Float64Array.from(tensor.deltas[m], (x) => {
        const rank = (below(sorted, Math.abs(x), false) + below(sorted, Math.abs(x), true) - 1) / 2;
        return n > 1 ? rank / (n - 1) : rank + 0.5;
      });
    }
    return tensor.shares[m];
  }

  // The random numbers of a model's mask; they do not depend on any slider.
  function drawsOf(tensor, m, [first, second]) {
    tensor.draws[m] ??= Float32Array.from(tensor.deltas[m], (_, i) => uniform(i, first, second));
    return tensor.draws[m];
  }

  // What a trim leaves of one model's delta, into `out`. `numbers`: {density, gamma, epsilon}; `key`: of its random mask
  function trimmed(law, tensor, m, numbers, key, out, kept, other) {
    const delta = tensor.deltas[m];
    const { n } = tensor;
    const { density } = numbers;
    if (law.trim === 'all' || density >= 1) {
      out.set(delta);
      return;
    }
    let chances = null; // della: each change has a chance of its own
    if (density <= 0 && law.trim !== 'middle') kept.fill(0, 0, n);
    else if (law.trim === 'largest') largest(tensor, m, Math.max(1, Math.trunc(density * n)), kept);
    else if (law.trim === 'random') {
      const draws = drawsOf(tensor, m, key);
      const chance = f(density);
      for (let i = 0; i < n; i += 1) kept[i] = draws[i] < chance ? 1 : 0;
    } else if (law.trim === 'middle') {
      const count = Math.trunc(density * n);
      const top = Math.min(Math.trunc(numbers.gamma * n), n - count);
      largest(tensor, m, top + count, kept);
      largest(tensor, m, top, other);
      for (let i = 0; i < n; i += 1) kept[i] &= 1 - other[i];
    } else {
      const draws = drawsOf(tensor, m, key);
      chances = sharesOf(tensor, m).map((share) => Math.min(1, Math.max(0, density + numbers.epsilon * (2 * share - 1))));
      for (let i = 0; i < n; i += 1) kept[i] = draws[i] < chances[i] ? 1 : 0;
    }
    if (chances && law.rescale === 'inverse') {
      for (let i = 0; i < n; i += 1) out[i] = kept[i] ? delta[i] / chances[i] : 0;
      return;
    }
    for (let i = 0; i < n; i += 1) out[i] = kept[i] * delta[i];
    if (law.rescale === 'inverse') {
      if (density > 0) for (let i = 0; i < n; i += 1) out[i] /= f(density);
    } else if (law.rescale) {
      tensor.lengths[m] ??= delta.reduce((sum, x) => sum + Math.abs(x), 0);
      const before = tensor.lengths[m];
      let after = 0;
      for (let i = 0; i < n; i += 1) after += Math.abs(out[i]);
      const scale = before >= 1e-7 && after >= 1e-7 ? f(before / after) : 1;
      for (let i = 0; i < n; i += 1) out[i] *= scale;
    }
  }

  // analysis.counted_up: {clash, kept: [], pull: []} of one tensor. Sums run in float32, as every store into `room` rounds.
  function measured(law, tensor, numbers, keys, room) {
    const { n, deltas } = tensor;
    const models = deltas.length;
    const kept = new Array(models).fill(0);
    const pull = new Array(models).fill(0);
    const { sum, signs, sumBits } = room;
    sum.fill(0, 0, n);
    signs.fill(0, 0, n);
    for (let m = 0; m < models; m += 1) {
      const term = room.terms[m].subarray(0, n);
      trimmed(law, tensor, m, numbers[m], keys[m], term, room.kept, room.other);
      const w = f(numbers[m].weight);
      const bits = room.bits[m];
      let count = 0;
      for (let i = 0; i < n; i += 1) {
        const size = bits[i] << 1;
        count += (size | -size) >>> 31; // 1 but for zero
        term[i] *= w;
        sum[i] += term[i];
        const one = bits[i] << 1;
        signs[i] |= ((one | -one) >>> 31) << (bits[i] >>> 31); // 1 up, 2 down
      }
      kept[m] = count;
    }
    let clash = 0;
    for (let i = 0; i < n; i += 1) clash += signs[i] & (signs[i] >> 1);
    for (let m = 0; m < models; m += 1) {
      const term = room.terms[m];
      const bits = room.bits[m];
      let whole = 0;
      if (law.vote) {
        for (let i = 0; i < n; i += 1) {
          const votes = sumBits[i] << 1;
          const down = (sumBits[i] >>> 31) & ((votes | -votes) >>> 31); // a sum of zero counts as up
          whole += (1 - (down ^ (bits[i] >>> 31))) * Math.abs(term[i]);
        }
      } else for (let i = 0; i < n; i += 1) whole += Math.abs(term[i]);
      pull[m] = whole;
    }
    return { clash, kept, pull };
  }

  function meterOf(sketch, law) {
    const { tensors, models } = sketch;
    const known = tensors.map(() => ({ said: '', found: null }));
    const most = Math.max(0, ...tensors.map(({ n }) => n));
    const terms = Array.from({ length: models }, () => new Float32Array(most));
    const sum = new Float32Array(most);
    const room = {
      terms, bits: terms.map(bitsOf), sum, sumBits: bitsOf(sum),
      signs: new Uint8Array(most), kept: new Uint8Array(most), other: new Uint8Array(most),
    };
    const drawn = law.keys ? new Uint32Array(Uint8Array.from(atob(law.keys), (c) => c.charCodeAt(0)).buffer) : null;
    const keyOf = (t, m) => (drawn ? [drawn[2 * (t * models + m)], drawn[2 * (t * models + m) + 1]] : [0, 0]);
    tensors.forEach((tensor) => { tensor.draws = []; }); // of another seed
    const keys = tensors.map((_, t) => Array.from({ length: models }, (__, m) => keyOf(t, m)));
    const numel = tensors.reduce((sum, { n }) => sum + n, 0);

    // The lanes' numbers for a tensor: one object for each model; null where the lanes are others than the law's.
    function numbersOf(lanes, tensor) {
      const half = tensor.attention ? '#attention' : '#rest';
      const found = law.models.map((paths) => {
        const own = {};
        for (const [name, path] of Object.entries(paths)) own[name] = (lanes[path] ?? lanes[path + half])?.[tensor.column];
        return own;
      });
      return found.every((own) => Object.values(own).every(Number.isFinite)) ? found : null;
    }

    // methods.deltas._within: Python refuses these, in words
    const refused = (own) => law.trim === 'ranked' && own.density > 0 && own.density < 1
      && !(own.epsilon < Math.min(own.density, 1 - own.density));

    // `until`: when to stop (performance.now), for a first round in idle time; true where all is measured
    function measureAll(lanes, until = Infinity) {
      for (let t = 0; t < tensors.length; t += 1) {
        const numbers = numbersOf(lanes, tensors[t]);
        if (!numbers || numbers.some(refused)) return null;
        const said = numbers.map((own) => Object.values(own).join()).join(';');
        if (known[t].said !== said) {
          if (performance.now() > until) return false;
          known[t] = { said, found: measured(law, tensors[t], numbers, keys[t], room) };
        }
      }
      return true;
    }

    function meter(lanes) {
      if (!measureAll(lanes)) return null;
      const cells = sketch.rows.map(() => Array.from({ length: sketch.columns }, () => [0, 0]));
      let clash = 0;
      const [kept, pull] = [new Array(models).fill(0), new Array(models).fill(0)];
      tensors.forEach(({ row, column, n }, t) => {
        const { found } = known[t];
        const cell = cells[row][column];
        cell[0] += found.clash;
        cell[1] += n;
        clash += found.clash;
        for (let m = 0; m < models; m += 1) {
          kept[m] += found.kept[m];
          pull[m] += found.pull[m];
        }
      });
      const whole = pull.reduce((a, b) => a + b, 0);
      const remarks = {};
      law.models.forEach((paths, m) => {
        const text = `keeps ${percent(kept[m] / numel)} of its changes, gives ${percent(whole ? pull[m] / whole : 0)} of the result`;
        for (const path of Object.values(paths)) remarks[path] = text;
      });
      return {
        rows: sketch.rows.map((label, r) => ({ label, values: cells[r].map(([c, n]) => (n ? c / n : null)) })),
        summary: models > 1 ? `${percent(clash / numel)} of the weights are pulled both ways` : 'One model alone: nothing to disagree with.',
        lanes: remarks,
      };
    }
    meter.warm = measureAll;
    return meter;
  }

  return { sketchOf, meterOf };
})();
