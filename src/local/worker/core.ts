/**
 * The stand-in for `@azure/functions-core`, the module that the Functions Node worker injects into an app. The library
 * `@azure/functions` asks for it with `require` and registers its functions with it.
 */
import Module from 'node:module';
import type { Log, LogLevel } from '../log.ts';

/** A binding as the library registers it. */
export interface FunctionBinding {
  type: string;
  name: string;
  direction: string;
  [key: string]: unknown;
}

export interface FunctionMetadata {
  name: string;
  bindings: Record<string, Omit<FunctionBinding, 'name'>>;
  retryOptions?: unknown;
}

export type FunctionCallback = (...inputs: unknown[]) => unknown;
type HookCallback = (context: Record<string, unknown>) => unknown;

/** What carries one invocation through the library. */
export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], handler: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

export interface InvocationResponse {
  returnValue?: RpcTypedData | null;
  outputData?: { name: string; data: RpcTypedData }[];
}

/** A value between host and function: one of these is set. */
export interface RpcTypedData {
  string?: string | null;
  json?: string | null;
  bytes?: Uint8Array | null;
  http?: object | null;
  int?: number | null;
  double?: number | null;
}

export interface ProgrammingModel {
  getInvocationModel(context: object): InvocationModel;
  getCapabilities(capabilities: object): Promise<object>;
}

/** What an app has registered. */
export interface Registry {
  model: ProgrammingModel | undefined;
  readonly functions: Map<string, { metadata: FunctionMetadata; callback: FunctionCallback }>;
  readonly hooks: Map<string, HookCallback[]>;
}

/** The Functions host that this one speaks for, as apps may ask. */
const HOST_VERSION = '4.1000.0';
const WORKER_VERSION = '3.10.0';
const CORE = '@azure/functions-core';

let installed = false;

/**
 * Installs the stand-in for this process and returns what apps register from now on. One app per process: the library
 * keeps the module that it found first.
 */
export function installCore(log: Log): Registry {
  if (installed) throw new Error('An app has been loaded in this process already.');
  installed = true;
  const registry: Registry = { model: undefined, functions: new Map(), hooks: new Map() };
  const core = {
    version: WORKER_VERSION,
    hostVersion: HOST_VERSION,
    workerConfig: {},
    setProgrammingModel: (model: ProgrammingModel) => {
      registry.model = model;
    },
    getProgrammingModel: () => registry.model,
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) => {
      if (registry.functions.has(metadata.name))
        throw new Error(`Two functions are named '${metadata.name}'.`);
      registry.functions.set(metadata.name, { metadata, callback });
      return new Disposable(() => registry.functions.delete(metadata.name));
    },
    registerHook: (name: string, callback: HookCallback) => {
      const hooks = registry.hooks.get(name) ?? [];
      registry.hooks.set(name, hooks);
      hooks.push(callback);
      return new Disposable(() => hooks.splice(hooks.indexOf(callback), 1));
    },
    // What the library tells of itself is for its own makers; its warnings are for everybody.
    log: (level: LogLevel, category: string, message: string) =>
      log(level === 'information' ? 'debug' : level, category, message),
    Disposable,
  };
  const prototype = Module.prototype as unknown as { require(this: unknown, id: string): unknown };
  const original = prototype.require;
  prototype.require = function (this: unknown, id: string): unknown {
    return id === CORE ? core : original.call(this, id);
  };
  return registry;
}

class Disposable {
  readonly #dispose: () => void;

  constructor(dispose: () => void) {
    this.#dispose = dispose;
  }

  dispose(): void {
    this.#dispose();
  }
}
