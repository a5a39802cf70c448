import type { Config } from '../pipeline/config.ts';
import { WorkerError } from '../pipeline/errors.ts';
import { fetchModel } from '../pipeline/models/install.ts';
import { modelEntry } from '../pipeline/models/manifest.ts';
import { modelState } from '../pipeline/models/store.ts';
import { chooseSeparator } from '../pipeline/separation/registry.ts';
import { DownloadBar } from './download-bar.ts';

/** Somebody waits for an analysis: a server that doesn't answer soon is as good as none. */
const ANSWER_MS = 5_000;
const STALL_MS = 15_000;

/**
 * Sees to it that `name` can separate the `wanted` stems (all, where undefined): fetches the weights of a released model that is not installed. Where that can't be and
 * there is a fall-back, stderr says in one line what is gone on with and how to get the better one.
 *
 * @throws WorkerError `model_unavailable` where there is no fall-back, or it doesn't give these stems.
 */
export async function obtainModel(
  name: string,
  wanted: readonly string[] | undefined,
  config: Config,
): Promise<void> {
  const { state, reason } = modelState(config.modelsDir, name);
  if (state === 'available') return;
  const entry = modelEntry(name);
  const { modelFallback: fallback } = config;
  const standsIn = canChoose(name, wanted, config);
  if (!entry && standsIn) return console.error(`${reason} Going on with ${fallback}.`);
  if (!entry) throw new WorkerError('model_unavailable', reason!);
  console.error(`Fetching the weights of ${name}. ${entry.licence}`);
  try {
    using bar = new DownloadBar();
    const onProgress = bar.update.bind(bar);
    await fetchModel(name, config, { onProgress, answerMs: ANSWER_MS, stallMs: STALL_MS });
  } catch (error) {
    if (!standsIn || !(error instanceof Error)) throw error;
    const { message } = error.cause instanceof Error ? error.cause : error;
    console.error(`${message} Going on with ${fallback}; to get ${name}: npm run models -- fetch ${name}`);
  }
}

/** Whether something can separate these stems as the models are now. */
function canChoose(name: string, wanted: readonly string[] | undefined, config: Config): boolean {
  try {
    chooseSeparator(name, wanted, config);
    return true;
  } catch {
    return false;
  }
}
