import type { GraphBuilder, Value } from './graph.ts';

/** Keeps a division by a deviation finite, in every normalisation of the network. */
export const NORM_EPSILON = 1e-5;
/**
 * From this length on, an axis is summed up in blocks. onnxruntime adds one value after the other; where many are equal,
 * as in silence, all its rounding errors have one sign.
 */
const LONG = 1024;
const BLOCK = 128;

export interface Convolution {
  /** Height (frequency) and width (time). */
  readonly kernel: readonly [number, number];
  readonly stride?: readonly [number, number];
  /** Begin of height and width, end of height and width. */
  readonly pads?: readonly [number, number, number, number];
  readonly dilation?: number;
}

export const gelu = (g: GraphBuilder, x: Value): Value => g.node('Gelu', [x]);

/** Rows `from` to `to` along `axis`. */
export function slice(g: GraphBuilder, x: Value, from: number, to: number, axis = 0): Value {
  return g.node('Slice', [x, g.integers([from]), g.integers([to]), g.integers([axis])]);
}

export function reshape(g: GraphBuilder, x: Value, shape: readonly number[]): Value {
  return g.node('Reshape', [x, g.integers(shape)]);
}

/**
 * Mean over `axes`, the last first and one at a time: a mean over all at once loses 50 dB of precision. `width` is the
 * length of the last axis, where that may be long.
 */
export function mean(g: GraphBuilder, x: Value, axes: readonly number[], width = 0): Value {
  return [...axes]
    .sort((a, b) => b - a)
    .reduce((m, axis) => g.node('ReduceMean', [m, g.integers([axis])]), blockMeans(g, x, width));
}

/** Means of blocks of a long last axis, `width` long, scaled so that their mean is that of all; a short one is left as it is. */
function blockMeans(g: GraphBuilder, x: Value, width: number): Value {
  const blocks = blocksOf(width);
  if (blocks === 1) return x;
  const means = g.node('AveragePool', [x], {
    kernel_shape: [1, BLOCK],
    strides: [1, BLOCK],
    pads: [0, 0, 0, blocks * BLOCK - width],
    count_include_pad: 1,
  });
  return g.node('Mul', [means, g.real((blocks * BLOCK) / width)]);
}

/** Products of all rows with one another: `[1, height, rows, width]` to `[1, height, rows, rows]`. */
export function scatter(
  g: GraphBuilder,
  x: Value,
  [height, rows, width]: readonly [number, number, number],
): Value {
  const squared = (y: Value) => g.node('MatMul', [y, g.node('Transpose', [y], { perm: [0, 1, 3, 2] })]);
  const blocks = blocksOf(width);
  if (blocks === 1) return squared(x);
  const padded = g.node('Pad', [x, g.integers([0, 0, 0, 0, 0, 0, 0, blocks * BLOCK - width])]);
  const parts = g.node('Transpose', [reshape(g, padded, [height, rows, blocks, BLOCK])], {
    perm: [0, 2, 1, 3],
  });
  const sum = g.node('ReduceSum', [squared(parts), g.integers([1])]);
  return reshape(g, sum, [1, height, rows, rows]);
}

const blocksOf = (width: number): number => (width < LONG ? 1 : Math.ceil(width / BLOCK));

/** `x` without its mean over `axes`, and one over its (biased) standard deviation; `width` as for `mean`. */
export function standardise(
  g: GraphBuilder,
  x: Value,
  axes: readonly number[],
  width = 0,
): { centred: Value; inverse: Value } {
  const centred = g.node('Sub', [x, mean(g, x, axes, width)]);
  const variance = mean(g, g.node('Mul', [centred, centred]), axes, width);
  return { centred, inverse: inverseDeviation(g, variance) };
}

export function inverseDeviation(g: GraphBuilder, variance: Value): Value {
  return g.node('Reciprocal', [g.node('Sqrt', [g.node('Add', [variance, g.real(NORM_EPSILON)])])]);
}

/**
 * Weight and bias of the convolution `name`. Time convolutions have weights of three axes; as two-dimensional ones they
 * run in onnxruntime's blocked layout.
 */
function parameters(
  g: GraphBuilder,
  name: string,
  channels: readonly [number, number],
  biases: number,
  spectral: boolean,
  [height, width]: Convolution['kernel'],
): [weight: Value, bias: Value] {
  const shape = spectral ? [...channels, height, width] : [...channels, width];
  const weight = g.weight(`${name}.weight`, shape);
  return [
    spectral ? weight : g.node('Unsqueeze', [weight, g.integers([2])]),
    g.weight(`${name}.bias`, [biases]),
  ];
}

function run(g: GraphBuilder, op: string, inputs: Value[], shape: Convolution): Value {
  const { kernel, stride = [1, 1], pads = [0, 0, 0, 0], dilation = 1 } = shape;
  return g.node(op, inputs, { kernel_shape: kernel, strides: stride, pads, dilations: [1, dilation] });
}

/** Channels that go in and that come out. */
type Channels = readonly [from: number, to: number];

/** A convolution with the weights `name`, over frequency and time on spectra, else over time. */
export function convolve(
  g: GraphBuilder,
  x: Value,
  name: string,
  [from, to]: Channels,
  spectral: boolean,
  shape: Convolution,
): Value {
  return run(g, 'Conv', [x, ...parameters(g, name, [to, from], to, spectral, shape.kernel)], shape);
}

/** The same the other way round: it widens where a convolution narrows. */
export function convolveTransposed(
  g: GraphBuilder,
  x: Value,
  name: string,
  [from, to]: Channels,
  spectral: boolean,
  shape: Convolution,
): Value {
  return run(g, 'ConvTranspose', [x, ...parameters(g, name, [from, to], to, spectral, shape.kernel)], shape);
}

/**
 * A convolution to twice the channels with a gated linear unit, as two convolutions: the sigmoid is then fused into the
 * second, and no tensor of double size is made.
 */
export function gatedConvolve(
  g: GraphBuilder,
  x: Value,
  name: string,
  channels: number,
  spectral: boolean,
  shape: Convolution,
): Value {
  const wide = 2 * channels;
  const tensors = parameters(g, name, [wide, channels], wide, spectral, shape.kernel);
  const half = (from: number) =>
    run(g, 'Conv', [x, ...tensors.map((tensor) => slice(g, tensor, from, from + channels))], shape);
  return g.node('Mul', [half(0), g.node('Sigmoid', [half(channels)])]);
}
