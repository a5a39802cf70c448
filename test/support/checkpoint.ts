import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { WorkerError } from '../../src/pipeline/errors.ts';
import {
  type Checkpoint,
  openCheckpoint,
} from '../../src/pipeline/separation/demucs/checkpoint/checkpoint.ts';
import { dict, global, none, pickle, tuple, writeZip, type ZipEntry } from './pickle.ts';

/** The class that a checkpoint was saved from. */
export const KLASS = global('demucs.htdemucs', 'HTDemucs');

export const float32 = (...values: readonly number[]) => Buffer.from(Float32Array.from(values).buffer);

/** The parts of a saved network, each with a default. */
export const saved = (parts: Readonly<Record<string, Buffer>> = {}) =>
  dict({ klass: KLASS, args: tuple(), kwargs: dict({}), state: dict({}), training_args: none, ...parts });

/** Bytes of storages by their keys. */
type Storages = Readonly<Record<string, Buffer>>;

/** One checkpoint file that the tests of a file write, each its own content, and open. */
export class CheckpointFile {
  path!: string;

  /** Its folder is there while the tests of the calling file run. */
  constructor() {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
      this.path = join(folder, 'model.th');
    });
    afterAll(() => rm(folder, { recursive: true }));
  }

  /** Writes the zip form: the object and its storages. */
  async write(object: Buffer, storages: Storages = {}, more: readonly ZipEntry[] = []): Promise<void> {
    const entries = Object.entries(storages).map(([key, bytes]) => ({ name: `m/data/${key}`, bytes }));
    await writeZip(this.path, [
      { name: 'm/data.pkl', bytes: pickle(object) },
      { name: 'm/version', bytes: Buffer.from('3\n') },
      ...entries,
      ...more,
    ]);
  }

  async opened<T>(look: (checkpoint: Checkpoint) => T | Promise<T>): Promise<T> {
    await using checkpoint = await openCheckpoint(this.path);
    return await look(checkpoint);
  }

  /** The values of the tensor `name`. */
  read(name = 'w'): Promise<number[]> {
    return this.opened(async ({ tensors }) => Array.from(await tensors.get(name)!.read()));
  }

  /** What is read where `kwargs` were saved. */
  async kwargsOf(kwargs: Buffer): Promise<Checkpoint['kwargs']> {
    await this.write(saved({ kwargs }));
    return this.opened((checkpoint) => checkpoint.kwargs);
  }

  /** Expects that the file is refused for people: by its code, with the file's name and `reason`. */
  async expectRefused(
    reason: string | RegExp,
    look: () => Promise<unknown> = () => this.opened(() => {}),
  ): Promise<void> {
    const error = await look().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({
      code: 'model_unavailable',
      message: expect.stringContaining(this.path),
    });
    expect((error as WorkerError).message).toMatch(reason);
  }

  /** Expects that a file of the object and its storages is refused. */
  async refuses(reason: string | RegExp, object: Buffer, storages?: Storages): Promise<void> {
    await this.write(object, storages);
    await this.expectRefused(reason);
  }
}
