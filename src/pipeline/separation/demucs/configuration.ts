import { inspect } from 'node:util';
import { z } from 'zod';
import { SAMPLE_RATE } from '../../audio/song.ts';
import { WorkerError } from '../../errors.ts';

/** What can be transformed, see `RealFft`. */
const LEAST_NFFT = 32;
/** Seconds of a segment beyond which a network takes more memory than machines have; the releases' have 7.8. */
const LONGEST_SEGMENT = 60;
/** A parameter's value in a message. */
const VALUE_CHARACTERS = 80;
/** A rational number as a checkpoint stores it. */
const fraction = z.object({ numerator: z.coerce.number(), denominator: z.coerce.number().positive() });
const count = z.number().int().positive();
/** A duration in seconds, as whole frames. */
const duration = z.union([
  z
    .number()
    .positive()
    .transform((seconds) => Math.trunc(SAMPLE_RATE * seconds)),
  fraction.transform(({ numerator, denominator }) => Math.trunc((SAMPLE_RATE * numerator) / denominator)),
]);
const flag = (fallback: boolean) =>
  z
    .union([z.boolean(), z.literal([0, 1])])
    .default(fallback)
    .transform(Boolean);
/** A parameter whose other values would make a network that is not built here. */
const only = <T extends z.core.util.Literal>(value: T) => z.literal(value).default(value as never);

/**
 * Parameters of the HTDemucs class as a checkpoint records them, with the class's own defaults. What has no effect on a
 * trained network (initialisation, dropout, learning rates) is passed over.
 */
const parameters = z.object({
  sources: z
    .array(z.string().regex(/^[a-z][a-z0-9_]*$/))
    .min(1)
    .refine((names) => new Set(names).size === names.length, 'expected names that differ'),
  audio_channels: only(2),
  samplerate: only(SAMPLE_RATE),
  segment: duration
    .refine((frames) => frames <= LONGEST_SEGMENT * SAMPLE_RATE, `expected at most ${LONGEST_SEGMENT} s`)
    .default(10 * SAMPLE_RATE),
  use_train_segment: only(true),
  channels: count.default(48),
  growth: count.default(2),
  depth: count.default(4),
  nfft: count
    .refine(
      (n) => n >= LEAST_NFFT && Number.isInteger(Math.log2(n)),
      `expected a power of two from ${LEAST_NFFT}`,
    )
    .default(4096),
  cac: only(true),
  rewrite: only(true),
  freq_emb: z.number().nullable().default(0.2),
  emb_scale: z.number().default(10),
  kernel_size: only(8),
  stride: only(4),
  context: z.number().int().min(0).default(1),
  context_enc: z.number().int().min(0).default(0),
  norm_starts: count.default(4),
  dconv_mode: z.literal([0, 1, 2, 3]).default(1),
  dconv_depth: count.default(2),
  dconv_comp: z.number().positive().default(8),
  bottom_channels: z.number().int().min(0).default(0),
  t_layers: z.number().int().min(0).default(5),
  t_emb: only('sin'),
  t_hidden_scale: z.number().positive().default(4),
  t_heads: count.default(8),
  t_norm_in: only(true),
  t_norm_in_group: flag(false).refine((on) => !on, 'expected false'),
  t_group_norm: flag(false).refine((on) => !on, 'expected false'),
  t_norm_first: only(true),
  t_norm_out: flag(true).refine((on) => on, 'expected true'),
  t_max_period: z.number().positive().default(10_000),
  t_layer_scale: flag(true),
  t_gelu: flag(true),
  t_weight_pos_embed: z.number().default(1),
  t_sin_random_shift: only(0),
  t_sparse_self_attn: only(false),
  t_sparse_cross_attn: only(false),
  t_cross_first: flag(false),
  multi_freqs: z.union([z.null(), z.array(z.never())]).default(null),
  channels_time: z.number().nullable().default(null),
});

/** An HTDemucs network's shape. */
export interface Configuration
  extends Omit<z.infer<typeof parameters>, 'segment' | 'multi_freqs' | 'channels_time'> {
  /** Frames of audio that the network takes at a time. */
  readonly segmentFrames: number;
  /** Samples between two spectra. */
  readonly hop: number;
  /** Spectra of a segment. */
  readonly spectra: number;
  /** Frequency bins of a spectrum; the highest, Nyquist's, is left out. */
  readonly bins: number;
}

/**
 * The configuration that a checkpoint's keyword arguments describe.
 *
 * @throws WorkerError `model_unavailable` that names the parameter which makes it a network of another kind.
 */
export function readConfiguration(kwargs: Readonly<Record<string, unknown>>): Configuration {
  const parsed = parameters.safeParse(kwargs);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const name = String(issue.path[0]);
    throw unsupported(`'${name}' is ${describe(kwargs[name])} (${issue.message})`);
  }
  const { multi_freqs: _, channels_time, segment: segmentFrames, ...known } = parsed.data;
  const { nfft, depth, channels, norm_starts, kernel_size, stride, bottom_channels, growth, t_heads } = known;
  if (channels_time !== null && channels_time !== channels)
    throw unsupported(`'channels_time' is ${channels_time}, not 'channels' (${channels})`);
  if (norm_starts < depth) throw unsupported(`'norm_starts' is ${norm_starts}, below the depth (${depth})`);
  const bins = nfft / 2;
  if (bins / stride ** (depth - 1) <= kernel_size)
    throw unsupported(`'depth' is ${depth}, too deep for ${bins} frequency bins`);
  if (segmentFrames < nfft)
    throw unsupported(`'segment' is ${segmentFrames} frames, shorter than a spectrum's window (${nfft})`);
  const width = bottom_channels || channels * growth ** (depth - 1);
  if (width % (4 * t_heads) !== 0)
    throw unsupported(`'t_heads' is ${t_heads}, which ${width} channels can't be shared out to`);
  const hop = nfft / 4;
  return { ...known, segmentFrames, hop, spectra: Math.ceil(segmentFrames / hop), bins };
}

/** Channels of the outermost level (0) to the innermost. */
export const levelChannels = ({ channels, growth, depth }: Configuration): number[] =>
  Array.from({ length: depth }, (_, level) => channels * growth ** level);

function unsupported(what: string): WorkerError {
  return new WorkerError(
    'model_unavailable',
    `The checkpoint's network can't be built: its parameter ${what}. Networks of the HTDemucs releases are supported.`,
  );
}

function describe(value: unknown): string {
  return value === undefined ? 'missing' : inspect(value).slice(0, VALUE_CHARACTERS);
}
