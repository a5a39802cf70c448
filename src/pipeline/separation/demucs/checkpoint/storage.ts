import type { DType } from './dtype.ts';
import { quote, Refusal } from './refusal.ts';

/** What a pickle names as the class of a storage. */
export class StorageType {
  readonly dtype: DType;

  constructor(dtype: DType) {
    this.dtype = dtype;
  }
}

/** A run of elements that lies in the file beside the pickle. */
export class Storage {
  readonly key: string;
  readonly dtype: DType;
  /** number of elements */
  readonly numel: number;

  constructor(key: string, dtype: DType, numel: number) {
    this.key = key;
    this.dtype = dtype;
    this.numel = numel;
  }

  get byteLength(): number {
    return this.numel * this.dtype.itemsize;
  }
}

/** The storages that a pickle refers to. */
export class StorageTable {
  readonly byKey = new Map<string, Storage>();

  /**
   * The storage of a persistent id `('storage', type, key, location, numel)`; the older file form adds
   * the metadata of a view, which must be None.
   */
  resolve(id: unknown): Storage {
    if (
      !Array.isArray(id) ||
      id[0] !== 'storage' ||
      !(id.length === 5 || (id.length === 6 && id[5] === null))
    ) {
      throw new Refusal('it holds a persistent id that is not of the form of a storage');
    }
    const [, type, key, , numel] = id;
    if (!(type instanceof StorageType)) throw new Refusal('it holds a storage without a storage type');
    if (typeof key !== 'string') throw new Refusal('it holds a storage whose key is not a string');
    if (!Number.isSafeInteger(numel) || numel < 0) {
      throw new Refusal(`storage ${quote(key)} has an invalid number of elements`);
    }
    const known = this.byKey.get(key);
    if (!known) {
      const storage = new Storage(key, type.dtype, numel);
      this.byKey.set(key, storage);
      return storage;
    }
    if (known.dtype !== type.dtype || known.numel !== numel) {
      throw new Refusal(
        `storage ${quote(key)} is ${known.numel} of ${known.dtype.name} in one place and ${numel} of ${type.dtype.name} in another`,
      );
    }
    return known;
  }
}

/** What a file holds: the pickled object, and the storages that it refers to, all there and of the right size. */
export interface Container {
  readonly root: unknown;
  /** The bytes of one storage. */
  readStorage(storage: Storage): Promise<ArrayBuffer>;
}
