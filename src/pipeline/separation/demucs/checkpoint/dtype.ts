/** The elements of a storage. Checkpoints are little-endian, and so is every platform that Node runs on. */
export interface DType {
  readonly name: string;
  /** bytes of one element */
  readonly itemsize: number;
  /** A whole storage as float32; absent where a network's weights cannot be of this type. */
  readonly decode?: (storage: ArrayBuffer) => Float32Array;
}

/** bfloat16 is the upper half of a float32. */
function decodeBFloat16(storage: ArrayBuffer): Float32Array {
  const halves = new Uint16Array(storage);
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = halves[i] << 16;
  return new Float32Array(words.buffer);
}

/** By the names of PyTorch's storage classes. Float16 and bfloat16 widen exactly; float64 is rounded. */
export const STORAGE_DTYPES: Readonly<Record<string, DType>> = {
  FloatStorage: { name: 'float32', itemsize: 4, decode: (storage) => new Float32Array(storage) },
  HalfStorage: {
    name: 'float16',
    itemsize: 2,
    decode: (storage) => new Float32Array(new Float16Array(storage)),
  },
  BFloat16Storage: { name: 'bfloat16', itemsize: 2, decode: decodeBFloat16 },
  DoubleStorage: {
    name: 'float64',
    itemsize: 8,
    decode: (storage) => new Float32Array(new Float64Array(storage)),
  },
  LongStorage: { name: 'int64', itemsize: 8 },
  IntStorage: { name: 'int32', itemsize: 4 },
  ShortStorage: { name: 'int16', itemsize: 2 },
  CharStorage: { name: 'int8', itemsize: 1 },
  ByteStorage: { name: 'uint8', itemsize: 1 },
  BoolStorage: { name: 'bool', itemsize: 1 },
  ComplexFloatStorage: { name: 'complex64', itemsize: 8 },
  ComplexDoubleStorage: { name: 'complex128', itemsize: 16 },
};
