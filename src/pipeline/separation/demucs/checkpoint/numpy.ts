import { Refusal } from './refusal.ts';
import { describe, smallestInt } from './values.ts';

/** Little-endian reading of one element by the codes of numpy's number types. */
const READERS: Readonly<
  Record<string, { size: number; read: (view: DataView) => number | bigint | boolean }>
> = {
  b1: { size: 1, read: (view) => view.getUint8(0) !== 0 },
  i1: { size: 1, read: (view) => view.getInt8(0) },
  i2: { size: 2, read: (view) => view.getInt16(0, true) },
  i4: { size: 4, read: (view) => view.getInt32(0, true) },
  i8: { size: 8, read: (view) => view.getBigInt64(0, true) },
  u1: { size: 1, read: (view) => view.getUint8(0) },
  u2: { size: 2, read: (view) => view.getUint16(0, true) },
  u4: { size: 4, read: (view) => view.getUint32(0, true) },
  u8: { size: 8, read: (view) => view.getBigUint64(0, true) },
  f2: { size: 2, read: (view) => view.getFloat16(0, true) },
  f4: { size: 4, read: (view) => view.getFloat32(0, true) },
  f8: { size: 8, read: (view) => view.getFloat64(0, true) },
};

/** `numpy.dtype` of a single number. */
export class NumpyDType {
  readonly code: string;

  constructor(code: string) {
    this.code = code;
  }

  /** The state that numpy pickles: its version, the byte order, and fields of compound types. */
  setState(state: unknown): void {
    if (!Array.isArray(state) || !['<', '|', '='].includes(state[1])) {
      throw new Refusal('it holds a numpy dtype that is not little-endian');
    }
  }
}

/** `numpy.dtype(code, align, copy)` */
export function numpyDType([code]: readonly unknown[]): NumpyDType {
  if (typeof code !== 'string' || !Object.hasOwn(READERS, code)) {
    throw new Refusal(
      `it holds the numpy dtype ${typeof code === 'string' ? code.slice(0, 20) : describe(code)}, expected a number's`,
    );
  }
  return new NumpyDType(code);
}

/** `numpy.core.multiarray.scalar(dtype, bytes)`, as a plain number. */
export function numpyScalar([dtype, bytes]: readonly unknown[]): number | bigint | boolean {
  if (!(dtype instanceof NumpyDType) || !(bytes instanceof Uint8Array)) {
    throw new Refusal(`it holds a numpy scalar of ${describe(dtype)} and ${describe(bytes)}`);
  }
  const { size, read } = READERS[dtype.code];
  if (bytes.length !== size) {
    throw new Refusal(`it holds a numpy scalar ${dtype.code} of ${bytes.length} bytes, expected ${size}`);
  }
  const value = read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return typeof value === 'bigint' ? smallestInt(value) : value;
}
