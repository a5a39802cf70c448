import { findGlobal } from './globals.ts';
import { NumpyDType } from './numpy.ts';
import { INST, OP, opcodeName } from './opcodes.ts';
import type { PickleInput } from './pickle-input.ts';
import { PickleStack } from './pickle-stack.ts';
import { Refusal } from './refusal.ts';
import { Constructor, describe, OrderedDict, Skipped, smallestInt } from './values.ts';

const PROTOCOLS = { min: 2, max: 5 };

/** A network's checkpoint takes some ten thousand; each may make an object, so this bounds the memory. */
const MAX_OPERATIONS = 1_000_000;

/** The longest int in bytes. Seeds and hashes fit; the time to read a long one grows with its square. */
const MAX_INT_BYTES = 64;

const SHORT_TUPLES: Readonly<Record<number, number>> = { [OP.TUPLE1]: 1, [OP.TUPLE2]: 2, [OP.TUPLE3]: 3 };

/**
 * Reads one pickle of Python, protocols 2 to 5, and runs nothing: values are plain ones, and globals are
 * what `findGlobal` allows. Tuples are frozen arrays, lists arrays, dicts `Map`s.
 */
export class Unpickler {
  readonly #input: PickleInput;
  readonly #resolvePersistentId: (id: unknown) => unknown;
  readonly #stack = new PickleStack();
  readonly #memo = new Map<number, unknown>();

  constructor(input: PickleInput, resolvePersistentId: (id: unknown) => unknown) {
    this.#input = input;
    this.#resolvePersistentId = resolvePersistentId;
  }

  /** The pickled object; the input then stands behind the pickle. Throws a `Refusal`. */
  load(): unknown {
    this.#readProtocol();
    for (let operations = 0; operations < MAX_OPERATIONS; operations++) {
      const opcode = this.#input.uint8();
      if (opcode === OP.STOP) return this.#stack.pop();
      this.#execute(opcode);
    }
    throw new Refusal(`the pickle takes more than ${MAX_OPERATIONS} operations`);
  }

  #readProtocol(): void {
    const opcode = this.#input.uint8();
    if (opcode !== OP.PROTO)
      throw new Refusal(`the pickle starts with opcode ${opcodeName(opcode)}, expected PROTO`);
    const protocol = this.#input.uint8();
    if (protocol < PROTOCOLS.min || protocol > PROTOCOLS.max) {
      throw new Refusal(
        `the pickle is of protocol ${protocol}, expected ${PROTOCOLS.min} to ${PROTOCOLS.max}`,
      );
    }
  }

  #execute(opcode: number): void {
    const input = this.#input;
    const stack = this.#stack;
    switch (opcode) {
      case OP.NONE:
        return stack.push(null);
      case OP.NEWTRUE:
        return stack.push(true);
      case OP.NEWFALSE:
        return stack.push(false);
      case OP.BININT:
        return stack.push(input.int32());
      case OP.BININT1:
        return stack.push(input.uint8());
      case OP.BININT2:
        return stack.push(input.uint16());
      case OP.LONG1:
        return stack.push(this.#readInt(input.uint8()));
      case OP.LONG4:
        return stack.push(this.#readInt(input.uint32()));
      case OP.BINFLOAT:
        return stack.push(input.float64());

      case OP.SHORT_BINSTRING:
      case OP.SHORT_BINUNICODE:
        return stack.push(input.text(input.uint8()));
      case OP.BINSTRING:
      case OP.BINUNICODE:
        return stack.push(input.text(input.uint32()));
      case OP.BINUNICODE8:
        return stack.push(input.text(input.uint64()));
      case OP.SHORT_BINBYTES:
        return stack.push(input.take(input.uint8()));
      case OP.BINBYTES:
        return stack.push(input.take(input.uint32()));
      case OP.BINBYTES8:
      case OP.BYTEARRAY8:
        return stack.push(input.take(input.uint64()));

      case OP.EMPTY_TUPLE:
        return stack.push(Object.freeze([]));
      case OP.TUPLE1:
      case OP.TUPLE2:
      case OP.TUPLE3:
        return stack.push(Object.freeze(stack.popMany(SHORT_TUPLES[opcode])));
      case OP.TUPLE:
        return stack.push(Object.freeze(stack.popToMark()));
      case OP.EMPTY_LIST:
        return stack.push([]);
      case OP.APPEND:
        return this.#append(stack.popMany(1));
      case OP.APPENDS:
        return this.#append(stack.popToMark());
      case OP.EMPTY_DICT:
        return stack.push(new Map());
      case OP.SETITEM:
        return this.#setItems(stack.popMany(2));
      case OP.SETITEMS:
        return this.#setItems(stack.popToMark());
      case OP.EMPTY_SET:
        return stack.push(new Set());
      case OP.ADDITEMS:
        return this.#addItems(stack.popToMark());
      case OP.FROZENSET:
        return stack.push(new Set(stack.popToMark()));

      case OP.MARK:
        return stack.mark();
      case OP.POP:
        return stack.discard();
      case OP.POP_MARK:
        stack.popToMark();
        return;
      case OP.DUP:
        return stack.push(stack.top());
      case OP.BINPUT:
        return this.#remember(input.uint8());
      case OP.LONG_BINPUT:
        return this.#remember(input.uint32());
      case OP.MEMOIZE:
        return this.#remember(this.#memo.size);
      case OP.BINGET:
        return stack.push(this.#recall(input.uint8()));
      case OP.LONG_BINGET:
        return stack.push(this.#recall(input.uint32()));
      case OP.FRAME:
        return this.#checkFrame(input.uint64());

      case OP.GLOBAL:
        return stack.push(findGlobal(input.line(), input.line()));
      case OP.STACK_GLOBAL:
        return this.#stackGlobal();
      case OP.BINPERSID:
        return stack.push(this.#resolvePersistentId(stack.pop()));
      case OP.REDUCE:
      case OP.NEWOBJ:
        return this.#construct();
      case OP.NEWOBJ_EX:
        return this.#constructWithKeywords();
      case OP.BUILD:
        return this.#build();

      case INST:
        // The name says more than the opcode, where it is one that is refused anyway.
        findGlobal(input.line(), input.line());
    }
    throw new Refusal(
      `the pickle has opcode ${opcodeName(opcode)} at ${input.position - 1}, which is not allowed`,
    );
  }

  #readInt(length: number): number | bigint {
    if (length > MAX_INT_BYTES)
      throw new Refusal(`it holds an int of ${length} bytes, expected at most ${MAX_INT_BYTES}`);
    const magnitude = this.#input.take(length).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    return smallestInt(BigInt.asIntN(8 * length, magnitude));
  }

  #remember(index: number): void {
    this.#memo.set(index, this.#stack.top());
  }

  #recall(index: number): unknown {
    if (!this.#memo.has(index))
      throw new Refusal(`the pickle refers to its object ${index}, which is not there`);
    return this.#memo.get(index);
  }

  /** Frames only help a reader to read ahead. */
  #checkFrame(length: number): void {
    if (length > this.#input.left) {
      throw new Refusal(`the pickle is cut off: a frame of ${length} bytes, ${this.#input.left} are left`);
    }
  }

  #append(items: readonly unknown[]): void {
    const list = this.#stack.top();
    if (list instanceof Skipped) return;
    if (!Array.isArray(list) || Object.isFrozen(list))
      throw new Refusal(`the pickle appends to ${describe(list)}`);
    for (const item of items) list.push(item);
  }

  #setItems(items: readonly unknown[]): void {
    const dict = this.#stack.top();
    if (dict instanceof Skipped) return;
    if (!(dict instanceof Map)) throw new Refusal(`the pickle sets items of ${describe(dict)}`);
    if (items.length % 2 !== 0) throw new Refusal('the pickle sets a key of a dict without a value');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  #addItems(items: readonly unknown[]): void {
    const set = this.#stack.top();
    if (set instanceof Skipped) return;
    if (!(set instanceof Set)) throw new Refusal(`the pickle adds items to ${describe(set)}`);
    for (const item of items) set.add(item);
  }

  #stackGlobal(): void {
    const [module, name] = this.#stack.popMany(2);
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new Refusal(`the pickle names a global by ${describe(module)} and ${describe(name)}`);
    }
    this.#stack.push(findGlobal(module, name));
  }

  #construct(): void {
    const [callable, args] = this.#stack.popMany(2);
    if (callable instanceof Skipped) return this.#stack.push(callable);
    if (!(callable instanceof Constructor)) throw new Refusal(`the pickle calls ${describe(callable)}`);
    if (!Array.isArray(args)) throw new Refusal(`the pickle calls ${callable.name} with ${describe(args)}`);
    this.#stack.push(callable.construct(args));
  }

  #constructWithKeywords(): void {
    const [callable] = this.#stack.popMany(3);
    if (!(callable instanceof Skipped))
      throw new Refusal(`the pickle calls ${describe(callable)} with keywords`);
    this.#stack.push(callable);
  }

  /** Attributes of an OrderedDict, such as the `_metadata` of a state dict, are dropped. */
  #build(): void {
    const state = this.#stack.pop();
    const target = this.#stack.top();
    if (target instanceof Skipped || target instanceof OrderedDict) return;
    if (!(target instanceof NumpyDType))
      throw new Refusal(`the pickle sets attributes of ${describe(target)}`);
    target.setState(state);
  }
}
