import type { Precision } from '../../../config.ts';
import type { GraphBuilder, Value } from './graph.ts';
import { slice } from './layers.ts';
import { quantized } from './quantized-linear.ts';

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
