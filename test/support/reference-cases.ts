import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = 'test/fixtures/demucs';

/** A song that the reference implementation has separated, see models/reference. */
export interface ReferenceCase {
  readonly name: string;
  /** The network's name, see `checkpointOf`. */
  readonly network: string;
  readonly sources: readonly string[];
  /** Of the song, see `referenceSong`. */
  readonly frames: number;
  readonly mono: boolean;
  readonly overlap: number;
  /** Of the output, `[sources, 2, frames]` in one row, the first value in so many is kept. */
  readonly every: number;
  /** The file of those values. */
  readonly expected: string;
}

/** How many tensors a network has there, and the SHA-256 of all in their order as little-endian float32. */
export interface ReferenceNetwork {
  readonly tensors: number;
  readonly sha256: string;
}

const { networks, cases } = JSON.parse(readFileSync(join(FOLDER, 'cases.json'), 'utf8'));

export const REFERENCE_NETWORKS: Readonly<Record<string, ReferenceNetwork>> = networks;
export const REFERENCE_CASES: readonly ReferenceCase[] = cases;

/** Path of a network's checkpoint, as PyTorch has written it. */
export const checkpointOf = (network: string): string => join(FOLDER, `${network}.th`);

/** The values that are kept of a case's output. */
export function expectedOf({ expected }: ReferenceCase): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(join(FOLDER, expected))).buffer);
}
