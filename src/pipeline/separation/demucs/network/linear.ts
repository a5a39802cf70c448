import type { Precision } from '../../../config.ts';
import { bytesOf, type GraphBuilder, type ReadTensor, type Value } from './graph.ts';
import { slice } from './layers.ts';
import { MICROSOFT } from './onnx.ts';

/** A linear layer `y = scale * (W x + b)` on rows of `inputs` values. */
export interface Linear {
  readonly weight: string;
  readonly bias: string;
  readonly inputs: number;
  /** Rows of the weight as the checkpoint has it. */
  readonly rows: number;
  /** The layer uses the rows `from` to `to` only; absent, all. */
  readonly range?: readonly [from: number, to: number];
  /** A tensor of `rows` factors that the result is multiplied by. */
  readonly scale?: string;
}

/** Adds linear layers, each in its precision. */
export type LinearBuilder = (g: GraphBuilder, x: Value, layer: Linear) => Value;

export const linearIn: Readonly<Record<Precision, LinearBuilder>> = { fp32: exact, int8: quantized };

function exact(g: GraphBuilder, x: Value, { weight, bias, inputs, rows, range, scale }: Linear): Value {
  let w = g.weight(weight, [rows, inputs]);
  let b = g.weight(bias, [rows]);
  if (range) {
    w = slice(g, w, ...range);
    b = slice(g, b, ...range);
  }
  if (scale) {
    const factors = g.weight(scale, [rows]);
    w = g.node('Mul', [w, g.node('Unsqueeze', [factors, g.integers([1])])]);
    b = g.node('Mul', [b, factors]);
  }
  return g.node('Gemm', [x, w, b], { transB: 1 });
}

/** Largest magnitude of a quantized weight. */
const INT8_MAX = 127;

/**
 * Weights in signed 8-bit integers with one scale for each output, activations quantized on the way: the one kind of
 * quantization that is both faster here and true to about 59 dB.
 */
function quantized(g: GraphBuilder, x: Value, layer: Linear): Value {
  const { weight, bias, inputs, rows, range: [from, to] = [0, rows] } = layer;
  const outputs = to - from;
  const name = `${weight}[${from}:${to}]`;
  const one = (read: ReadTensor) => quantize(read, layer, from, to);
  const column = { type: 'int8', shape: [outputs] } as const;
  return g.node(
    'DynamicQuantizeMatMul',
    [
      x,
      g.derive({
        name: `${name}.int8`,
        type: 'int8',
        shape: [inputs, outputs],
        compute: async (read) => bytesOf((await one(read)).weights),
      }),
      g.derive({
        name: `${name}.scale`,
        type: 'float32',
        shape: [outputs],
        compute: async (read) => bytesOf((await one(read)).scales),
      }),
      g.derive({ name: `${name}.zero`, ...column, compute: () => new Uint8Array(outputs) }),
      g.derive({
        name: `${bias}[${from}:${to}]`,
        type: 'float32',
        shape: [outputs],
        compute: async (read) => bytesOf((await one(read)).biases),
      }),
    ],
    {},
    MICROSOFT,
  );
}

/** Rows `from` to `to` of a layer: weights as `[inputs, outputs]`, scales and biases by output. */
async function quantize(
  read: ReadTensor,
  { weight, bias, inputs, scale }: Linear,
  from: number,
  to: number,
): Promise<{ weights: Int8Array; scales: Float32Array; biases: Float32Array }> {
  const [w, b, factors] = await Promise.all([read(weight), read(bias), scale ? read(scale) : undefined]);
  const outputs = to - from;
  const weights = new Int8Array(inputs * outputs);
  const scales = new Float32Array(outputs);
  const biases = new Float32Array(outputs);
  for (let output = 0; output < outputs; output++) {
    const row = w.subarray((from + output) * inputs, (from + output + 1) * inputs);
    const factor = factors?.[from + output] ?? 1;
    const largest = row.reduce((max, value) => Math.max(max, Math.abs(value * factor)), 0);
    const step = largest / INT8_MAX || 1;
    scales[output] = step;
    biases[output] = b[from + output] * factor;
    for (let i = 0; i < inputs; i++) weights[i * outputs + output] = Math.round((row[i] * factor) / step);
  }
  return { weights, scales, biases };
}
