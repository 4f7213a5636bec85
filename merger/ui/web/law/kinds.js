// What a sample of the models' deltas and a law are; merger/ui/sketch.py makes them.

/**
 * A tensor of the sample as Python sends it: column, whether it is attention, positions, and the two words of the hash that
 * breaks ties. Of each column its layer, counted from 1; 0 for what is none.
 * @typedef {[number, number, number, number, number]} Packed
 * @typedef {{layers: number[], models: number, tensors: Packed[], data: string}} Sample
 */

/**
 * @typedef {object} Tensor
 * @property {number} column
 * @property {boolean} attention
 * @property {number} n positions
 * @property {[number, number]} ties the words of the hash that breaks them
 * @property {Float32Array[]} deltas of each model
 * @property {Int32Array[]} bits the same numbers' bits
 * @property {Float32Array[]} sorted magnitudes from the smallest; kept, as all below
 * @property {Float64Array[]} shares ranks from 0 (smallest) to 1
 * @property {number[]} lengths sums of magnitudes
 * @property {Float32Array[]} draws the random numbers of the masks
 */

/** @typedef {{layers: number[], models: number, tensors: Tensor[]}} Sketch */

/**
 * How the recipe's method trims and votes, and where its numbers stand in the Mixer.
 * @typedef {object} Law
 * @property {'all' | 'largest' | 'random' | 'middle' | 'ranked'} trim
 * @property {boolean} vote
 * @property {boolean | 'inverse' | string} rescale
 * @property {Record<string, string>[]} models for each model: a number's name -> the path of its lane
 * @property {string} [keys] base64 of the words that seed the masks
 */

/** @typedef {{weight: number, density: number, gamma: number, epsilon: number}} Numbers of one model in one column */

export {};
