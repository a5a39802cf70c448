import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Azurite, startAzurite } from './azurite/azurite.ts';
import { BlobListener } from './blob/listener.ts';
import { DurableEngine } from './durable/engine.ts';
import { managementApi } from './durable/management.ts';
import { applySettings, needsAzurite, pointAt } from './environment.ts';
import { HostSetupError } from './errors.ts';
import { createHandler } from './http/handler.ts';
import { type Route, toRoute } from './http/routes.ts';
import { type HttpServer, listen } from './http/server.ts';
import { lockFolder } from './lock.ts';
import { type Log, logToStderr } from './log.ts';
import { type HostSettings, readHostSettings, resolveNames, storageConnection } from './settings.ts';
import { type App, type LoadedFunction, loadApp } from './worker/app.ts';

/** How long a stop waits for requests and invocations that are under way; an activity left off runs again. */
const GRACE_MS = 2000;

export interface HostOptions {
  /** The app's folder: `host.json`, `package.json` and, if there is one, `local.settings.json`. */
  root: string;
  /** 0 takes any free port. */
  port: number;
  /** Default 127.0.0.1: nobody is asked for a key here, so other machines stay out unless told otherwise. */
  hostname?: string;
  /** Names that requests may be for, besides those of this machine: what leads here is otherwise a rebound name. */
  allowedHosts?: readonly string[];
  /** Where Azurite's data and the durable history are kept; deleting it is safe while no host runs. */
  localDir: string;
  /** Azurite's ports, where they are not 10000 and 10001. */
  storage?: { blobPort?: number; queuePort?: number };
  /** Settings for where neither the environment nor `local.settings.json` has them. */
  defaults?: Record<string, string>;
  /** Called once storage is there, before any function is loaded: to create what the app expects. */
  onStorage?: () => Promise<void>;
  log?: Log;
}

export interface BlobTrigger {
  functionName: string;
  path: string;
}

/** A running host. */
export interface Host {
  readonly url: string;
  readonly functions: App['functions'];
  readonly routes: readonly Route[];
  readonly blobTriggers: readonly BlobTrigger[];
  /** Undefined where every connection leads to a real account. */
  readonly azurite: Azurite | undefined;
  /** Ends what is in flight, then the engine, and Azurite last. */
  stop(): Promise<void>;
}

/**
 * Starts the app in `root` as the Functions host would: settings, storage, functions, durable engine, listeners. App
 * settings become environment variables of this process; what is set already wins.
 * @throws HostSetupError where the port is busy or a setting is missing or wrong; nothing is left running then.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const {
    root,
    port,
    hostname = '127.0.0.1',
    allowedHosts,
    localDir,
    storage,
    defaults,
    onStorage,
    log = logToStderr,
  } = options;
  const stack: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (let undo = stack.pop(); undo; undo = stack.pop()) await undo();
  };
  try {
    const env = process.env;
    applySettings({ root, defaults });
    const settings = readHostSettings(root, env);
    const server = await listen({ port, hostname, allowedHosts, log });
    stack.push(() => server.close(0));
    mkdirSync(localDir, { recursive: true });
    const lock = lockFolder(localDir);
    stack.push(async () => lock[Symbol.dispose]());

    const azurite = needsAzurite(env)
      ? await startAzurite({ directory: join(localDir, 'azurite'), ...storage, log })
      : undefined;
    if (azurite) {
      stack.push(() => azurite.stop());
      pointAt(azurite, env);
    }
    await onStorage?.();
    // Without it the durable client sends its requests to localhost:7071, whatever the port is.
    env.WEBSITE_HOSTNAME = new URL(server.url).host;

    const app = await loadApp(root, log, settings.functionTimeoutMs);
    const engine = new DurableEngine({
      app,
      database: join(localDir, 'durable.sqlite'),
      hubName: settings.hubName,
      maxConcurrentActivities: settings.maxConcurrentActivities,
      log,
    });
    // Together: the engine takes in nothing more that the app, told to end, breaks off.
    stack.push(() => Promise.all([engine.stop(GRACE_MS), app.terminate()]));
    const { routes, listeners, blobTriggers } = wire(app, root, settings, log);
    await engine.start(server.url);
    server.serve(createHandler(app, managementApi(engine), routes, log));
    for (const listener of listeners) {
      await listener.start();
      stack.push(() => listener.stop(GRACE_MS));
    }
    stack.push(() => drain(server));
    return { url: server.url, functions: app.functions, routes, blobTriggers, azurite, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const drain = (server: HttpServer) => server.close(GRACE_MS);

/** Finds for each function what calls it. Functions of the durable kinds are the engine's. */
function wire(app: App, root: string, settings: HostSettings, log: Log) {
  const routes: Route[] = [];
  const listeners: BlobListener[] = [];
  const blobTriggers: BlobTrigger[] = [];
  for (const fn of app.functions.values()) {
    switch (fn.trigger.type) {
      case 'httpTrigger':
        routes.push(toRoute(fn.name, fn.trigger, settings.routePrefix));
        break;
      case 'blobTrigger': {
        const path = resolveNames(String(fn.trigger.path), process.env);
        blobTriggers.push({ functionName: fn.name, path });
        listeners.push(blobListener(app, fn, path, root, settings, log));
        break;
      }
      case 'orchestrationTrigger':
      case 'activityTrigger':
        break;
      default:
        throw new HostSetupError(`${fn.name}: the trigger ${fn.trigger.type} is not supported here`);
    }
  }
  return { routes, listeners, blobTriggers };
}

function blobListener(
  app: App,
  fn: LoadedFunction,
  path: string,
  root: string,
  settings: HostSettings,
  log: Log,
): BlobListener {
  if (fn.trigger.source === 'EventGrid') {
    log('information', fn.name, 'there is no Event Grid here: the container is polled instead');
  }
  const name = String(fn.trigger.connection ?? '') || 'AzureWebJobsStorage';
  return new BlobListener({
    app,
    fn,
    path,
    connection: storageConnection(resolveNames(name, process.env), process.env),
    hostConnection: storageConnection('AzureWebJobsStorage', process.env),
    hostId: hostIdOf(root),
    parallelism: settings.blobParallelism,
    log,
  });
}

/** Lower-case letters, digits and dashes, at most 32, as the real host's. */
function hostIdOf(root: string): string {
  return (
    basename(root)
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 32) || 'host'
  );
}
