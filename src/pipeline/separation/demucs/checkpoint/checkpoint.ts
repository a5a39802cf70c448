import { WorkerError } from '../../../errors.ts';
import { readArchive } from './archive.ts';
import { BoundedFile } from './bounded-file.ts';
import { readLegacy } from './legacy.ts';
import { assertPlain, plainRecord, stringEntries } from './plain.ts';
import { quote, Refusal } from './refusal.ts';
import type { Container } from './storage.ts';
import { StoredTensor } from './tensor.ts';
import { ClassReference, describe, type PlainValue, TensorView } from './values.ts';

export type { Fraction, PlainValue } from './values.ts';

export interface CheckpointTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** The values in row-major order, read anew each time. Throws a `WorkerError` (`model_unavailable`). */
  read(): Promise<Float32Array>;
}

/** A saved network, with its file open until it is disposed of. */
export interface Checkpoint extends AsyncDisposable {
  /** `module.Name` of the saved class, such as `demucs.htdemucs.HTDemucs`. */
  readonly klass: string;
  readonly args: readonly PlainValue[];
  readonly kwargs: Readonly<Record<string, PlainValue>>;
  /** The state dict, by name, in the file's order. */
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

/** Of all tensors as float32, and of each storage in the file: several times the largest network. */
const MAX_BYTES = 2 ** 30;

const ZIP_MAGIC = 'PK';

/**
 * Opens what `demucs` saves by `torch.save`: a dict of `klass`, `args`, `kwargs` and `state`. Nothing of
 * the file is run. Throws a `WorkerError` (`model_unavailable`) where it is not there, damaged, or holds
 * anything that such a checkpoint does not need.
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  return refusing(path, async () => {
    const file = await BoundedFile.open(path);
    try {
      return readPackage(path, file, await readContainer(file));
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
  });
}

/** Runs `work` so that whatever it throws is for people and names the file. */
async function refusing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorkerError('model_unavailable', `The model file ${path} cannot be used: ${reason}.`, {
      cause: error,
    });
  }
}

async function readContainer(file: BoundedFile): Promise<Container> {
  const start = Buffer.from(await file.read(0, ZIP_MAGIC.length));
  return start.toString('latin1') === ZIP_MAGIC ? readArchive(file) : readLegacy(file);
}

function readPackage(path: string, file: BoundedFile, container: Container): Checkpoint {
  const saved = new Map(stringEntries(container.root, 'the saved object'));
  const klass = saved.get('klass');
  if (!(klass instanceof ClassReference)) throw new Refusal(`klass is ${describe(klass)}, expected a class`);
  const args = saved.get('args');
  if (!Array.isArray(args)) throw new Refusal(`args is ${describe(args)}, expected a tuple`);
  assertPlain(args, 'args');
  return {
    klass: klass.name,
    args,
    kwargs: plainRecord(saved.get('kwargs'), 'kwargs'),
    tensors: readState(path, container, saved.get('state')),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

function readState(path: string, container: Container, state: unknown): Map<string, CheckpointTensor> {
  const tensors = new Map<string, CheckpointTensor>();
  let bytes = 0;
  for (const [name, value] of stringEntries(state, 'state')) {
    const tensor = storedTensor(name, value);
    bytes += tensor.numel * Float32Array.BYTES_PER_ELEMENT;
    if (Math.max(bytes, tensor.storage.byteLength) > MAX_BYTES) {
      throw new Refusal(`its tensors take more than ${MAX_BYTES} bytes`);
    }
    const read = () => refusing(path, () => tensor.read(container));
    tensors.set(name, { name, shape: tensor.shape, read });
  }
  return tensors;
}

function storedTensor(name: string, value: unknown): StoredTensor {
  if (!(value instanceof TensorView)) {
    throw new Refusal(`state.${quote(name)} is ${describe(value)}, expected a tensor`);
  }
  try {
    return new StoredTensor(value);
  } catch (error) {
    throw error instanceof Refusal
      ? new Refusal(`state.${quote(name)} cannot be read: ${error.message}`)
      : error;
  }
}
