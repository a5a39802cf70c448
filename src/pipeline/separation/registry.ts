import { type Config, wrongSetting } from '../config.ts';
import type { SeparationPlan } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { nearestName } from '../field-names.ts';
import { MODEL_NAMES, modelEntry } from '../models/manifest.ts';
import { installedModel, listInstalled, modelState } from '../models/store.ts';
import { complementOf } from './complement.ts';
import { Segmentation } from './demucs/segments.ts';
import { STRIDE_FRAMES } from './spectral/grid.ts';
import { STEMS } from './spectral/masks.ts';
import { CHORD_STEMS } from './stem-names.ts';

/** The separator that needs no weights. */
export const SPECTRAL = 'spectral';
/** Segments per part. A part begins with segments that the one before it works through too: they should be few of many. */
const PART_SEGMENTS = { spectral: 12, demucs: 20 } as const;

type ModelSettings = Pick<Config, 'model' | 'modelsDir' | 'modelFallback' | 'network' | 'partSegments'>;
/** A plan for songs of any length. */
export type SeparatorSettings = Omit<SeparationPlan, 'segments' | 'run'>;

interface SeparatorDescription
  extends Pick<SeparationPlan, 'precision' | 'overlap' | 'stride_frames' | 'part_segments'> {
  /** Each goes through the song by itself and gives its stems. */
  readonly networks: readonly {
    readonly stems: readonly string[];
    /** SHA-256 of its checkpoint, in hex; null without one. */
    readonly weights: string | null;
  }[];
}

/**
 * Settles what separates when `asked` (the configured model, where undefined) and the stems `wanted` (all, where undefined)
 * were asked for. Only where the configuration names a fall-back (the local commands do, Azure does not) may it be another model; the result
 * then names both. Names that mean nothing are an error everywhere.
 *
 * @throws WorkerError `invalid_request` or `misconfigured` for unknown names, `model_unavailable` with the reason where
 * the model isn't there.
 */
export function chooseSeparator(
  asked: string | undefined,
  wanted: readonly string[] | undefined,
  config: ModelSettings,
): SeparatorSettings {
  requireKnown(asked, wanted, config);
  const requested = asked ?? config.model;
  const model = resolveModel(requested, config);
  const { networks, ...description } = describeSeparator(model, config);
  const stems = networks.flatMap((network) => network.stems);
  if (wanted) {
    if (model !== requested && !wanted.every((stem) => stems.includes(stem)))
      throw unavailable(requested, config);
    requireStems(model, wanted, stems);
  }
  const used = networks.filter((network) => !wanted || network.stems.some((stem) => wanted.includes(stem)));
  const passes = used.map((network) =>
    wanted
      ? withComplement(
          network.stems.filter((stem) => wanted.includes(stem)),
          wanted,
        )
      : network.stems,
  );
  return {
    model,
    requested,
    weights: used.flatMap(({ weights }) => weights ?? []),
    ...description,
    stems: passes.flat(),
    passes,
    chord_stems: chordStems(stems, wanted ?? stems),
  };
}

/**
 * Refuses a model that nobody knows and stems that it doesn't give. Whether the model is there is another question.
 *
 * @param asked the caller's model; undefined, the setting's is looked at.
 * @throws WorkerError that tells the known ones: `invalid_request`, or `misconfigured` where the setting names an unknown model.
 */
export function requireKnown(
  asked: string | undefined,
  wanted: readonly string[] | undefined,
  config: Pick<Config, 'model' | 'modelsDir'>,
): void {
  const model = asked ?? config.model;
  const known = knownModels(config.modelsDir);
  if (!known.includes(model)) {
    const expected = `expected one of ${known.join(', ')}`;
    throw asked === undefined
      ? new WorkerError('misconfigured', wrongSetting('DEMUCS_MODEL', model, expected))
      : new WorkerError('invalid_request', `model: ${expected}; got '${model}'.${suggestion(model, known)}`);
  }
  const stems = wanted && (modelEntry(model)?.stems ?? stemsOfInstalled(model, config.modelsDir));
  if (stems) requireStems(model, wanted, stems);
}

/** @throws WorkerError `misconfigured` where the fall-back is a model that nobody knows. */
export function requireKnownFallback({
  modelFallback,
  modelsDir,
}: Pick<Config, 'modelFallback' | 'modelsDir'>): void {
  const known = knownModels(modelsDir);
  if (modelFallback === undefined || known.includes(modelFallback)) return;
  throw new WorkerError(
    'misconfigured',
    wrongSetting('MODEL_FALLBACK', modelFallback, `expected one of ${known.join(', ')}`),
  );
}

/** The stems of a model of one's own; undefined where it is damaged, which the run tells. */
function stemsOfInstalled(model: string, modelsDir: string): readonly string[] | undefined {
  if (modelState(modelsDir, model).state !== 'available') return undefined;
  return installedModel(modelsDir, model)!.networks.flatMap(({ stems }) => stems);
}

/** Every model that may be asked for: the known ones, and those of one's own that are installed. */
export function knownModels(modelsDir: string): string[] {
  return [...new Set([...MODEL_NAMES, ...listInstalled(modelsDir)])];
}

function requireStems(model: string, wanted: readonly string[], stems: readonly string[]): void {
  const unknown = wanted.find((stem) => !stems.includes(stem));
  if (unknown === undefined) return;
  throw new WorkerError(
    'invalid_request',
    `stems: the model '${model}' gives ${stems.join(', ')}; got '${unknown}'.${suggestion(unknown, stems)}`,
  );
}

function suggestion(given: string, known: readonly string[]): string {
  const nearest = nearestName(given, known);
  return nearest ? ` Did you mean '${nearest}'?` : '';
}

/** The stems to read chords from: all of the model's that carry them, or none, for what is missing would be missed. */
function chordStems(stems: readonly string[], wanted: readonly string[]): readonly string[] {
  const [bass, other] = CHORD_STEMS;
  const carrying = CHORD_STEMS.filter((stem) => stems.includes(stem) || stem === bass || stem === other);
  return carrying.every((stem) => wanted.includes(stem)) ? carrying : [];
}

/** One stem alone comes with what it leaves of the song. */
function withComplement(stems: readonly string[], wanted: readonly string[]): readonly string[] {
  return new Set(wanted).size === 1 ? [...stems, ...stems.map(complementOf)] : stems;
}

function resolveModel(requested: string, config: ModelSettings): string {
  for (const model of [requested, config.modelFallback])
    if (model !== undefined && modelState(config.modelsDir, model).state === 'available') return model;
  throw unavailable(requested, config);
}

const unavailable = (model: string, { modelsDir }: ModelSettings): WorkerError =>
  new WorkerError('model_unavailable', modelState(modelsDir, model).reason!);

function describeSeparator(model: string, config: ModelSettings): SeparatorDescription {
  const { modelsDir, network, partSegments } = config;
  if (model === SPECTRAL) {
    return {
      precision: null,
      overlap: null,
      stride_frames: STRIDE_FRAMES,
      part_segments: partSegments ?? PART_SEGMENTS.spectral,
      networks: [{ stems: STEMS, weights: null }],
    };
  }
  const { networks } = installedModel(modelsDir, model)!;
  const { precision, overlap } = network;
  const { stride, lead } = new Segmentation(networks[0].segment_frames, overlap);
  return {
    precision,
    overlap,
    stride_frames: stride,
    part_segments: partSegments ?? PART_SEGMENTS.demucs * Math.max(1, lead),
    networks: networks.map(({ stems, checkpoint }) => ({ stems, weights: checkpoint.sha256 })),
  };
}
