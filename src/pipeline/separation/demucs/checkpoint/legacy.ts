import type { BoundedFile } from './bounded-file.ts';
import { Unpickler } from './pickle.ts';
import { MAX_PICKLE_BYTES, PickleInput } from './pickle-input.ts';
import { quote, Refusal } from './refusal.ts';
import { type Container, type Storage, StorageTable } from './storage.ts';
import { ClassReference, describe } from './values.ts';

const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/** Each storage begins with the number of its elements, an int64. */
const COUNT_BYTES = 8;

/**
 * Reads the form before PyTorch 1.6: five pickles (magic number, version, machine, object, keys of the
 * storages), and behind them the storages in the order of the keys.
 */
export async function readLegacy(file: BoundedFile): Promise<Container> {
  const head = await file.read(0, Math.min(file.size, MAX_PICKLE_BYTES));
  const { root, storages, end } = readPickles(new PickleInput(Buffer.from(head)));
  const starts = await locateStorages(file, storages, end);
  return { root, readStorage: (storage) => file.read(starts.get(storage)!, storage.byteLength) };
}

/** The object, its storages in the order of the file, and where the first of them begins. */
function readPickles(input: PickleInput): { root: unknown; storages: readonly Storage[]; end: number } {
  const table = new StorageTable();
  const next = () => new Unpickler(input, (id) => moduleClass(id) ?? table.resolve(id)).load();
  if (next() !== MAGIC_NUMBER) throw new Refusal('it is not a PyTorch checkpoint: the magic number differs');
  const version = next();
  if (version !== PROTOCOL_VERSION) {
    throw new Refusal(`its version is not ${PROTOCOL_VERSION}, the only one of PyTorch's older form`);
  }
  const machine = next();
  if (!(machine instanceof Map) || machine.get('little_endian') !== true) {
    throw new Refusal('its byte order is not little-endian');
  }
  const root = next();
  return { root, storages: inOrder(table, next()), end: input.position };
}

/**
 * The class of a persistent id `('module', class, file, source)`: this form keeps the source of a
 * network's class beside its name, which is dropped. Undefined for other ids.
 */
function moduleClass(id: unknown): ClassReference | undefined {
  if (!Array.isArray(id) || id[0] !== 'module' || id.length !== 4) return undefined;
  return id[1] instanceof ClassReference ? id[1] : undefined;
}

function inOrder(table: StorageTable, keys: unknown): Storage[] {
  if (!Array.isArray(keys)) throw new Refusal(`its keys of storages are ${describe(keys)}, expected a list`);
  const order = new Set(
    keys.map((key) => {
      const storage = table.byKey.get(key);
      if (!storage) throw new Refusal('it lists a storage that nothing refers to');
      return storage;
    }),
  );
  if (order.size !== keys.length) throw new Refusal('it lists a storage twice');
  for (const storage of table.byKey.values()) {
    if (!order.has(storage)) throw new Refusal(`its storage ${quote(storage.key)} is missing`);
  }
  return Array.from(order);
}

/** Where the elements of each storage begin, in bytes from the file's start. */
async function locateStorages(
  file: BoundedFile,
  storages: readonly Storage[],
  end: number,
): Promise<Map<Storage, number>> {
  const starts = new Map<Storage, number>();
  let position = end;
  for (const storage of storages) {
    const count = new DataView(await file.read(position, COUNT_BYTES)).getBigInt64(0, true);
    if (count !== BigInt(storage.numel)) {
      throw new Refusal(`its storage ${quote(storage.key)} has ${count} elements, expected ${storage.numel}`);
    }
    starts.set(storage, position + COUNT_BYTES);
    position += COUNT_BYTES + storage.byteLength;
  }
  if (position > file.size) {
    throw new Refusal(`it is cut off: expected at least ${position} bytes, it has ${file.size}`);
  }
  return starts;
}
