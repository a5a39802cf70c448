import { createRequire } from 'node:module';
import { type DecoderReport, decoderReport } from './audio/decoder/report.ts';
import { type Config, readConfig, wrongSetting } from './config.ts';
import { asWorkerError, WorkerError } from './errors.ts';
import { faultOf } from './models/faults.ts';
import { type ModelState, modelState } from './models/store.ts';
import { knownModels } from './separation/registry.ts';
import { openContainer } from './storage/container.ts';
import { requireUsableSettings } from './usable-settings.ts';

export type ServiceState = 'available' | 'missing' | 'broken' | 'unavailable';
export interface ServiceHealth {
  /** Whether songs can be analysed; a fall-back stands in for a model that is not there. */
  readonly healthy: boolean;
  readonly services: Record<'demucs' | 'spectral' | 'essentia' | 'ffmpeg' | 'storage', ServiceState>;
  /** For services that are not available or should be replaced, and for wrong settings: why, and what to do. */
  readonly reasons: { readonly demucs?: string; readonly ffmpeg?: string; readonly settings?: string };
  /** Of what others make and this worker finds on its machine. */
  readonly versions: { readonly ffmpeg?: string };
}

/** How long an answer about the storage is good for. */
const STORAGE_FRESH_MS = 10_000;
/** Health answers within 100 ms: a storage that needs longer counts as unavailable until it has answered. */
const PATIENCE_MS = 80;

let known: { at: number; state: ServiceState } = { at: 0, state: 'unavailable' };
let asking: Promise<void> | undefined;

/** The state of everything that a run needs. With a wrong setting nothing runs, and nothing else is looked at. */
export async function serviceHealth(): Promise<ServiceHealth> {
  try {
    return await configuredHealth(readConfig());
  } catch (error) {
    if (!(error instanceof WorkerError) || error.code !== 'misconfigured') throw error;
    const state: ServiceState = 'unavailable';
    return {
      healthy: false,
      services: { demucs: state, spectral: state, essentia: state, ffmpeg: state, storage: state },
      reasons: { settings: error.message },
      versions: {},
    };
  }
}

async function configuredHealth(config: Config): Promise<ServiceHealth> {
  const demucs = separatorState(config);
  const essentia = isThere(() => createRequire(import.meta.url).resolve('essentia.js'));
  const [storage, decoder, settings] = await Promise.all([
    storageState(),
    decoderState(),
    settingsFault(config),
  ]);
  const ffmpeg = decoder.state;
  return {
    healthy:
      !settings &&
      canSeparate(config, demucs) &&
      [essentia, ffmpeg, storage].every((state) => state === 'available'),
    services: { demucs: demucs.state, spectral: 'available', essentia, ffmpeg, storage },
    reasons: {
      demucs: demucs.reason,
      ffmpeg: decoder.reason,
      settings: settings ?? (config.warnings.join(' ') || undefined),
    },
    versions: { ffmpeg: decoder.version },
  };
}

/** The configured model: as its files are, and as its last try in this process went. */
function separatorState({ modelsDir, model }: Config): ModelState {
  const known = knownModels(modelsDir);
  if (!known.includes(model))
    return {
      state: 'missing',
      reason: wrongSetting('DEMUCS_MODEL', model, `expected one of ${known.join(', ')}`),
    };
  const files = modelState(modelsDir, model);
  const fault = faultOf(modelsDir, model);
  return files.state === 'available' && fault ? { state: 'broken', reason: fault } : files;
}

/**
 * Whether the configured model separates, or the fall-back in its place: that does so for files that aren't there or are
 * damaged, and not for a model that is unknown or fails.
 */
export function canSeparate(config: Config, { state }: ModelState = separatorState(config)): boolean {
  if (state === 'available') return true;
  const { modelsDir, model, modelFallback } = config;
  const isThere = (name: string) => modelState(modelsDir, name).state === 'available';
  return (
    knownModels(modelsDir).includes(model) &&
    !isThere(model) &&
    modelFallback !== undefined &&
    isThere(modelFallback)
  );
}

/** The decoder's version is asked of it once; until it has answered, it counts as there. */
async function decoderState(): Promise<{ state: ServiceState; version?: string; reason?: string }> {
  const later = new Promise<undefined>((resolve) =>
    setTimeout(() => resolve(undefined), PATIENCE_MS).unref(),
  );
  try {
    const report: DecoderReport | undefined = await Promise.race([decoderReport(), later]);
    return { state: 'available', version: report?.version, reason: report?.warning };
  } catch (error) {
    return { state: 'missing', reason: asWorkerError(error).message };
  }
}

async function storageState(): Promise<ServiceState> {
  if (Date.now() - known.at > STORAGE_FRESH_MS) {
    asking ??= askStorage().finally(() => {
      asking = undefined;
    });
    await Promise.race([asking, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  }
  return known.state;
}

async function askStorage(): Promise<void> {
  let state: ServiceState;
  try {
    const abortSignal = AbortSignal.timeout(STORAGE_FRESH_MS);
    state = (await openContainer(readConfig()).exists({ abortSignal })) ? 'available' : 'missing';
  } catch {
    state = 'unavailable';
  }
  known = { at: Date.now(), state };
}

/** What only shows where a setting is used. */
async function settingsFault(config: Config): Promise<string | undefined> {
  try {
    openContainer(config);
    await requireUsableSettings(config);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function isThere(locate: () => unknown): ServiceState {
  try {
    locate();
    return 'available';
  } catch {
    return 'missing';
  }
}
