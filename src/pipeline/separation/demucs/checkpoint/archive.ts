import { crc32 } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, type ZipFile } from 'yauzl';
import type { BoundedFile } from './bounded-file.ts';
import { Unpickler } from './pickle.ts';
import { MAX_PICKLE_BYTES, PickleInput } from './pickle-input.ts';
import { quote, Refusal } from './refusal.ts';
import { type Container, type Storage, StorageTable } from './storage.ts';
import { ZipReader } from './zip-reader.ts';

/** A network has some hundreds of tensors, and each lies in an entry of its own. */
const MAX_ENTRIES = 10_000;

const STORED = 0;

type ReadEntry = (entry: Entry) => Promise<ArrayBuffer>;

/** Reads the zip form (PyTorch 1.6 and later): a pickle and a stored entry for each storage, below one folder. */
export async function readArchive(file: BoundedFile): Promise<Container> {
  const zip = await fromRandomAccessReaderPromise(new ZipReader(file), file.size, {
    autoClose: false,
    strictFileNames: true,
  });
  const entries = await readDirectory(zip);
  const folder = checkpointFolder(entries);
  const read = (entry: Entry) => readEntry(file, zip, entry);
  await checkByteOrder(entries.get(`${folder}/byteorder`), read);
  const { root, storages } = await readPickle(entries.get(`${folder}/data.pkl`)!, read);
  const entryOf = (storage: Storage) => storageEntry(entries, folder, storage);
  storages.forEach(entryOf);
  return { root, readStorage: (storage) => read(entryOf(storage)) };
}

async function readDirectory(zip: ZipFile): Promise<Map<string, Entry>> {
  if (zip.entryCount > MAX_ENTRIES) {
    throw new Refusal(`it has ${zip.entryCount} entries, expected at most ${MAX_ENTRIES}`);
  }
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    const name = quote(entry.fileName);
    if (entries.has(entry.fileName)) throw new Refusal(`its entry ${name} is there twice`);
    if (entry.compressionMethod !== STORED || entry.isEncrypted()) {
      throw new Refusal(
        `its entry ${name} is compressed or encrypted, expected entries as PyTorch stores them`,
      );
    }
    entries.set(entry.fileName, entry);
  }
  return entries;
}

/** The one folder that everything lies in; PyTorch names it after the file. */
function checkpointFolder(entries: ReadonlyMap<string, Entry>): string {
  const pickles = Array.from(entries.keys()).filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    throw new Refusal(`it has ${pickles.length} entries data.pkl, expected the one of a PyTorch checkpoint`);
  }
  return pickles[0].split('/')[0];
}

/** Before PyTorch 2.1 there was no such entry, and the order was that of the machine: little-endian. */
async function checkByteOrder(entry: Entry | undefined, read: ReadEntry): Promise<void> {
  if (!entry) return;
  const expected = 'little';
  const order = entry.uncompressedSize === expected.length ? await read(entry) : new ArrayBuffer();
  if (Buffer.from(order).toString('latin1') !== expected) {
    throw new Refusal('its byte order is not little-endian');
  }
}

async function readPickle(
  entry: Entry,
  read: ReadEntry,
): Promise<{ root: unknown; storages: readonly Storage[] }> {
  if (entry.uncompressedSize > MAX_PICKLE_BYTES) {
    throw new Refusal(
      `its data.pkl has ${entry.uncompressedSize} bytes, expected at most ${MAX_PICKLE_BYTES}`,
    );
  }
  const storages = new StorageTable();
  const input = new PickleInput(Buffer.from(await read(entry)));
  const root = new Unpickler(input, (id) => storages.resolve(id)).load();
  return { root, storages: Array.from(storages.byKey.values()) };
}

/** The entry of a storage, there and of its size. */
function storageEntry(entries: ReadonlyMap<string, Entry>, folder: string, storage: Storage): Entry {
  const entry = entries.get(`${folder}/data/${storage.key}`);
  if (!entry) throw new Refusal(`its storage ${quote(storage.key)} is missing`);
  if (entry.uncompressedSize !== storage.byteLength) {
    throw new Refusal(
      `its storage ${quote(storage.key)} has ${entry.uncompressedSize} bytes, expected ${storage.byteLength}`,
    );
  }
  return entry;
}

async function readEntry(file: BoundedFile, zip: ZipFile, entry: Entry): Promise<ArrayBuffer> {
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const bytes = await file.read(fileDataStart, entry.uncompressedSize);
  if (crc32(new Uint8Array(bytes)) !== entry.crc32) {
    throw new Refusal(`its entry ${quote(entry.fileName)} is damaged: the checksum differs`);
  }
  return bytes;
}
