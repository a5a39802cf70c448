import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { WorkerError } from '../errors.ts';
import { convertCheckpoint } from '../separation/demucs/convert.ts';
import { buildModel, type Converter } from './build.ts';
import { type CheckpointFile, checkpointFile, inPlace } from './checkpoint-file.ts';
import { type FetchOptions, fetchFile } from './fetch.ts';
import { lockModels } from './lock.ts';
import { ADDRESS, MODEL_NAME, MODEL_NAMES, type ModelEntry, modelEntry } from './manifest.ts';
import { type InstalledModel, installedModel } from './store.ts';

type ModelSettings = Pick<Config, 'modelsDir' | 'modelsUrl'>;

export interface InstallOptions {
  /** Makes the files for onnxruntime from a checkpoint. */
  readonly convert?: Converter;
}

/** `signal` ends the work between two networks at the latest. */
export interface FetchModelOptions extends InstallOptions, FetchOptions {}

/**
 * Downloads the released checkpoints of the model `name`, converts them and installs the model, in the place of one that is
 * there. The checkpoints are deleted afterwards.
 *
 * @throws WorkerError `model_unavailable` that tells what to do; its cause is the failure alone.
 */
export async function fetchModel(
  name: string,
  { modelsDir, modelsUrl }: ModelSettings,
  { convert = convertCheckpoint, ...options }: FetchModelOptions = {},
): Promise<InstalledModel> {
  const entry = modelEntry(name);
  if (!entry)
    throw new WorkerError(
      'model_unavailable',
      `There is no released model '${name}'. Known: ${MODEL_NAMES.join(', ')}.`,
    );
  requireNetworks(entry);
  const downloads = join(modelsDir, '.downloads');
  await mkdir(downloads, { recursive: true });
  using _lock = lockModels(join(modelsDir, '.lock'));
  const checkpoints: CheckpointFile[] = [];
  for (const network of entry.networks) {
    const path = await fetchFile(network, modelsUrl ?? ADDRESS, downloads, options).catch((error) => {
      throw error instanceof WorkerError ? withAdvice(error, entry) : error;
    });
    checkpoints.push({ path, ...network });
  }
  await buildModel(modelsDir, name, checkpoints, entry.networks, (path, folder) => {
    options.signal?.throwIfAborted();
    return convert(path, folder);
  });
  for (const { path } of checkpoints) await rm(path);
  return installedModel(modelsDir, name)!;
}

/**
 * Converts checkpoints on this disk and installs them as the model `name`: as many as the released model of that name has
 * networks, in its order, or one under a name of one's own. Each network tells whether its weights are the released ones.
 *
 * @throws WorkerError `model_unavailable`.
 */
export async function importModel(
  files: readonly string[],
  name: string,
  { modelsDir }: Pick<ModelSettings, 'modelsDir'>,
  { convert = convertCheckpoint }: InstallOptions = {},
): Promise<InstalledModel> {
  const entry = modelEntry(name);
  if (entry) requireNetworks(entry);
  if (!MODEL_NAME.test(name))
    throw new WorkerError(
      'model_unavailable',
      `'${name}' cannot be a model's name: lower-case letters, digits, - and _ can, at most 64.`,
    );
  const networks = entry?.networks ?? [];
  const needed = entry ? networks.length : 1;
  if (files.length !== needed) {
    const order = networks.map(({ file }) => file).join(' ');
    throw new WorkerError(
      'model_unavailable',
      `The model '${name}' is made of ${needed} file${needed > 1 ? `s, in this order: ${order}` : ''}; ${files.length} came.`,
    );
  }
  const given = await Promise.all(files.map(checkpointFile));
  await mkdir(modelsDir, { recursive: true });
  using _lock = lockModels(join(modelsDir, '.lock'));
  await buildModel(modelsDir, name, entry ? inPlace(given, networks) : given, networks, convert);
  return installedModel(modelsDir, name)!;
}

function requireNetworks({ name, networks }: ModelEntry): void {
  if (networks.length > 0) return;
  throw new WorkerError(
    'model_unavailable',
    `The model '${name}' is part of this program; it needs no files.`,
  );
}

/** What to do where this machine cannot fetch the files itself. */
function withAdvice(error: WorkerError, { name, networks }: ModelEntry): WorkerError {
  const files = networks.map(({ file }) => file).join(' ');
  return new WorkerError(
    error.code,
    `${error.message} Try again, set MODELS_URL to a mirror, or download on another machine and run: npm run models -- import ${files} --as ${name}`,
    { cause: error },
  );
}
