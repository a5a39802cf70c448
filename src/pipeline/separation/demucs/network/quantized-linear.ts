import { bytesOf, type GraphBuilder, type ReadTensor, type Value } from './graph.ts';
import type { Linear } from './linear.ts';
import { ELEMENT, MICROSOFT } from './onnx.ts';

/**
 * A processor without VNNI multiplies activations (unsigned) by weights (signed) with `vpmaddubsw`: it adds two products in
 * 16 bits, and what doesn't fit is cut off. The activations have 7 bits, so that every sum of two fits, and all processors
 * give the same sums. Weights of 7 bits would do as well, and are 3 to 4 dB worse on small networks; unsigned weights of
 * 8 bits are 4 dB better, and VNNI is not used for them: half of what `int8` gains in time is lost.
 */
const WEIGHT_MAX = 127;
/** Steps from the least to the greatest activation. Both ends are rounded, so that the greatest can be one more. */
const ACTIVATION_STEPS = 127;

/** Keeps the step of activations that are all zero above zero. */
const LEAST_RANGE = 1e-20;

/** Weights in 8 bits with one scale for each output; activations quantized on the way, in 7 bits with one scale for all. */
export function quantized(g: GraphBuilder, x: Value, layer: Linear): Value {
  const { weight, bias, rows, inputs, range: [from, to] = [0, rows] } = layer;
  const outputs = to - from;
  const name = `${weight}[${from}:${to}]`;
  const quantize = (read: ReadTensor) => quantizedRows(read, layer, from, to);
  const weights = g.derive({
    name: `${name}.int8`,
    type: 'int8',
    shape: [inputs, outputs],
    compute: async (read) => bytesOf((await quantize(read)).weights),
  });
  const weightSteps = g.derive({
    name: `${name}.scale`,
    type: 'float32',
    shape: [outputs],
    compute: async (read) => bytesOf((await quantize(read)).steps),
  });
  const weightZeros = g.derive({
    name: `${name}.zero`,
    type: 'int8',
    shape: [outputs],
    compute: () => new Uint8Array(outputs),
  });
  const biases = g.derive({
    name: `${bias}[${from}:${to}]`,
    type: 'float32',
    shape: [outputs],
    compute: async (read) => bytesOf((await quantize(read)).biases),
  });
  const { activations, step, zero } = quantizedActivations(g, x);
  const inputsOfProduct = [activations, weights, step, weightSteps, zero, weightZeros, biases];
  return g.node('MatMulIntegerToFloat', inputsOfProduct, {}, MICROSOFT);
}

/** Quantizes `x` from its least to its greatest value. Layers with one input share the work: onnxruntime merges equal nodes. */
function quantizedActivations(g: GraphBuilder, x: Value): { activations: Value; step: Value; zero: Value } {
  const least = g.node('Min', [g.node('ReduceMin', [x], { keepdims: 0 }), g.real(0)]);
  const greatest = g.node('Max', [g.node('ReduceMax', [x], { keepdims: 0 }), g.real(0)]);
  const range = g.node('Max', [g.node('Sub', [greatest, least]), g.real(LEAST_RANGE)]);
  const step = g.node('Div', [range, g.real(ACTIVATION_STEPS)]);
  const below = g.node('Round', [g.node('Div', [g.node('Neg', [least]), step])]);
  const zero = g.node('Cast', [below], { to: ELEMENT.uint8 });
  return { activations: g.node('QuantizeLinear', [x, step, zero]), step, zero };
}

/** Rows `from` to `to` of a layer: weights as `[inputs, outputs]`, steps and biases by output. */
async function quantizedRows(
  read: ReadTensor,
  { weight, bias, inputs, scale }: Linear,
  from: number,
  to: number,
): Promise<{ weights: Int8Array; steps: Float32Array; biases: Float32Array }> {
  const [w, b, factors] = await Promise.all([read(weight), read(bias), scale ? read(scale) : undefined]);
  const outputs = to - from;
  const weights = new Int8Array(inputs * outputs);
  const steps = new Float32Array(outputs);
  const biases = new Float32Array(outputs);
  for (let output = 0; output < outputs; output++) {
    const row = w.subarray((from + output) * inputs, (from + output + 1) * inputs);
    const factor = factors?.[from + output] ?? 1;
    const largest = row.reduce((max, value) => Math.max(max, Math.abs(value * factor)), 0);
    const step = largest / WEIGHT_MAX || 1;
    steps[output] = step;
    biases[output] = b[from + output] * factor;
    for (let i = 0; i < inputs; i++) weights[i * outputs + output] = Math.round((row[i] * factor) / step);
  }
  return { weights, steps, biases };
}
