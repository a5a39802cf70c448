import type { Precision } from '../../../config.ts';
import { type Configuration, levelChannels } from '../configuration.ts';
import { GraphBuilder, type Value } from './graph.ts';
import { convolve, convolveTransposed, gatedConvolve, gelu, mean, NORM_EPSILON, reshape } from './layers.ts';
import { linearIn } from './linear.ts';
import type { Port } from './onnx.ts';
import { residualBranch } from './residual.ts';
import { crossTransformer, fromTokens, toTokens } from './transformer.ts';

/** Channels of the audio, and of its spectra: real and imaginary part of each. */
const AUDIO = 2;
const PARTS = 2 * AUDIO;
/** Samples that a convolution over four takes from either side. */
const BORDER = 2;

/** Inputs and outputs of a network; the batch is 1. */
export interface Ports {
  /** `mix [1, 2, segmentFrames]` and `spectra [1, 4, bins, spectra]` (left re, left im, right re, right im). */
  readonly inputs: readonly [mix: Port, spectra: Port];
  /** `wave [1, stems, 2, segmentFrames]` and `masked [1, stems, 4, bins, spectra]`: a stem is the sum of both. */
  readonly outputs: readonly [wave: Port, masked: Port];
}

export function portsOf({ sources, segmentFrames, bins, spectra }: Configuration): Ports {
  const stems = sources.length;
  return {
    inputs: [
      { name: 'mix', shape: [1, AUDIO, segmentFrames] },
      { name: 'spectra', shape: [1, PARTS, bins, spectra] },
    ],
    outputs: [
      { name: 'wave', shape: [1, stems, AUDIO, segmentFrames] },
      { name: 'masked', shape: [1, stems, PARTS, bins, spectra] },
    ],
  };
}

/**
 * Builds HTDemucs (Rouard, Massa & Défossez 2023): a U-net on spectra and one on samples, joined at the bottom by a
 * transformer that lets each attend to the other.
 *
 * @param shapes of the checkpoint's tensors, by their names in the state dict.
 * @throws WorkerError `model_unavailable` where the tensors do not fit the configuration.
 */
export function buildNetwork(
  configuration: Configuration,
  shapes: ReadonlyMap<string, readonly number[]>,
  precision: Precision,
): GraphBuilder {
  const g = new GraphBuilder(shapes);
  const { inputs, outputs } = portsOf(configuration);
  const spectra = normalise(g, inputs[1]);
  const samples = normalise(g, inputs[0]);

  const encodedSpectra = encode(g, spectralBranch(configuration), spectra.normalised);
  const encodedSamples = encode(
    g,
    sampleBranch(configuration),
    g.node('Unsqueeze', [samples.normalised, g.integers([2])]),
  );
  const [x, xt] = bottom(g, configuration, precision, encodedSpectra, encodedSamples);
  const masked = decode(g, spectralBranch(configuration), x, encodedSpectra.skips);
  const wave = decode(g, sampleBranch(configuration), xt, encodedSamples.skips);

  restore(g, masked, spectra, outputs[1]);
  restore(g, wave, samples, outputs[0]);
  return g;
}

interface Normalised {
  readonly normalised: Value;
  readonly mean: Value;
  readonly deviation: Value;
}

/** A whole input at mean 0 and (unbiased) standard deviation 1. */
function normalise(g: GraphBuilder, { name, shape }: Port): Normalised {
  const axes = shape.map((_, axis) => axis).slice(1);
  const count = shape.reduce((a, b) => a * b);
  const average = mean(g, name, axes);
  const centred = g.node('Sub', [name, average]);
  const biased = mean(g, g.node('Mul', [centred, centred]), axes);
  const deviation = g.node('Sqrt', [g.node('Mul', [biased, g.real(count / (count - 1))])]);
  const normalised = g.node('Div', [centred, g.node('Add', [deviation, g.real(NORM_EPSILON)])]);
  return { normalised, mean: average, deviation };
}

/** Undoes a normalisation, stem by stem, into an output. */
function restore(g: GraphBuilder, x: Value, { mean, deviation }: Normalised, { name, shape }: Port): void {
  const scalar = (value: Value) =>
    reshape(
      g,
      value,
      shape.map(() => 1),
    );
  const scaled = g.node('Mul', [reshape(g, x, shape), scalar(deviation)]);
  g.output(name, 'Add', [scaled, scalar(mean)]);
}

/** What one of the two U-nets is like; its axes are `[1, channels, height, width]`. */
interface Branch {
  readonly encoder: string;
  readonly decoder: string;
  readonly spectral: boolean;
  readonly configuration: Configuration;
  /** Channels that go in, and that come out for all stems. */
  readonly inputs: number;
  readonly outputs: number;
  /** The size that shrinks (frequencies, or samples) at every level and below the last. */
  readonly sizes: readonly number[];
}

function spectralBranch(configuration: Configuration): Branch {
  const { depth, bins, stride, sources } = configuration;
  return {
    encoder: 'encoder',
    decoder: 'decoder',
    spectral: true,
    configuration,
    inputs: PARTS,
    outputs: PARTS * sources.length,
    sizes: Array.from({ length: depth + 1 }, (_, level) => bins / stride ** level),
  };
}

function sampleBranch(configuration: Configuration): Branch {
  const { depth, segmentFrames, stride, sources } = configuration;
  const sizes = [segmentFrames];
  for (let level = 0; level < depth; level++) sizes.push(Math.ceil(sizes[level] / stride));
  return {
    encoder: 'tencoder',
    decoder: 'tdecoder',
    spectral: false,
    configuration,
    inputs: AUDIO,
    outputs: AUDIO * sources.length,
    sizes,
  };
}

interface Encoded {
  /** What each level gives, the innermost last. */
  readonly skips: readonly Value[];
  readonly branch: Branch;
}

function encode(g: GraphBuilder, branch: Branch, x: Value): Encoded {
  const { configuration, spectral, sizes } = branch;
  const { kernel_size, stride, context_enc, freq_emb, emb_scale, dconv_mode } = configuration;
  const skips: Value[] = [];
  for (const [level, channels] of levelChannels(configuration).entries()) {
    const name = `${branch.encoder}.${level}`;
    x = g.within(name, () => {
      const from = level === 0 ? branch.inputs : levelChannels(configuration)[level - 1];
      // Samples are filled up with zeros to a whole number of strides.
      const fill = spectral ? 0 : sizes[level + 1] * stride - sizes[level];
      const shape = along(spectral, kernel_size, stride, BORDER, BORDER + fill);
      let y = gelu(g, convolve(g, x, `${name}.conv`, [from, channels], spectral, shape));
      if (dconv_mode & 1) y = residual(g, branch, y, `${name}.dconv`, channels, sizes[level + 1]);
      y = gatedConvolve(g, y, `${name}.rewrite`, channels, spectral, around(spectral, context_enc));
      if (level > 0 || !spectral || !freq_emb) return y;
      const embedding = g.weight('freq_emb.embedding.weight', [sizes[1], channels]);
      const scaled = g.node('Mul', [embedding, g.real(freq_emb * emb_scale)]);
      const columns = g.node('Transpose', [scaled], { perm: [1, 0] });
      return g.node('Add', [y, g.node('Unsqueeze', [columns, g.integers([0, 3])])]);
    });
    skips.push(x);
  }
  return { skips, branch };
}

function decode(g: GraphBuilder, branch: Branch, x: Value, skips: readonly Value[]): Value {
  const { configuration, spectral, sizes } = branch;
  const { depth, kernel_size, stride, context, dconv_mode } = configuration;
  const widths = levelChannels(configuration);
  for (let level = depth - 1; level >= 0; level--) {
    const name = `${branch.decoder}.${depth - 1 - level}`;
    const channels = widths[level];
    x = g.within(name, () => {
      const joined = g.node('Add', [x, skips[level]]);
      let y = gatedConvolve(g, joined, `${name}.rewrite`, channels, spectral, around(spectral, context));
      if (dconv_mode & 2) y = residual(g, branch, y, `${name}.dconv`, channels, sizes[level + 1]);
      const full = (sizes[level + 1] - 1) * stride + kernel_size;
      const shape = along(spectral, kernel_size, stride, BORDER, full - BORDER - sizes[level]);
      const to = level === 0 ? branch.outputs : widths[level - 1];
      const z = convolveTransposed(g, y, `${name}.conv_tr`, [channels, to], spectral, shape);
      return level === 0 ? z : gelu(g, z);
    });
  }
  return x;
}

/** A convolution along the axis that shrinks: frequency on spectra, time on samples. */
function along(spectral: boolean, kernel: number, stride: number, before: number, after: number) {
  return spectral
    ? ({ kernel: [kernel, 1], stride: [stride, 1], pads: [before, 0, after, 0] } as const)
    : ({ kernel: [1, kernel], stride: [1, stride], pads: [0, before, 0, after] } as const);
}

/** A convolution that looks `context` steps around, on spectra in time and frequency. */
function around(spectral: boolean, context: number) {
  const width = 2 * context + 1;
  return spectral
    ? ({ kernel: [width, width], pads: [context, context, context, context] } as const)
    : ({ kernel: [1, width], pads: [0, context, 0, context] } as const);
}

function residual(
  g: GraphBuilder,
  { configuration, spectral }: Branch,
  x: Value,
  name: string,
  channels: number,
  size: number,
): Value {
  const { dconv_depth: depth, dconv_comp: compression, spectra } = configuration;
  const plane = spectral ? { height: size, width: spectra } : { height: 1, width: size };
  return residualBranch(g, x, name, { channels, compression, depth, ...plane });
}

/** The transformer, with 1x1 convolutions around it where its width is another one. */
function bottom(
  g: GraphBuilder,
  configuration: Configuration,
  precision: Precision,
  spectra: Encoded,
  samples: Encoded,
): [spectra: Value, samples: Value] {
  const { depth, bottom_channels, t_layers } = configuration;
  const [x, xt] = [spectra.skips[depth - 1], samples.skips[depth - 1]];
  if (t_layers === 0) return [x, xt];
  const inner = levelChannels(configuration)[depth - 1];
  const channels = bottom_channels || inner;
  const resize = (from: Value, name: string, sizes: [number, number]) =>
    bottom_channels ? convolve(g, from, name, sizes, false, { kernel: [1, 1] }) : from;
  const height = spectra.branch.sizes[depth];
  const shape = { channels, height, width: configuration.spectra, length: samples.branch.sizes[depth] };
  const tokens = crossTransformer(g, linearIn[precision], configuration, shape, {
    spectra: toTokens(g, resize(x, 'channel_upsampler', [inner, channels]), channels),
    samples: toTokens(g, resize(xt, 'channel_upsampler_t', [inner, channels]), channels),
  });
  return [
    resize(fromTokens(g, tokens.spectra, channels, height), 'channel_downsampler', [channels, inner]),
    resize(fromTokens(g, tokens.samples, channels, 1), 'channel_downsampler_t', [channels, inner]),
  ];
}
