import { existsSync, readdirSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkerError } from '../errors.ts';
import { sha256Of } from './checksum.ts';
import { type InstalledNetwork, type ModelDescription, readDescription } from './description.ts';
import { MODEL_NAME, modelEntry } from './manifest.ts';

export interface InstalledModel {
  readonly name: string;
  /** Absolute, or relative to the working directory as `MODELS_DIR` is. */
  readonly folder: string;
  /** The stems of all networks, in order. */
  readonly stems: readonly string[];
  /** `folder` of each is a path as the model's is. */
  readonly networks: readonly InstalledNetwork[];
}

export interface ModelState {
  readonly state: 'available' | 'missing' | 'broken';
  /** What is wrong and what to do about it, where the state is not `available`. */
  readonly reason?: string;
}

/**
 * The model as it is installed, or undefined where it is not. Looks at names and sizes only, so that it is cheap.
 *
 * @throws WorkerError `model_unavailable` where it is damaged, with what is wrong and what to do.
 */
export function installedModel(modelsDir: string, name: string): InstalledModel | undefined {
  const folder = join(modelsDir, name);
  if (!MODEL_NAME.test(name) || !existsSync(folder)) return undefined;
  const networks = described(name, folder).networks.map((network) => ({
    ...network,
    folder: join(folder, network.folder),
  }));
  for (const network of networks)
    for (const { name: file, bytes } of network.files) {
      const path = join(network.folder, file);
      const found = statSync(path, { throwIfNoEntry: false });
      if (!found) throw damaged(name, `${path} is missing`);
      if (found.size !== bytes) throw damaged(name, `${path} has ${found.size} bytes instead of ${bytes}`);
    }
  return { name, folder, stems: networks.flatMap(({ stems }) => stems), networks };
}

/** Whether a model can separate here; one that needs no files always can. */
export function modelState(modelsDir: string, name: string): ModelState {
  if (modelEntry(name)?.networks.length === 0) return { state: 'available' };
  try {
    if (installedModel(modelsDir, name)) return { state: 'available' };
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error;
    return { state: 'broken', reason: error.message };
  }
  return { state: 'missing', reason: `The model '${name}' is not in ${modelsDir}: run ${remedy(name)}.` };
}

/** Tells apart what is in a model's folder now and what was, by when its files were written; empty where there is no model. */
export function installationOf(modelsDir: string, name: string): string {
  const folder = join(modelsDir, name);
  if (!MODEL_NAME.test(name) || !existsSync(folder)) return '';
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => `${file} ${statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs}`)
    .sort()
    .join();
}

/** Names of the models in the folder, damaged ones too. */
export function listInstalled(modelsDir: string): string[] {
  if (!existsSync(modelsDir)) return [];
  return readdirSync(modelsDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && MODEL_NAME.test(entry.name))
    .map((entry) => entry.name)
    .sort();
}

/**
 * Reads every file of a model and compares its SHA-256 with the one noted when it was installed.
 *
 * @throws WorkerError `model_unavailable` where the model is missing or damaged; it names the file that differs.
 */
export async function verifyModel(modelsDir: string, name: string): Promise<InstalledModel> {
  const model = installedModel(modelsDir, name);
  if (!model) throw new WorkerError('model_unavailable', modelState(modelsDir, name).reason!);
  for (const network of model.networks) await verifyNetwork(name, network);
  return model;
}

/** Does what `verifyModel` does for one network of the model `name`. */
export async function verifyNetwork(name: string, { folder, files }: InstalledNetwork): Promise<void> {
  for (const { name: file, sha256 } of files) {
    const path = join(folder, file);
    if ((await sha256Of(path)) !== sha256) throw damaged(name, `${path} is not what was installed`);
  }
}

/** @throws WorkerError `model_unavailable` where there is no such model. */
export async function removeModel(modelsDir: string, name: string): Promise<void> {
  if (!listInstalled(modelsDir).includes(name))
    throw new WorkerError('model_unavailable', `There is no model '${name}' in ${modelsDir}.`);
  // Renamed first: a removal that is cut short leaves no half model behind.
  const leaving = join(modelsDir, `.${name}.${process.pid}.removed.partial`);
  await rename(join(modelsDir, name), leaving);
  await rm(leaving, { recursive: true, force: true });
}

function described(name: string, folder: string): ModelDescription {
  let model: ModelDescription;
  try {
    model = readDescription(folder);
  } catch (error) {
    throw damaged(name, error instanceof Error ? error.message : String(error));
  }
  if (model.name !== name) throw damaged(name, `${folder} holds the model '${model.name}'`);
  return model;
}

function damaged(name: string, what: string): WorkerError {
  return new WorkerError(
    'model_unavailable',
    `The model '${name}' is damaged: ${what}. Run ${remedy(name)}.`,
  );
}

const remedy = (name: string): string =>
  modelEntry(name) ? `npm run models -- fetch ${name}` : `npm run models -- import FILE.th --as ${name}`;
