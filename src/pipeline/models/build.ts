import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WorkerError } from '../errors.ts';
import type { convertCheckpoint } from '../separation/demucs/convert.ts';
import type { CheckpointFile } from './checkpoint-file.ts';
import { type InstalledNetwork, writeDescription } from './description.ts';
import type { NetworkEntry } from './manifest.ts';

export type Converter = typeof convertCheckpoint;

/**
 * Converts `checkpoints` and installs what they give as the model `name`, in one step: until then an older one stays as it
 * is. The caller holds the lock on the folder, which exists. `networks` are those released under the name, in the
 * checkpoints' order; none for own weights.
 *
 * @throws WorkerError `model_unavailable` where the checkpoints do not go together, and what the converter throws.
 */
export async function buildModel(
  modelsDir: string,
  name: string,
  checkpoints: readonly CheckpointFile[],
  networks: readonly NetworkEntry[],
  convert: Converter,
): Promise<void> {
  const partial = join(modelsDir, `.${name}.${process.pid}.partial`);
  await removeLeftovers(modelsDir);
  try {
    const built: InstalledNetwork[] = [];
    for (const [i, checkpoint] of checkpoints.entries()) {
      const inBag = networks.length > 1;
      built.push(await buildNetwork(join(partial, String(i + 1)), checkpoint, networks[i], inBag, convert));
    }
    requireSameSources(name, built);
    await writeDescription(partial, name, built);
    await putInPlace(partial, join(modelsDir, name));
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** With the lock held, what is unfinished belongs to processes that were killed. */
async function removeLeftovers(modelsDir: string): Promise<void> {
  for (const name of await readdir(modelsDir))
    if (/^\..*\.partial$/.test(name)) await rm(join(modelsDir, name), { recursive: true, force: true });
}

async function buildNetwork(
  folder: string,
  { path, file, sha256, bytes }: CheckpointFile,
  released: NetworkEntry | undefined,
  inBag: boolean,
  convert: Converter,
): Promise<InstalledNetwork> {
  await mkdir(folder, { recursive: true });
  const { sources, segment_frames, nfft, files } = await convert(path, folder);
  // The network of a bag gives the stems that it was trained for; any other gives all it has.
  const stems = inBag && released ? released.stems : sources;
  const absent = stems.find((stem) => !sources.includes(stem));
  if (absent)
    throw new WorkerError(
      'model_unavailable',
      `${file} should give the stem '${absent}'; it gives ${sources.join(', ')}.`,
    );
  return {
    folder: basename(folder),
    checkpoint: { file, sha256, bytes },
    released: sha256 === released?.sha256,
    stems: [...stems],
    sources: [...sources],
    segment_frames,
    nfft,
    files: [...files],
  };
}

function requireSameSources(name: string, [first, ...others]: readonly InstalledNetwork[]): void {
  const other = others.find(({ sources }) => sources.join() !== first.sources.join());
  if (!other) return;
  throw new WorkerError(
    'model_unavailable',
    `The networks of '${name}' do not go together: ${first.checkpoint.file} gives ${first.sources.join(', ')}, ${other.checkpoint.file} gives ${other.sources.join(', ')}.`,
  );
}

/** No file system here exchanges two folders: for a moment the old one is aside, and comes back if the new one fails. */
async function putInPlace(built: string, place: string): Promise<void> {
  const aside = built.replace(/\.partial$/, '.replaced.partial');
  const replaces = await rename(place, aside).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  try {
    await rename(built, place);
  } catch (error) {
    if (replaces) await rename(aside, place);
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}
