import type { GraphBuilder, Value } from './graph.ts';
import { convolve, gelu, inverseDeviation, mean, reshape, scatter, slice, standardise } from './layers.ts';

/** Width of a dilated convolution. */
const KERNEL = 3;

export interface Residual {
  readonly channels: number;
  /** Spectra or, for samples, 1. */
  readonly height: number;
  readonly width: number;
  /** Channels over those of the bottleneck. */
  readonly compression: number;
  /** Layers; with a negative count they are not dilated. */
  readonly depth: number;
}

/**
 * The residual branch `DConv` on `[1, channels, height, width]`: each row of the height for itself goes through layers of
 * a dilated convolution to a bottleneck and a gated one back.
 */
export function residualBranch(g: GraphBuilder, x: Value, name: string, shape: Residual): Value {
  for (let layer = 0; layer < Math.abs(shape.depth); layer++) {
    const dilation = shape.depth > 0 ? 2 ** layer : 1;
    x = residualLayer(g, x, `${name}.layers.${layer}`, shape, dilation);
  }
  return x;
}

function residualLayer(
  g: GraphBuilder,
  x: Value,
  name: string,
  { channels, height, width, compression }: Residual,
  dilation: number,
): Value {
  const hidden = Math.trunc(channels / compression);
  const perChannel = (tensor: Value) => reshape(g, tensor, [1, -1, 1, 1]);
  const pad = dilation * ((KERNEL - 1) / 2);
  const narrow = convolve(g, x, `${name}.0`, [channels, hidden], false, {
    kernel: [1, KERNEL],
    pads: [0, pad, 0, pad],
    dilation,
  });
  const { centred, inverse } = standardise(g, narrow, [1, 3], width);
  const scaled = g.node('Mul', [
    g.node('Mul', [centred, inverse]),
    perChannel(g.weight(`${name}.1.weight`, [hidden])),
  ]);
  const h = gelu(g, g.node('Add', [scaled, perChannel(g.weight(`${name}.1.bias`, [hidden]))]));

  // The 1x1 convolution W h + b, its normalisation (gain, shift), the gate and the layer scale. Mean and variance of
  // W h + b follow from those of h, so that the normalisation becomes part of the weights and the wide tensor is made once.
  const wide = 2 * channels;
  const weight = reshape(g, g.weight(`${name}.3.weight`, [wide, hidden, 1]), [wide, hidden]);
  const bias = g.weight(`${name}.3.bias`, [wide]);
  const gain = g.weight(`${name}.4.weight`, [wide]);
  const shift = g.weight(`${name}.4.bias`, [wide]);
  const layerScale = g.weight(`${name}.6.scale`, [channels]);
  const column = (tensor: Value) => g.node('Unsqueeze', [tensor, g.integers([1])]);

  const rows = g.node('Transpose', [h], { perm: [0, 2, 1, 3] }); // [1, height, hidden, width]
  const rowMean = mean(g, rows, [3], width);
  const deviations = g.node('Sub', [rows, rowMean]);
  const products = scatter(g, deviations, [height, hidden, width]);
  const gram = g.node('MatMul', [g.node('Transpose', [weight], { perm: [1, 0] }), weight]);
  const within = g.node('Div', [
    g.node('ReduceSum', [g.node('Mul', [products, gram]), g.integers([2, 3])]),
    g.real(width * wide),
  ]);
  const wideMean = g.node('Add', [g.node('MatMul', [weight, rowMean]), column(bias)]); // [1, height, wide, 1]
  const average = g.node('ReduceMean', [wideMean, g.integers([2])]);
  const between = g.node('Sub', [wideMean, average]);
  const variance = g.node('Add', [within, mean(g, g.node('Mul', [between, between]), [2])]);
  const perRow = (tensor: Value) => reshape(g, tensor, [1, 1, height, 1]);
  const rowScale = perRow(inverseDeviation(g, variance));
  const rowShift = g.node('Mul', [perRow(average), rowScale]);

  const spread = (tensor: Value) => g.node('Expand', [tensor, g.integers([1, 1, height, width])]);
  const extended = g.node('Concat', [g.node('Mul', [h, rowScale]), spread(rowScale), spread(rowShift)], {
    axis: 1,
  });
  const folded = g.node(
    'Concat',
    [
      g.node('Mul', [weight, column(gain)]),
      column(g.node('Mul', [bias, gain])),
      g.node('Neg', [column(gain)]),
    ],
    { axis: 1 },
  );
  const kernel = reshape(g, folded, [wide, hidden + 2, 1, 1]);
  const conv = (w: Value, b: Value) => g.node('Conv', [extended, w, b], { kernel_shape: [1, 1] });
  const signal = conv(
    g.node('Mul', [slice(g, kernel, 0, channels), reshape(g, layerScale, [-1, 1, 1, 1])]),
    g.node('Mul', [slice(g, shift, 0, channels), layerScale]),
  );
  const gate = conv(slice(g, kernel, channels, wide), slice(g, shift, channels, wide));
  return g.node('Add', [g.node('Mul', [signal, g.node('Sigmoid', [gate])]), x]);
}
