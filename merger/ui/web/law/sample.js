// The sample of the models' deltas, as it comes from Python.

/** @typedef {import('./kinds.js').Sketch} Sketch */

/** @param {Float32Array} floats */
export const bitsOf = (floats) => new Int32Array(floats.buffer, floats.byteOffset, floats.length);

const PIECE = 1 << 18; // of four characters each

/**
 * base64 -> bytes, a piece at a time, so that no frame waits.
 * @param {string} text
 */
async function bytesOf(text) {
  const bytes = new Uint8Array((text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0));
  for (let from = 0, at = 0; from < text.length; from += 4 * PIECE) {
    const part = atob(text.slice(from, from + 4 * PIECE));
    for (let i = 0; i < part.length; i += 1) bytes[at + i] = part.charCodeAt(i);
    at += part.length;
    await new Promise((go) => {
      setTimeout(go);
    });
  }
  return bytes;
}

/**
 * @param {import('./kinds.js').Sample} sample
 * @returns {Promise<Sketch>}
 */
export async function sketchOf(sample) {
  const values = new Float32Array((await bytesOf(sample.data)).buffer);
  let at = 0;
  const tensors = sample.tensors.map(([column, attention, n, first, second]) => {
    const deltas = Array.from({ length: sample.models }, (_, m) => values.subarray(at + m * n, at + (m + 1) * n));
    at += n * sample.models;
    /** @type {[number, number]} */
    const ties = [first, second];
    const kept = { sorted: [], shares: [], lengths: [], draws: [] };
    return { column, attention: Boolean(attention), n, ties, deltas, bits: deltas.map(bitsOf), ...kept };
  });
  return { layers: sample.layers, models: sample.models, tensors };
}
