import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HostSetupError } from '../errors.ts';
import type { Log, LogLevel } from '../log.ts';
import { type FunctionBinding, installCore, type Registry, type RpcTypedData } from './core.ts';
import { type HttpProxy, openHttpProxy } from './http-proxy.ts';

export type { FunctionBinding, RpcTypedData };

/** A function of an app, as the host sees it. */
export interface LoadedFunction {
  readonly name: string;
  readonly trigger: FunctionBinding;
  readonly bindings: readonly FunctionBinding[];
}

export interface InvocationInput {
  readonly name: string;
  readonly data: RpcTypedData;
}

export interface InvocationResult {
  readonly returnValue?: RpcTypedData | null;
  readonly outputData: readonly { name: string; data: RpcTypedData }[];
}

/** What this host can call, and the bindings that it can fill or read. */
const SUPPORTED = new Set([
  'httpTrigger',
  'http',
  'blobTrigger',
  'orchestrationTrigger',
  'activityTrigger',
  'durableClient',
]);

/** Longest time that Node's timers can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A loaded Functions app. */
export class App {
  readonly functions: ReadonlyMap<string, LoadedFunction>;
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #timeoutMs: number | undefined;
  readonly #hookData = {};
  /** Where HTTP requests go, if the app streams them. */
  readonly httpProxy: HttpProxy | undefined;
  #durableClient = '';

  constructor(registry: Registry, log: Log, httpProxy: HttpProxy | undefined, timeoutMs?: number) {
    this.#registry = registry;
    this.httpProxy = httpProxy;
    this.#timeoutMs = timeoutMs;
    this.#log = log;
    this.functions = new Map(
      [...registry.functions.keys()].map((name) => [name, describeFunction(name, registry)]),
    );
  }

  /** What functions with a `durableClient` binding get from now on. */
  setDurableClient(client: object): void {
    this.#durableClient = JSON.stringify(client);
  }

  /**
   * Calls a function as the Node worker does: through the library's invocation model and the app's hooks.
   * @throws what the function throws.
   */
  async invoke(
    functionName: string,
    inputs: readonly InvocationInput[],
    triggerMetadata: Record<string, RpcTypedData> = {},
    invocationId: string = randomUUID(),
  ): Promise<InvocationResult> {
    const { metadata, callback } = this.#registry.functions.get(functionName)!;
    const clients = this.functions
      .get(functionName)!
      .bindings.filter(({ type }) => type === 'durableClient')
      .map(({ name }) => ({ name, data: { string: this.#durableClient } }));
    const model = this.#registry.model!.getInvocationModel({
      invocationId,
      metadata,
      request: { invocationId, inputData: [...inputs, ...clients], triggerMetadata },
      log: (level: LogLevel, _category: string, message: string) => this.#log(level, functionName, message),
    });
    const { context, inputs: given } = await inTime(model.getArguments(), this.#timeoutMs, functionName);
    const before = {
      hookData: {},
      appHookData: this.#hookData,
      invocationContext: context,
      inputs: given,
      functionHandler: callback,
    };
    await this.#runHooks('preInvocation', before);
    const after: Record<string, unknown> = { ...before, result: null, error: null };
    try {
      const ending = model.invokeFunction(context, before.inputs, before.functionHandler);
      after.result = await inTime(ending, this.#timeoutMs, functionName);
    } catch (error) {
      after.error = error;
    }
    await this.#runHooks('postInvocation', after);
    if (after.error) throw after.error;
    const response = await model.getResponse(context, after.result);
    return { returnValue: response.returnValue, outputData: response.outputData ?? [] };
  }

  /** Runs the app's start hooks. */
  async start(): Promise<void> {
    await this.#runHooks('appStart', { hookData: {}, appHookData: this.#hookData, functionAppDirectory: '' });
  }

  /** Runs the app's end hooks. */
  async terminate(): Promise<void> {
    await this.#runHooks('appTerminate', { hookData: {}, appHookData: this.#hookData });
    await this.httpProxy?.close();
  }

  async #runHooks(name: string, context: Record<string, unknown>): Promise<void> {
    for (const hook of this.#registry.hooks.get(name) ?? []) await hook(context);
  }
}

/**
 * Loads the built app in `root`: every module that `main` in its package.json matches. An invocation that takes longer
 * than `timeoutMs` fails; its code can't be stopped and runs on unheard.
 * @throws HostSetupError where nothing matches, nothing registers, or a binding is not supported.
 */
export async function loadApp(root: string, log: Log, timeoutMs?: number): Promise<App> {
  const { main } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { main?: string };
  if (!main)
    throw new HostSetupError(`package.json in ${root} has no "main": it names the app's built modules`);
  const files = (await Array.fromAsync(glob(main, { cwd: root }))).sort();
  if (files.length === 0)
    throw new HostSetupError(`nothing matches "main": "${main}" in ${root}: build the app first`);
  const registry = installCore(log);
  for (const file of files) await import(pathToFileURL(join(root, file)).href);
  if (!registry.model || registry.functions.size === 0) {
    throw new HostSetupError(`the modules of "main": "${main}" register no function`);
  }
  const app = new App(registry, log, await openHttpProxy(registry.model), timeoutMs);
  await app.start();
  return app;
}

async function inTime<T>(ending: Promise<T>, timeoutMs: number | undefined, name: string): Promise<T> {
  if (timeoutMs === undefined) return ending;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${name} took longer than the functionTimeout of ${timeoutMs / 1000} s`)),
    Math.min(timeoutMs, LONGEST_TIMER_MS),
  );
  try {
    return await Promise.race([ending, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function describeFunction(name: string, registry: Registry): LoadedFunction {
  const { metadata } = registry.functions.get(name)!;
  const bindings = Object.entries(metadata.bindings).map(
    ([key, binding]) => ({ ...binding, name: key }) as FunctionBinding,
  );
  for (const { type } of bindings) {
    if (!SUPPORTED.has(type))
      throw new HostSetupError(`${name}: the binding ${type} is not supported by the embedded host`);
  }
  return { name, bindings, trigger: bindings.find(({ type }) => type.endsWith('Trigger'))! };
}
