import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { WorkerError } from '../errors.ts';
import { sha256Of } from './checksum.ts';
import { hasChecksumOfName, type NetworkEntry } from './manifest.ts';

/** A checkpoint on this disk. */
export interface CheckpointFile {
  readonly path: string;
  /** Name without folders. */
  readonly file: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** @throws WorkerError `model_unavailable` where there is no such file, or it is not what its name promises. */
export async function checkpointFile(path: string): Promise<CheckpointFile> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw new WorkerError('model_unavailable', `There is no file ${path}.`);
  const file = basename(path);
  const sha256 = await sha256Of(path);
  if (!hasChecksumOfName(file, sha256))
    throw new WorkerError(
      'model_unavailable',
      `${path} is damaged: by its name its SHA-256 begins otherwise than ${sha256.slice(0, 8)}. Download it again.`,
    );
  return { path, file, bytes: found.size, sha256 };
}

/** Files in the order of `networks`: each that is released in its network's place, others in the places left over. */
export function inPlace(
  files: readonly CheckpointFile[],
  networks: readonly NetworkEntry[],
): CheckpointFile[] {
  const released = networks.map((network) => files.find((file) => file.sha256 === network.sha256));
  const others = files.filter((file) => !released.includes(file));
  return released.map((file) => file ?? others.shift()!);
}
