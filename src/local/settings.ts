import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { z } from 'zod';
import { HostSetupError } from './errors.ts';

/** The value by which a connection setting means the local emulator, Azurite. */
export const DEVELOPMENT_STORAGE = 'UseDevelopmentStorage=true';

/** What the embedded host reads of `host.json`; the rest of the file is Azure's business. */
export interface HostSettings {
  /** First part of every HTTP route, without slashes; may be empty. */
  routePrefix: string;
  /** The durable task hub. */
  hubName: string;
  maxConcurrentActivities: number;
  /** Blob invocations at once, per function. */
  blobParallelism: number;
  /** Milliseconds an invocation may take, or undefined for no limit. */
  functionTimeoutMs: number | undefined;
}

const TIMEOUT = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2})$/;

const hostJson = z.object({
  version: z.literal('2.0'),
  functionTimeout: z
    .string()
    .refine((text) => text === '-1' || TIMEOUT.test(text), 'expected "hh:mm:ss" or "-1"')
    .optional(),
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().default('api') }).prefault({}),
      durableTask: z
        .object({
          hubName: z.string().min(1).default('TestHubName'),
          maxConcurrentActivityFunctions: z.int().positive().default(10),
        })
        .prefault({}),
      blobs: z.object({ maxDegreeOfParallelism: z.int().positive().default(8) }).prefault({}),
    })
    .prefault({}),
});

const localSettingsJson = z.object({
  IsEncrypted: z
    .literal(false, 'encrypted settings are not supported: run `func settings decrypt`')
    .optional(),
  Values: z.record(z.string(), z.string('expected text: every value is an environment variable')).default({}),
});

/** Reads and checks `host.json` in `root`; `%NAME%` in the hub's name is taken from `env`. */
export function readHostSettings(root: string, env: NodeJS.ProcessEnv): HostSettings {
  const file = readJson(join(root, 'host.json'));
  if (file === undefined) throw new HostSetupError(`no host.json in ${root}: it is not a Functions app`);
  const { functionTimeout, extensions } = check(hostJson, file, 'host.json');
  return {
    routePrefix: extensions.http.routePrefix.replace(/^\/+|\/+$/g, ''),
    hubName: resolveNames(extensions.durableTask.hubName, env),
    maxConcurrentActivities: extensions.durableTask.maxConcurrentActivityFunctions,
    blobParallelism: extensions.blobs.maxDegreeOfParallelism,
    functionTimeoutMs: toMilliseconds(functionTimeout),
  };
}

/** The `Values` of `local.settings.json` in `root`, or none where there is no such file. */
export function readAppSettings(root: string): Record<string, string> {
  const file = readJson(join(root, 'local.settings.json'));
  return file === undefined ? {} : check(localSettingsJson, file, 'local.settings.json').Values;
}

/** Replaces each `%NAME%` by the app setting of that name. @throws HostSetupError where there is none. */
export function resolveNames(text: string, env: NodeJS.ProcessEnv): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = env[name];
    if (value === undefined)
      throw new HostSetupError(`"${text}" needs the app setting ${name}, which is not set`);
    return value;
  });
}

/**
 * The storage connection string behind a binding's `connection`: the setting of that name, or of that name with
 * `AzureWebJobs` in front. @throws HostSetupError where there is none, or where it is an identity-based connection.
 */
export function storageConnection(name: string, env: NodeJS.ProcessEnv): string {
  const value = env[name] ?? env[`AzureWebJobs${name}`];
  if (value !== undefined) return checkedConnection(name, value);
  const identity = Object.keys(env).find((key) => key.startsWith(`${name}__`));
  throw new HostSetupError(
    identity
      ? `${identity}: identity-based connections are not supported here; set ${name} to a connection string`
      : `the app setting ${name} is not set; expected a storage connection string or "${DEVELOPMENT_STORAGE}"`,
  );
}

/** The value may be a secret, so that it is not shown. */
function checkedConnection(name: string, value: string): string {
  try {
    BlobServiceClient.fromConnectionString(value);
    return value;
  } catch {
    throw new HostSetupError(
      `the app setting ${name} is no storage connection string: expected 'DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…' or "${DEVELOPMENT_STORAGE}"`,
    );
  }
}

/** Whether a setting's value stands for the local emulator. */
export function meansDevelopmentStorage(value: string | undefined): boolean {
  return value?.trim().replace(/;$/, '').toLowerCase() === DEVELOPMENT_STORAGE.toLowerCase();
}

function toMilliseconds(timeout: string | undefined): number | undefined {
  const match = timeout === undefined ? null : TIMEOUT.exec(timeout);
  if (!match) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new HostSetupError(`${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown, file: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    (issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`,
  );
  throw new HostSetupError(`${file}: ${problems.join('; ')}`);
}
