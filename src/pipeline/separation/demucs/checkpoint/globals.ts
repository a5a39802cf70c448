import { STORAGE_DTYPES } from './dtype.ts';
import { numpyDType, numpyScalar } from './numpy.ts';
import { quote, Refusal } from './refusal.ts';
import { Storage, StorageType } from './storage.ts';
import {
  ClassReference,
  Constructor,
  describe,
  Fraction,
  OrderedDict,
  Skipped,
  smallestInt,
  TensorView,
} from './values.ts';

/** Other architectures than the one that can run are known too, so that a caller can say which came. */
const NETWORKS = ['demucs.htdemucs HTDemucs', 'demucs.hdemucs HDemucs', 'demucs.demucs Demucs'];

const OMEGACONF_NODES = [
  'AnyNode',
  'BooleanNode',
  'BytesNode',
  'EnumNode',
  'FloatNode',
  'IntegerNode',
  'InterpolationResultNode',
  'PathNode',
  'StringNode',
  'ValueNode',
];
const BUILTINS = ['bool', 'dict', 'float', 'int', 'list', 'set', 'str', 'tuple'];

/** What the configuration of a training, which nobody needs for separation, is made of. */
const SKIPPED = [
  'omegaconf.dictconfig DictConfig',
  'omegaconf.listconfig ListConfig',
  'omegaconf.base ContainerMetadata',
  'omegaconf.base Metadata',
  ...OMEGACONF_NODES.map((name) => `omegaconf.nodes ${name}`),
  'typing Any',
  'collections defaultdict',
  'pathlib PosixPath',
  ...BUILTINS.flatMap((name) => [`builtins ${name}`, `__builtin__ ${name}`]),
  // Protocol 2 gives int and str the names that they had in Python 2.
  '__builtin__ long',
  '__builtin__ unicode',
];

const CONSTRUCTORS: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
  'fractions Fraction': fraction,
  'collections OrderedDict': orderedDict,
  'torch Size': size,
  'torch._utils _rebuild_tensor_v2': rebuildTensor,
  'torch._utils _rebuild_parameter': rebuildParameter,
  '_codecs encode': encode,
  'numpy dtype': numpyDType,
  'numpy.core.multiarray scalar': numpyScalar,
  'numpy._core.multiarray scalar': numpyScalar,
};

const dotted = (key: string) => key.replace(' ', '.');

/** By `module name`, as a pickle writes them. */
const GLOBALS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...NETWORKS.map((key) => [key, new ClassReference(dotted(key))] as const),
  ...SKIPPED.map((key) => [key, new Skipped(dotted(key))] as const),
  ...Object.entries(CONSTRUCTORS).map(([key, make]) => [key, new Constructor(dotted(key), make)] as const),
  ...Object.entries(STORAGE_DTYPES).map(
    ([name, dtype]) => [`torch ${name}`, new StorageType(dtype)] as const,
  ),
]);

/** What stands for a global of Python; one that a checkpoint does not need is refused by its name. */
export function findGlobal(module: string, name: string): unknown {
  const found = GLOBALS.get(`${module} ${name}`);
  if (found === undefined) {
    throw new Refusal(`it refers to ${quote(`${module}.${name}`)}, which no checkpoint of a separator needs`);
  }
  return found;
}

const isInt = (value: unknown): value is number | bigint =>
  typeof value === 'bigint' || Number.isSafeInteger(value);

/** From `'39/5'`, `'39'` or two ints. */
function fraction(args: readonly unknown[]): Fraction {
  const [first, second = 1] = args;
  if (typeof first === 'string') {
    const match = /^(-?\d{1,30})(?:\/(\d{1,30}))?$/.exec(first);
    if (match && args.length === 1) return fraction([match[1], match[2] ?? '1'].map(BigInt).map(smallestInt));
  } else if (isInt(first) && isInt(second) && second > 0) {
    return new Fraction(first, second);
  }
  throw new Refusal('it holds a fraction that is none');
}

/** Entries come afterwards, by SETITEMS. */
function orderedDict(args: readonly unknown[]): OrderedDict {
  if (args.length > 0) throw new Refusal('it holds an OrderedDict with arguments');
  return new OrderedDict();
}

/** A size is its tuple. */
function size([dimensions]: readonly unknown[]): unknown {
  if (!Array.isArray(dimensions)) throw new Refusal(`it holds a torch.Size of ${describe(dimensions)}`);
  return dimensions;
}

/** `(storage, offset, shape, strides, requires_grad, hooks)`; the view is checked where it is used. */
function rebuildTensor([storage, offset, shape, strides]: readonly unknown[]): TensorView {
  if (!(storage instanceof Storage) || !Array.isArray(shape) || !Array.isArray(strides)) {
    throw new Refusal('it holds a tensor that is not made of a storage, a shape and strides');
  }
  return new TensorView(storage, offset, shape, strides);
}

/** `(tensor, requires_grad, hooks)` */
function rebuildParameter([tensor]: readonly unknown[]): TensorView {
  if (!(tensor instanceof TensorView)) throw new Refusal(`it holds a parameter of ${describe(tensor)}`);
  return tensor;
}

/**
 * The longest string that is encoded. It is far beyond a numpy scalar, and keeps a pickle from filling
 * the memory by encoding the same string again and again.
 */
const MAX_ENCODED_LENGTH = 1024;

/** `_codecs.encode(text, 'latin1')`: how protocol 2 writes bytes. */
function encode([text, encoding]: readonly unknown[]): Uint8Array {
  if (typeof text !== 'string' || encoding !== 'latin1') {
    throw new Refusal('it encodes something else than a string as latin1');
  }
  if (text.length > MAX_ENCODED_LENGTH) {
    throw new Refusal(
      `it holds ${text.length} bytes written as text, expected at most ${MAX_ENCODED_LENGTH}`,
    );
  }
  const codes = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  if (codes.some((code) => code > 0xff)) throw new Refusal('it encodes a string as latin1 that cannot be');
  return Uint8Array.from(codes);
}
