import type { Configuration } from '../configuration.ts';
import { bytesOf, type GraphBuilder, type Value } from './graph.ts';
import { gelu, NORM_EPSILON, reshape, standardise } from './layers.ts';
import type { Linear, LinearBuilder } from './linear.ts';
import { MICROSOFT } from './onnx.ts';
import { planePositions, positions } from './positions.ts';

/** Tokens of both branches: `[height * width, channels]`, time by time. */
export interface Tokens {
  readonly spectra: Value;
  readonly samples: Value;
}

export interface TransformerShape {
  readonly channels: number;
  /** Frequencies and times of the spectral branch, innermost. */
  readonly height: number;
  readonly width: number;
  /** Times of the branch of samples, innermost. */
  readonly length: number;
}

const NAME = 'crosstransformer';

/** The transformer between encoder and decoder: layers that attend to their own branch and, by turns, to the other. */
export function crossTransformer(
  g: GraphBuilder,
  linear: LinearBuilder,
  configuration: Configuration,
  shape: TransformerShape,
  tokens: Tokens,
): Tokens {
  const { channels, height, width, length } = shape;
  const { t_max_period: period, t_weight_pos_embed: weight, t_layers, t_cross_first } = configuration;
  const embed = (x: Value, norm: string, count: number, embedding: () => Float32Array) => {
    const table = g.derive({
      name: `${NAME}.${norm}.positions`,
      type: 'float32',
      shape: [count, channels],
      compute: () => bytesOf(embedding().map((value) => weight * value)),
    });
    return g.node('Add', [layerNorm(g, x, `${NAME}.${norm}`, channels), table]);
  };
  let spectra = embed(tokens.spectra, 'norm_in', height * width, () =>
    planePositions(height, width, channels, period),
  );
  let samples = embed(tokens.samples, 'norm_in_t', length, () => positions(length, channels, period));
  for (let i = 0; i < t_layers; i++) {
    const crosses = (i % 2 === 1) !== t_cross_first;
    const layer = (name: string, x: Value, other: Value) =>
      g.within(`${NAME}.${name}.${i}`, () =>
        transformerLayer(
          g,
          linear,
          configuration,
          channels,
          `${NAME}.${name}.${i}`,
          x,
          crosses ? other : undefined,
        ),
      );
    [spectra, samples] = [layer('layers', spectra, samples), layer('layers_t', samples, spectra)];
  }
  return { spectra, samples };
}

/** One layer on `x`, `[tokens, channels]`, with keys and values from `other` or, without it, from `x` itself. */
function transformerLayer(
  g: GraphBuilder,
  linear: LinearBuilder,
  { t_heads, t_hidden_scale, t_gelu, t_layer_scale }: Configuration,
  channels: number,
  name: string,
  x: Value,
  other?: Value,
): Value {
  const hidden = Math.trunc(channels * t_hidden_scale);
  const attention = `${name}.${other ? 'cross_attn' : 'self_attn'}`;
  const scale = (gamma: string) => (t_layer_scale ? `${name}.${gamma}.scale` : undefined);

  const query = layerNorm(g, x, `${name}.norm1`, channels);
  const source = other ? layerNorm(g, other, `${name}.norm2`, channels) : query;
  const project = (from: Value, part: number) =>
    linear(g, from, {
      weight: `${attention}.in_proj_weight`,
      bias: `${attention}.in_proj_bias`,
      inputs: channels,
      rows: 3 * channels,
      range: [part * channels, (part + 1) * channels],
    });
  const heads = [project(query, 0), project(source, 1), project(source, 2)];
  const attended = attend(g, heads, t_heads);
  x = g.node('Add', [
    linear(g, attended, { ...layerOf(`${attention}.out_proj`, channels, channels), scale: scale('gamma_1') }),
    x,
  ]);

  const inner = linear(
    g,
    layerNorm(g, x, `${name}.${other ? 'norm3' : 'norm2'}`, channels),
    layerOf(`${name}.linear1`, channels, hidden),
  );
  const activated = t_gelu ? gelu(g, inner) : g.node('Relu', [inner]);
  x = g.node('Add', [
    linear(g, activated, { ...layerOf(`${name}.linear2`, hidden, channels), scale: scale('gamma_2') }),
    x,
  ]);
  return normOverAll(g, x, `${name}.norm_out`, channels);
}

const layerOf = (name: string, inputs: number, rows: number): Linear => ({
  weight: `${name}.weight`,
  bias: `${name}.bias`,
  inputs,
  rows,
});

/** Attention by onnxruntime's own operator, which never holds the whole matrix of scores. */
function attend(g: GraphBuilder, queryKeyValue: Value[], heads: number): Value {
  const batched = queryKeyValue.map((x) => g.node('Unsqueeze', [x, g.integers([0])]));
  const attended = g.node('MultiHeadAttention', batched, { num_heads: heads }, MICROSOFT);
  return g.node('Squeeze', [attended, g.integers([0])]);
}

function layerNorm(g: GraphBuilder, x: Value, name: string, channels: number): Value {
  const inputs = [x, g.weight(`${name}.weight`, [channels]), g.weight(`${name}.bias`, [channels])];
  return g.node('LayerNormalization', inputs, { axis: -1, epsilon: { float: NORM_EPSILON } });
}

/** Normalisation over all tokens and channels together. */
function normOverAll(g: GraphBuilder, x: Value, name: string, channels: number): Value {
  const { centred, inverse } = standardise(g, x, [0, 1]);
  const gain = g.node('Mul', [inverse, g.weight(`${name}.weight`, [channels])]);
  return g.node('Add', [g.node('Mul', [centred, gain]), g.weight(`${name}.bias`, [channels])]);
}

/** `[1, channels, height, width]` as tokens. */
export function toTokens(g: GraphBuilder, x: Value, channels: number): Value {
  return reshape(g, g.node('Transpose', [x], { perm: [0, 3, 2, 1] }), [-1, channels]);
}

/** Tokens as `[1, channels, height, width]`. */
export function fromTokens(g: GraphBuilder, x: Value, channels: number, height: number): Value {
  return g.node('Transpose', [reshape(g, x, [1, -1, height, channels])], { perm: [0, 3, 2, 1] });
}
