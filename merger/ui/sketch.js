// What a drag does to the strip, from a sample of every tensor's deltas: no call to Python while a hand moves.
//
// Operation by operation what merger/methods and merger/ops.py do in torch, in float32 where they do (Math.fround), so that
// the counts are the same. sketch.py tells what a sample and a law are; tests compare both sides for every method.
//
// sketchOf(sample)        -> the deltas, decoded (a promise: in pieces, so that no frame waits)
// meterOf(sketch, law)    -> (lanes) => {rows, summary, lanes} as the Mixer's `stats`, or null where only Python can say
const { sketchOf, meterOf } = (() => {
  const f = Math.fround;

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
      return { row, column, attention: Boolean(attention), n, ties: [first, second], deltas, sorted: [], shares: [] };
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

  // trims.largest as a test of one element
  function largest(sorted, k, ties) {
    const n = sorted.length;
    if (k <= 0) return () => false;
    if (k >= n) return () => true;
    const [cut, room] = cutFor(sorted, k);
    if (room >= 1) return (size) => size >= cut;
    return (size, i) => size > cut || (size === cut && uniform(i, ...ties) < room);
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

  // What a trim leaves of one model's delta. `numbers`: {density, gamma, epsilon}; `key`: of its random mask
  function trimmed(law, tensor, m, numbers, key, out) {
    const delta = tensor.deltas[m];
    const { n } = tensor;
    const { density } = numbers;
    if (law.trim === 'all' || density >= 1) {
      out.set(delta);
      return;
    }
    let inverse = null; // della: each change has a chance of its own
    let keep;
    if (density <= 0 && law.trim !== 'middle') keep = () => false;
    else if (law.trim === 'largest') keep = largest(sortedOf(tensor, m), Math.max(1, Math.trunc(density * n)), tensor.ties);
    else if (law.trim === 'random') {
      const chance = f(density);
      keep = (_, i) => uniform(i, ...key) < chance;
    } else if (law.trim === 'middle') {
      const count = Math.trunc(density * n);
      const top = Math.min(Math.trunc(numbers.gamma * n), n - count);
      const [inner, outer] = [largest(sortedOf(tensor, m), top + count, tensor.ties), largest(sortedOf(tensor, m), top, tensor.ties)];
      keep = (size, i) => inner(size, i) && !outer(size, i);
    } else {
      const shares = sharesOf(tensor, m);
      const chance = (i) => Math.min(1, Math.max(0, density + numbers.epsilon * (2 * shares[i] - 1)));
      keep = (_, i) => uniform(i, ...key) < chance(i);
      if (law.rescale === 'inverse') inverse = chance;
    }
    let [before, after] = [0, 0];
    for (let i = 0; i < n; i += 1) {
      const x = delta[i];
      const size = Math.abs(x);
      before += size;
      if (keep(size, i)) {
        out[i] = inverse ? f(x / inverse(i)) : x;
        after += size;
      } else out[i] = 0;
    }
    if (inverse || !law.rescale) return;
    if (law.rescale === 'inverse') {
      if (density > 0) for (let i = 0; i < n; i += 1) out[i] = f(out[i] / f(density));
    } else if (before >= 1e-7 && after >= 1e-7) {
      const scale = f(before / after);
      for (let i = 0; i < n; i += 1) out[i] = f(out[i] * scale);
    }
  }

  // analysis.counted_up: {clash, kept: [], pull: []} of one tensor
  function measured(law, tensor, numbers, keys, room) {
    const { n, deltas } = tensor;
    const models = deltas.length;
    const kept = new Array(models).fill(0);
    const pull = new Array(models).fill(0);
    const weights = numbers.map(({ weight }) => f(weight));
    const terms = deltas.map((_, m) => {
      const out = room[m].subarray(0, n);
      trimmed(law, tensor, m, numbers[m], keys[m], out);
      const w = weights[m];
      for (let i = 0; i < n; i += 1) {
        if (out[i] !== 0) kept[m] += 1;
        out[i] = f(out[i] * w);
      }
      return out;
    });
    let clash = 0;
    for (let i = 0; i < n; i += 1) {
      let sum = 0;
      let [up, down] = [false, false];
      for (let m = 0; m < models; m += 1) {
        const x = terms[m][i];
        sum = f(sum + x);
        up ||= x > 0;
        down ||= x < 0;
      }
      if (up && down) clash += 1;
      for (let m = 0; m < models; m += 1) {
        const x = terms[m][i];
        if (!law.vote || (sum < 0 ? x < 0 : x > 0)) pull[m] += Math.abs(x);
      }
    }
    return { clash, kept, pull };
  }

  const words = (share) => `${Math.round(100 * share)}%`;

  function meterOf(sketch, law) {
    const { tensors, models } = sketch;
    const known = tensors.map(() => ({ said: '', found: null }));
    const room = Array.from({ length: models }, () => new Float32Array(Math.max(0, ...tensors.map(({ n }) => n))));
    const drawn = law.keys ? new Uint32Array(Uint8Array.from(atob(law.keys), (c) => c.charCodeAt(0)).buffer) : null;
    const keyOf = (t, m) => (drawn ? [drawn[2 * (t * models + m)], drawn[2 * (t * models + m) + 1]] : [0, 0]);
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
    const refused = (own) => law.trim === 'small' && own.density > 0 && own.density < 1
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
        const text = `keeps ${words(kept[m] / numel)} of its changes, gives ${words(whole ? pull[m] / whole : 0)} of the result`;
        for (const path of Object.values(paths)) remarks[path] = text;
      });
      return {
        rows: sketch.rows.map((label, r) => ({ label, values: cells[r].map(([c, n]) => (n ? c / n : null)) })),
        summary: models > 1 ? `${words(clash / numel)} of the weights are pulled both ways` : 'One model alone: nothing to disagree with.',
        lanes: remarks,
      };
    }
    meter.warm = measureAll;
    return meter;
  }

  return { sketchOf, meterOf };
})();
