import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { ZipFile } from 'yazl';

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

/** What an assembled pickle is made of: opcodes as characters, and operands. */
export const code = (...parts: readonly (string | Buffer)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));

/** A whole pickle of protocol 2 around what puts one object on the stack. */
export const pickle = (body: Buffer | string) => code('\x80\x02', body, '.');

export const none = code('N');
export const str = (text: string) => code('X', int32(Buffer.byteLength(text)), Buffer.from(text));
export const int = (value: number) => code('J', int32(value));
export const long = (value: bigint, length: number) => {
  const bytes = Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  return code('\x8a', Buffer.from([length, ...bytes]));
};
export const float = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return code('G', bytes);
};
export const tuple = (...items: readonly Buffer[]) => code('(', ...items, 't');
export const list = (...items: readonly Buffer[]) => code('](', ...items, 'e');
export const dict = (entries: Readonly<Record<string, Buffer>>) =>
  code('}(', ...Object.entries(entries).flatMap(([key, value]) => [str(key), value]), 'u');
export const global = (module: string, name: string) => code(`c${module}\n${name}\n`);
export const reduce = (callable: Buffer, ...args: readonly Buffer[]) => code(callable, tuple(...args), 'R');

export interface StorageOptions {
  /** `FloatStorage` unless told */
  readonly type?: string;
  /** What the older file form adds to a storage's id */
  readonly legacy?: boolean;
}

export const storage = (
  key: string,
  numel: number,
  { type = 'FloatStorage', legacy }: StorageOptions = {},
) => {
  const metadata = legacy ? [none] : [];
  return code(
    tuple(str('storage'), global('torch', type), str(key), str('cpu'), int(numel), ...metadata),
    'Q',
  );
};

/** A tensor as `torch.save` writes it. */
export const tensor = (
  from: Buffer,
  shape: readonly number[],
  strides: readonly number[],
  offset: Buffer = int(0),
) =>
  reduce(
    global('torch._utils', '_rebuild_tensor_v2'),
    from,
    offset,
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    code('\x89'),
    reduce(global('collections', 'OrderedDict')),
  );

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Buffer;
  readonly compress?: boolean;
}

/** Writes a zip file of entries, stored unless told otherwise; `zip64` for the form with offsets of 8 bytes. */
export async function writeZip(path: string, entries: readonly ZipEntry[], zip64 = false): Promise<void> {
  const zip = new ZipFile();
  for (const { name, bytes, compress = false } of entries) zip.addBuffer(bytes, name, { compress });
  const file = createWriteStream(path);
  zip.outputStream.pipe(file);
  zip.end({ forceZip64Format: zip64, comment: '' });
  await once(file, 'finish');
}
